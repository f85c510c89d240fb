import Foundation
import Networks
@testable import Pruning
import TestSupport
import Testing
import Torch
import Training

/// What closed leaves, and the rest computes the same.
@Suite struct GateRemovalTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  /// Gates with random ln α, many of them closed.
  private func gates(_ plan: PruningPlan, _ model: Model, seed: UInt64, shift: Double = -2.4) throws -> HardConcreteGates {
    let gates = try HardConcreteGates(plan, model: model, examples: 10)
    var state = try gates.state()
    state["log-alpha"] = try Tensor.normal([gates.count], mean: shift, deviation: 2, generator: Generator(seed: seed))
    try gates.restore(state)
    return gates
  }

  private func outputs(_ model: Model, seed: UInt64) throws -> Tensor {
    let type = model.tensors.values.first?.elementType ?? .float32
    let shape = try model.network.inputShape.dimensions
    return try withoutGradients {
      try Executor(model).forward(Tensor.normal([8] + shape, type: type, generator: Generator(seed: seed)))
    }
  }

  private func expectSame(_ one: Model, _ other: Model, _ note: String) throws {
    let (expected, found) = (try outputs(one, seed: 9), try outputs(other, seed: 9))
    #expect(try (expected - found).absolute().max().item() <= 1e-9 * max(expected.absolute().max().item(), 1), "\(note)")
  }

  /// Plain, residual, dense, depthwise, with batch norms after convolutions, with flattened positions.
  @Test(arguments: ["lenet-300-100", "lenet-5", "resnet-8", "conv-2", "vgg11-bn-cifar"], [Granularity.unit, .filter])
  func theSmallerNetworkComputesWhatTheGatedOneDoes(name: String, granularity: Granularity) throws {
    guard granularity == .unit || name != "lenet-300-100" else { return }
    let network = try Architecture.parse(name)
    let model = try network.randomModel(seed: 3)
    let gates = try gates(HardConcreteGatesTests.plan(granularity: granularity), model, seed: 5)
    let closed = gates.layers.reduce(0) { $0 + $1.closed }
    let removal = try gates.removal(from: model, iteration: 3)
    #expect(removal.event.removed == closed && removal.event.kept == gates.count - closed && closed > gates.count / 4)
    #expect(removal.event.proof.map { $0 < 1e-9 } == true && removal.event.iteration == 3)
    #expect(removal.closedByThemselves == closed)
    let folded = try gates.folded(model)
    try expectSame(folded, removal.model, "\(name)")
    #expect(try removal.model.network.cost().macs < network.cost().macs)
    #expect(try !(outputs(model, seed: 9) - outputs(folded, seed: 9)).absolute().max().item().isZero)
    // What is written is what is read.
    try withTemporaryDirectory { folder in
      try ModelFile(model: removal.model, history: removal.removals).write(to: folder + "/a.st")
      let read = try ModelFile(contentsOf: folder + "/a.st")
      #expect(read.model.network == removal.model.network && read.history == removal.removals)
      try expectSame(read.model, removal.model, "\(name) from its file")
    }
  }

  /// Gates of 0 and 1 by hand: pixels, a hidden unit, and what is folded.
  @Test func aRemovalByHand() throws {
    let network = try TinyNetworks.mlp([3, 2, 2])
    let (w1, w2) = (ParameterName("fc1", .weight), ParameterName("fc2", .weight))
    let model = try Model(
      network: network,
      tensors: [
        w1: Tensor([1, 2, 3, 4, 5, 6] as [Double], shape: [2, 3]), ParameterName("fc1", .bias): Tensor([7, 8] as [Double]),
        w2: Tensor([1, 2, 3, 4] as [Double], shape: [2, 2]), ParameterName("fc2", .bias): Tensor([9, 10] as [Double]),
      ])
    let gates = try HardConcreteGates(HardConcreteGatesTests.plan(), model: model, examples: 1)
    #expect(gates.layers.map(\.name) == ["fc1.inputs", "fc1"])
    var state = try gates.state()
    // ẑ = 1, 0, 0.5 for the pixels, 0 and 1 for the units.
    state["log-alpha"] = try Tensor([9, -9, 0, -9, 9] as [Float])
    try gates.restore(state)
    let removal = try gates.removal(from: model, iteration: 0)
    let small = removal.model
    #expect(small.network.nodes.map(\.name) == ["input", "fc1.inputs", "fc1", "relu1", "fc2"])
    #expect(small.network.node(named: "fc1.inputs")?.operation == .indexSelect([0, 2]))
    #expect(try small.tensor(w1).array(Double.self) == [4, 3])
    #expect(try small.tensor(ParameterName("fc1", .bias)).array(Double.self) == [8])
    #expect(try small.tensor(w2).array(Double.self) == [2, 4])
    #expect(removal.event.removed == 2 && removal.event.kept == 3 && removal.event.widths == ["fc1.inputs": 2, "fc1": 1])
    #expect(removal.removals.map(\.removed) == [["fc1": [0]]] && removal.removals[0].inputs == ["fc1": 1])
  }

  /// Asked is achieved, whichever gates closed by themselves.
  @Test(arguments: [0.1, 0.37, 0.5, 0.8, 0.9], [Granularity.unit, .weight]) func theTrimIsExact(sparsity: Double, granularity: Granularity)
    throws
  {
    let model = try Architecture.parse("mlp:20-16-12-5").randomModel(seed: 3)
    let gates = try gates(HardConcreteGatesTests.plan(granularity: granularity, amount: .total(sparsity)), model, seed: 6)
    let removal = try gates.removal(from: model, iteration: 0)
    #expect(removal.event.removed == Int((sparsity * Double(gates.count) + 0.5).rounded(.down)))
    #expect(removal.event.asked == removal.event.removed && removal.event.removed + removal.event.kept == gates.count)
    // Of lowest ln α: every gate that left is below every one that stayed, layers' last ones aside.
    if granularity == .weight {
      let masks = try MaskSet(removal.model)
      #expect(masks.prunable - masks.kept == removal.event.removed)
      for name in model.network.prunableWeights {
        let mask = try #require(removal.model.masks[name])
        let weight = try removal.model.tensor(name)
        #expect(try mask.select(weight.zerosLike(), else: weight).absolute().max().item() == 0)
      }
    } else {
      #expect(try removal.model.network.inputShape == .vector(20))
    }
  }

  @Test func aLayerKeepsAUnitAndAnInput() throws {
    let model = try Architecture.parse("mlp:20-16-5").randomModel(seed: 3)
    let gates = try gates(HardConcreteGatesTests.plan(), model, seed: 6, shift: -40)
    let removal = try gates.removal(from: model, iteration: 0)
    #expect(removal.event.widths == ["fc1.inputs": 1, "fc1": 1])
    #expect(removal.event.hasConstantOutput == true)
    #expect(removal.model.network.node(named: "fc1")?.operation == .linear(Linear(1, 1)))
  }

  @Test func withoutAProofNothingIsCompared() throws {
    let model = try Architecture.parse("lenet-5").randomModel(seed: 3)
    let removal = try gates(HardConcreteGatesTests.plan(), model, seed: 5).removal(from: model, iteration: 0, proves: false)
    #expect(removal.event.proof == nil && removal.event.removed > 0)
  }
}
