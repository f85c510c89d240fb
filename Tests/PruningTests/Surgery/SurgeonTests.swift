import Foundation
import Networks
@testable import Pruning
import Testing
import Torch
import Training

struct SurgeonTests {
  @Test func aHandWorkedCut() throws {
    // 2 → 3 → 1: unit 1 leaves.
    let network = try TinyNetworks.mlp([2, 3, 1])
    let model = try Model(
      network: network,
      tensors: [
        ParameterName("fc1", .weight): Tensor([1, 2, 3, 4, 5, 6] as [Double], shape: [3, 2]),
        ParameterName("fc1", .bias): Tensor([1, 2, 3] as [Double]),
        ParameterName("fc2", .weight): Tensor([10, 20, 30] as [Double], shape: [1, 3]),
        ParameterName("fc2", .bias): Tensor([7] as [Double]),
      ])
    let plan = SurgeryPlan(removals: ["fc1": [1]])
    let surgery = try Surgeon.operate(plan, on: model, seed: 1)
    let small = surgery.model
    #expect(try small.tensor(ParameterName("fc1", .weight)).array(Double.self) == [1, 2, 5, 6])
    #expect(try small.tensor(ParameterName("fc1", .bias)).array(Double.self) == [1, 3])
    #expect(try small.tensor(ParameterName("fc2", .weight)).array(Double.self) == [10, 30])
    #expect(surgery.proof?.elementType == .float64 && surgery.proof?.tolerance == 1e-9)
    #expect(try plan.lines(for: network) == ["fc1 3 → 2: fc1[out] → fc2[in]"])
    // The given model is untouched.
    #expect(try model.tensor(ParameterName("fc1", .bias)).array(Double.self) == [1, 2, 3])
    let masked = try Surgeon.masked(plan, model)
    #expect(try masked.tensor(ParameterName("fc1", .weight)).array(Double.self) == [1, 2, 0, 0, 5, 6])
    #expect(try masked.tensor(ParameterName("fc2", .weight)).array(Double.self) == [10, 20, 30])
  }

  /// 2 → 2 → 1 with a sigmoid: what leaves is 0 to its readers, not σ(0).
  @Test func activationsThatMakeSomethingOfNothing() throws {
    var builder = NetworkBuilder("awake", input: .vector(2))
    builder.linear("fc1", 2)
    builder.activation(.sigmoid, "act")
    builder.linear("fc2", 1)
    let model = try Model(
      network: builder.network(),
      tensors: [
        ParameterName("fc1", .weight): Tensor([1, 2, 3, 4] as [Double], shape: [2, 2]),
        ParameterName("fc1", .bias): Tensor([1, 2] as [Double]),
        ParameterName("fc2", .weight): Tensor([10, 20] as [Double], shape: [1, 2]),
        ParameterName("fc2", .bias): Tensor([7] as [Double]),
      ])
    let plan = SurgeryPlan(removals: ["fc1": [0]])
    let surgery = try Surgeon.operate(plan, on: model, seed: 1)
    #expect(surgery.proof?.holds == true)
    let masked = try Surgeon.masked(plan, model)
    let x = try Tensor([0, 0] as [Double], shape: [1, 2])
    let expected = 7 + 20 / (1 + exp(-2.0))
    for found in [surgery.model, masked] { #expect(abs(try Executor(found).forward(x).item() - expected) < 1e-12) }
    #expect(masked.network.nodes.map(\.name) == ["input", "fc1", "loud", "act", "fc2"])
  }

  @Test func anEmptyPlanCutsNothing() throws {
    let model = try TinyNetworks.mlp([2, 3, 1]).randomModel(seed: 1)
    let surgery = try Surgeon.operate(SurgeryPlan(removals: ["fc1": []]), on: model, seed: 1)
    #expect(surgery.proof == nil && surgery.slices.isEmpty && surgery.model.network == model.network)
  }

  /// 2 → 3 → 2 → 1: what is left of fc2 is a ReLU that nothing wakes, although all its weights are there.
  private func dead(bias: Double) throws -> Model {
    try Model(
      network: TinyNetworks.mlp([2, 3, 2, 1]),
      tensors: [
        ParameterName("fc1", .weight): Tensor([1, 2, 3, 4, 5, -6] as [Double], shape: [3, 2]),
        ParameterName("fc1", .bias): Tensor([0, 0, 0] as [Double]),
        ParameterName("fc2", .weight): Tensor([1, 2, 3, -1, -2, -3] as [Double], shape: [2, 3]),
        ParameterName("fc2", .bias): Tensor([0, bias] as [Double]),
        ParameterName("fc3", .weight): Tensor([10, 20] as [Double], shape: [1, 2]),
        ParameterName("fc3", .bias): Tensor([7] as [Double]),
      ])
  }

  @Test func aConstantOutputIsSeen() throws {
    let (alive, gone) = (SurgeryPlan(removals: ["fc2": [1]]), SurgeryPlan(removals: ["fc2": [0]]))
    #expect(try Surgeon.operate(alive, on: dead(bias: -1), seed: 1).proof?.isConstant == false)
    for seed in 0..<20 as Range<UInt64> {
      let surgery = try Surgeon.operate(gone, on: dead(bias: -1), seed: seed)
      #expect(surgery.proof?.isConstant == true && surgery.proof?.largestDifference == 0 && surgery.proof?.largestOutput == 7)
      #expect(try surgery.model.silentLayers(seed: seed) == ["fc2"])
      // A unit that sleeps for four small examples, as this one may, is not dead.
      let drowsy = try Surgeon.operate(gone, on: dead(bias: 3), seed: seed)
      #expect(drowsy.proof?.isConstant == false, "seed \(seed)")
    }
  }

  @Test func masksAreCutWithTheirWeights() throws {
    var model = try TinyNetworks.mlp([2, 3, 1]).randomModel(seed: 1)
    let name = ParameterName("fc1", .weight)
    model.masks[name] = try Tensor([true, false, true, true, false, true], shape: [3, 2])
    try model.applyMasks()
    let small = try Surgeon.operate(SurgeryPlan(removals: ["fc1": [0]]), on: model, seed: 1).model
    #expect(try small.masks[name]?.array(Bool.self) == [true, true, false, true])
    #expect(try small.tensor(name).array(Double.self)[2] == 0)
  }

  @Test func zeroWeightsBeforeANormAreNotEnough() throws {
    // A norm turns 0 into β − γμ/σ; masking has to silence the norm as well.
    var builder = NetworkBuilder("norm", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("conv1", 2, kernel: 3, padding: 1, bias: false)
    builder.batchNorm("bn1")
    builder.relu()
    builder.convolution("conv2", 2, kernel: 3, padding: 1)
    let model = try builder.network().randomModel(seed: 3)
    let masked = try Surgeon.masked(SurgeryPlan(removals: ["conv1": [1]]), model)
    for (role, silent) in [(ParameterName.Role.weight, 0.0), (.bias, 0), (.runningMean, 0), (.runningVariance, 1)] {
      let (before, after) = (
        try model.tensor(ParameterName("bn1", role)).array(Double.self), try masked.tensor(ParameterName("bn1", role)).array(Double.self)
      )
      #expect(after == [before[0], silent])
    }
  }

  @Test(arguments: 0..<80)
  func compactedEqualsMasked(seed: UInt64) throws {
    var random = Seeded(seed)
    let network = try TinyNetworks.sequential(&random)
    let model = try network.randomModel(seed: seed)
    let layers = try model.unitScores(.random, granularity: .unit, seed: seed)
    let selection = try Selection(
      .ofKept(Double(random.below(60)) / 100), of: layers, rule: SelectionRule(granularity: .unit, scope: Scope.allCases[random.below(2)]))
    let plan = SurgeryPlan(removals: try selection.removedIndices(from: layers))
    let surgery = try Surgeon.operate(plan, on: model, seed: seed)
    if let proof = surgery.proof {
      #expect(proof.holds && proof.relativeDifference <= 1e-9 && proof.largestOutput > 0, "seed \(seed): \(proof)")
    } else {
      #expect(plan.isEmpty, "seed \(seed)")
    }
    let single = try Surgeon.operate(plan, on: model.cast(to: .float32), seed: seed)
    #expect(single.proof.map { $0.holds && $0.tolerance == 1e-4 } ?? true, "seed \(seed)")
  }

  @Test func aWrongCutIsCaught() throws {
    let model = try TinyNetworks.mlp([2, 3, 1]).randomModel(seed: 2)
    let masked = try Surgeon.masked(SurgeryPlan(removals: ["fc1": [0]]), model)
    let (network, slices) = try model.network.removing(["fc1": [1]])
    let wrong = try model.cut(to: network, slices: slices)
    let error = #expect(throws: PruningError.self) { try Equivalence.prove(masked: masked, compacted: wrong, seed: 1) }
    guard case .notEquivalent(let name, let difference, let output, let tolerance) = error else {
      Issue.record("no such error: \(String(describing: error))")
      return
    }
    #expect(name == "mlp" && difference > 0 && tolerance == 1e-9)
    #expect(
      error?.description == "the surgery on mlp changed its outputs: the largest difference from the masked network is \(difference), "
        + "the largest output \(output), of which 1e-09 is allowed")
  }

  /// Outputs of 1e-6 that differ by all they are, and a second output that differs where the first does not.
  @Test func aProofIsRelativeAndOfAllOutputs() throws {
    let small = try TinyNetworks.mlp([2, 3, 1]).randomModel(seed: 2, type: .float32)
    for (name, tensor) in small.tensors where name.module == "fc2" { try tensor.copy(from: tensor * 1e-6) }
    var other = try small.copied()
    for (name, tensor) in small.tensors where name.module == "fc2" { other.tensors[name] = try tensor * 2 }
    #expect(throws: PruningError.self) { try Equivalence.prove(masked: small, compacted: other, seed: 1) }
    #expect(try Equivalence.prove(masked: small, compacted: small.copied(), seed: 1).relativeDifference == 0)

    var builder = NetworkBuilder("two", input: .vector(3))
    let first = builder.linear("fc1", 2)
    let second = builder.linear("fc2", 2, from: "input")
    let two = try builder.network(outputs: [first, second]).randomModel(seed: 3)
    var wrong = try two.copied()
    wrong.tensors[ParameterName("fc2", .bias)] = try Tensor([1, 2] as [Double])
    #expect(throws: PruningError.self) { try Equivalence.prove(masked: two, compacted: wrong, seed: 1) }
  }

  /// The mean of what a norm made is 0 but for rounding, which a smaller network rounds otherwise.
  @Test(arguments: 0..<8, [ElementType.float32, .float64]) func outputsOfRoundingsAlone(seed: UInt64, type: ElementType) throws {
    var builder = NetworkBuilder("cancels", input: .image(channels: 1, height: 8, width: 8))
    builder.convolution("one", 9, kernel: 3)
    builder.activation(.tanh)
    builder.convolution("two", 2, kernel: 3)
    builder.append("norm", .groupNorm(GroupNorm(groups: 2, 2, affine: false)), from: [builder.last])
    builder.adaptiveAveragePool(1)
    builder.flatten()
    builder.linear("fc", 3, bias: false)
    let model = try builder.network().randomModel(seed: seed, type: type)
    let plan = SurgeryPlan(removals: ["one": [0, 4, 5]])
    let surgery = try Surgeon.operate(plan, on: model, seed: seed)
    let proof = try #require(surgery.proof)
    #expect(proof.holds && proof.largestOutput < 1e-4 && proof.elementType == type)
    // One that is more than rounding is still found.
    var other = surgery.model
    other.tensors[ParameterName("fc", .bias)] = try Tensor.full([3], 1e-10, type: type)
    other.network = other.network.addingBias(to: "fc")
    #expect(throws: PruningError.self) { try Equivalence.prove(masked: Surgeon.masked(plan, model), compacted: other, seed: seed) }
  }

  /// Norms without parameters that bear one name lose channels each by itself.
  @Test func normsThatShareANameOnly() throws {
    var builder = NetworkBuilder("names", input: .image(channels: 1, height: 8, width: 8))
    let norm = Operation.groupNorm(GroupNorm(groups: 1, 4, affine: false))
    for branch in ["a", "b"] {
      builder.convolution("conv-\(branch)", 4, kernel: 3, from: "input")
      builder.append("norm-\(branch)", norm, from: [builder.last], module: "norm")
      builder.convolution("last-\(branch)", 2, kernel: 3)
    }
    builder.add(["last-a", "last-b"])
    builder.flatten()
    builder.linear("fc", 3)
    let model = try builder.network().randomModel(seed: 1)
    let first = try Surgeon.operate(SurgeryPlan(removals: ["conv-a": [0]]), on: model, seed: 1)
    let second = try Surgeon.operate(SurgeryPlan(removals: ["conv-a": [1], "conv-b": [3]]), on: first.model, seed: 1)
    #expect(first.proof?.holds == true && second.proof?.holds == true)
  }

  @Test func outputsThatAreNoNumbersProveNothing() throws {
    let model = try TinyNetworks.mlp([2, 3, 1]).randomModel(seed: 2)
    try model.tensor(ParameterName("fc2", .bias)).fill(.nan)
    #expect(throws: PruningError.self) { try Surgeon.operate(SurgeryPlan(removals: ["fc1": [0]]), on: model, seed: 1) }
  }

  @Test func plansThatDoNotFit() throws {
    let model = try TinyNetworks.mlp([2, 3, 1]).randomModel(seed: 2)
    func message(_ removals: [String: [Int]]) -> String? {
      #expect(throws: NetworkError.self) { try Surgeon.operate(SurgeryPlan(removals: removals), on: model, seed: 1) }?.description
    }
    #expect(message(["fc1": [3]]) == "fc1: there is no channel 3 among 3")
    #expect(message(["fc1": [0, 1, 2]]) == "fc1: cannot lose all of its 3 channels; at least one stays")
    #expect(message(["fc2": [0]]) == "fc2: its channels cannot be removed: they are the network's output fc2")
  }

  @Test func sixRoundsOfFivePercentOfVGG16() throws {
    var network = try Architecture.parse("vgg16-cifar", input: .image(channels: 3, height: 32, width: 32), classes: 10)
    let model = try network.randomModel(seed: 1, type: .float32)
    var current = model
    let originals = Dictionary(uniqueKeysWithValues: try network.channelGroups().groups.map { ($0.name, $0.width) })
    for round in 1...6 {
      let layers = try current.unitScores(.l2, granularity: .filter, originals: originals, round: round)
      let selection = try Selection(.ofKept(0.05), of: layers, rule: SelectionRule(granularity: .filter, scope: .layer, rounding: .floor))
      #expect(selection.asked == selection.removed)
      let surgery = try Surgeon.operate(SurgeryPlan(removals: try selection.removedIndices(from: layers)), on: current, seed: UInt64(round))
      #expect(surgery.proof?.holds == true)
      current = surgery.model
    }
    network = current.network
    let widths = network.nodes.compactMap { node in if case .convolution(let layer) = node.operation { layer.outputs } else { nil } }
    #expect(widths == [50, 50, 96, 96, 190, 190, 190, 379, 379, 379, 379, 379, 379])
    #expect(network.filters == 3136)
  }
}
