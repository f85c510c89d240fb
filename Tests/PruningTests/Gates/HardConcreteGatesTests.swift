import Datasets
import Networks
@testable import Pruning
import Testing
import Torch
import Training

/// Where gates stand, what they cost, and what they learn.
@Suite struct HardConcreteGatesTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  static func plan(
    _ gates: GatePlan = GatePlan(), granularity: Granularity = .unit, amount: PruningPlan.Amount = .learned, ignored: [String] = []
  ) -> PruningPlan {
    PruningPlan(
      method: "l0", criterion: .magnitude, granularity: granularity, allocation: .global, amount: amount, timing: .everyStep,
      schedule: .oneShot, ignored: ignored, gates: gates, seed: 7)
  }

  private func gates(
    _ name: String, _ plan: PruningPlan = Self.plan(), examples: Int = 100
  ) throws -> HardConcreteGates {
    try HardConcreteGates(plan, model: Model(Architecture.parse(name), seed: 1), examples: examples)
  }

  private func words(_ gates: HardConcreteGates) -> [String] {
    gates.layers.map { "\($0.name) \($0.count)" }
  }

  @Test func gatesStandWhereThePaperHasThem() throws {
    #expect(try words(gates("lenet-300-100")) == ["fc1.inputs 784", "fc1 300", "fc2 100"])
    #expect(try words(gates("lenet-5")) == ["conv1 20", "conv2 50", "fc1.inputs 800", "fc1 500"])
    #expect(try words(gates("lenet-5", Self.plan(granularity: .filter))) == ["conv1 20", "conv2 50"])
    #expect(try words(gates("lenet-5", Self.plan(granularity: .weight))) == ["fc1 400000", "fc2 5000"])
    #expect(try words(gates("lenet-5", Self.plan(ignored: ["fc1.inputs", "conv*"]))) == ["fc1 500"])
    // Channels that leave together share a gate: a stage of a residual network is a group.
    let residual = try gates("resnet-8")
    #expect(try residual.layers.map(\.name) == Architecture.parse("resnet-8").channelGroups().groups.map(\.name))
    #expect(try words(gates("mlp:5-3")) == ["fc1.inputs 5"])
  }

  @Test func aLambdaMayBeThatOfALayer() throws {
    let plan = Self.plan(GatePlan(lambda: 1, layerLambdas: [.init(layer: "conv*", lambda: 2), .init(layer: "conv2", lambda: 3)]))
    let found = try gates("lenet-5", plan)
    #expect(found.lambdas[19] == 2 && found.lambdas[20] == 3 && found.lambdas[70] == 1 && found.lambdas.count == 1370)
    #expect(throws: PruningError.unknownLayer(option: "--lambda", given: "conv3", possible: ["conv1", "conv2", "fc1.inputs", "fc1"])) {
      try gates("lenet-5", Self.plan(GatePlan(layerLambdas: [.init(layer: "conv3", lambda: 2)])))
    }
  }

  private func opened(_ gates: HardConcreteGates, _ logAlpha: Float) throws -> HardConcreteGates {
    var state = try gates.state()
    state["log-alpha"] = try Tensor.full([gates.count], Double(logAlpha))
    try gates.restore(state)
    return gates
  }

  /// Of a filter its own weights, of an input of a linear layer those that read it, times the probability.
  @Test func theExpectedCostByHand() throws {
    // 20·25 + 50·500 + 800·500 + 500·10.
    let lenet = 430_500.0
    #expect(try abs(opened(gates("lenet-5"), 30).expectedCost - lenet) < 1e-3 * lenet)
    let p = HardConcrete.openness(0.0)
    #expect(try abs(opened(gates("lenet-5"), 0).expectedCost - p * lenet) < 1e-5 * lenet)
    #expect(try opened(gates("lenet-5"), -40).expectedCost < 1e-6)
    // Pixels 784·300, hidden units 300·100 and 100·10.
    #expect(try abs(opened(gates("lenet-300-100"), 30).expectedCost - 266_200) < 1)
    let filters = Self.plan(granularity: .filter)
    #expect(try abs(opened(gates("lenet-5", filters), 30).expectedCost - 25_500) < 1)
    #expect(try abs(opened(gates("lenet-5", Self.plan(granularity: .weight)), 30).expectedCost - 405_000) < 1)
  }

  /// With all gates open the expected multiplications are those of the network, with all half open those of inputs times outputs.
  @Test(arguments: ["lenet-5", "lenet-300-100", "resnet-8", "mobilenet-v2"]) func expectedMultiplications(name: String) throws {
    let found = try gates(name, Self.plan(GatePlan(cost: .macs)))
    let macs = Double(try Architecture.parse(name).cost().macs)
    #expect(try abs(opened(found, 30).expectedCost / macs - 1) < 1e-5)
    guard name == "lenet-300-100" else { return }
    let p = HardConcrete.openness(0.0)
    // 784·300·p² + 300·100·p² + 100·10·p.
    let expected: Double = 265_200 * p * p + 1000 * p
    #expect(try abs(opened(found, 0).expectedCost - expected) < 1)
  }

  @Test(arguments: ["lenet-5", "resnet-8", "squeezenet-1.1"]) func slopesOfExpectedMultiplications(name: String) throws {
    let network = try Architecture.parse(name)
    let layout = try GateLayout(network, .unit, ignoring: [])
    let costs = try GateCosts(macsOf: network, layout)
    var random = Seeded(3)
    let open = (0..<layout.count).map { _ in Float.random(in: 0.1...0.9, using: &random) }
    var slopes = Array(repeating: Float(0), count: layout.count), other = slopes
    func expected(_ open: [Float], _ slopes: inout [Float]) -> Double {
      open.withUnsafeBufferPointer { open in slopes.withUnsafeMutableBufferPointer { costs.expected(open, slopes: $0) } }
    }
    let total = expected(open, &slopes)
    for gate in stride(from: 0, to: layout.count, by: max(layout.count / 50, 1)) {
      var moved = open
      moved[gate] += 0.0625
      let change = (expected(moved, &other) - total) / Double(moved[gate] - open[gate])
      #expect(abs(change / Double(slopes[gate]) - 1) < 1e-3, "\(name) \(gate)")
    }
  }

  // MARK: - Training

  /// A batch norm after the convolution, and a hidden layer.
  static func network() throws -> Network {
    var builder = NetworkBuilder("tiny", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("conv1", 6, kernel: 3, padding: 1)
    builder.batchNorm("bn1")
    builder.relu()
    builder.maxPool(2)
    builder.flatten()
    builder.linear("fc1", 12)
    builder.relu()
    builder.linear("fc2", 2)
    return try builder.network()
  }

  private func data() throws -> TrainingData {
    let bytes = (0..<800).map { (i: Int) -> UInt8 in UInt8((i * 37 + i / 16 % 2 * 90) % 251) }
    let images = try ExampleSet(
      bytes: bytes, labels: (0..<50).map { $0 % 2 }, channels: 1, height: 4, width: 4, classNames: ["even", "odd"])
    return TrainingData(
      training: images, validation: images, test: nil, normalization: Normalization(mean: [0.5], deviation: [0.25]),
      augmentation: Augmentation(padding: 0, mirrors: false))
  }

  private func training(_ steps: Int) -> TrainingPlan {
    TrainingPlan(
      length: .iterations(steps), batchSize: 10, optimizer: .adam(), learningRate: .init(base: 0.01), evaluateEvery: .iterations(5),
      augment: false, seed: 5)
  }

  private func trained(
    _ plan: PruningPlan, steps: Int, network: Network? = nil
  ) throws -> (gates: HardConcreteGates, trainer: Trainer) {
    let model = try Model(network ?? Self.network(), seed: 4)
    let gates = try HardConcreteGates(plan, model: model, examples: 50)
    let trainer = try Trainer(training(steps), model: model, data: data(), hooks: [gates])
    try trainer.run()
    return (gates, trainer)
  }

  @Test func aPenaltyClosesGatesAndNoneLeavesThemOpen() throws {
    let free = try trained(Self.plan(GatePlan(lambda: 0, learningRate: 0.05)), steps: 150)
    let dear = try trained(Self.plan(GatePlan(lambda: 1, learningRate: 0.05)), steps: 150)
    let (few, many) = (free.gates.layers.reduce(0) { $0 + $1.closed }, dear.gates.layers.reduce(0) { $0 + $1.closed })
    #expect(few < 8 && many > 15, "\(few) and \(many) of \(dear.gates.count)")
    #expect(dear.gates.expectedCost < free.gates.expectedCost)
  }

  /// The evaluation during training is that of ẑ, not of a sample.
  @Test func evaluationsSeeFinalValues() throws {
    let (gates, trainer) = try trained(Self.plan(GatePlan(lambda: 1, learningRate: 0.05)), steps: 60)
    let folded = try gates.folded(trainer.model)
    let set = try data()
    let expected = try folded.evaluate(set.evaluationBatches(set.training, for: folded.network))
    #expect(trainer.log.evaluations.last?.validation == expected)
    #expect(try trainer.model.evaluate(set.evaluationBatches(set.training, for: folded.network)).loss != expected.loss)
  }

  @Test func theWarmUpBeginsWithoutAPenalty() throws {
    func first(_ warmUp: Step) throws -> [Float] {
      let (gates, _) = try trained(Self.plan(GatePlan(lambda: 1e6, warmUp: warmUp, learningRate: 0.01)), steps: 1)
      return gates.logAlphas
    }
    // Adam's first step is the learning rate in the direction of the gradient, which the penalty alone makes.
    let (at, before) = (
      try first(.iterations(0)), try HardConcreteGates(Self.plan(), model: Model(Self.network(), seed: 4), examples: 50).logAlphas
    )
    for (now, then) in zip(at, before) { #expect(abs(now - then + 0.01) < 1e-5) }
    let slow = try first(.iterations(1_000_000_000))
    #expect(zip(slow, before).contains { $0 >= $1 })
  }

  @Test(arguments: [0.5, 0.75, 0.9]) func lambdaFollowsWhatIsAsked(sparsity: Double) throws {
    let (gates, _) = try trained(Self.plan(GatePlan(lambda: 0.01, learningRate: 0.05), amount: .total(sparsity)), steps: 400)
    let closed = Double(gates.layers.reduce(0) { $0 + $1.closed }) / Double(gates.count)
    #expect(abs(closed - sparsity) < 0.2, "\(closed), λ times \(gates.strength)")
    #expect(gates.strength >= 1)
  }

  private struct Stopped: Error {}

  private struct Bits: Equatable {
    var tensors: [String: [UInt8]] = [:]
    init(_ trainer: Trainer) throws {
      for (name, tensor) in trainer.model.tensors { tensors["\(name)"] = try tensor.detached().bytes() }
      for (name, tensor) in try trainer.state().hooks["gates"] ?? [:] { tensors[name] = try tensor.bytes() }
    }
  }

  @Test(arguments: [Granularity.unit, .weight]) func resumedAtAnyStepItEndsWithTheSameBits(granularity: Granularity) throws {
    let (plan, data) = (Self.plan(GatePlan(learningRate: 0.05), granularity: granularity, amount: .total(0.5)), try data())
    let networks = granularity == .unit ? [try Self.network(), try TinyNetworks.mlp([16, 9, 2])] : [try TinyNetworks.mlp([16, 9, 2])]
    for network in networks {
      let model = try Model(network, seed: 4)
      func gates() throws -> HardConcreteGates { try HardConcreteGates(plan, model: model, examples: 50) }
      let whole = try Trainer(training(6), model: model, data: data, hooks: [gates()])
      try whole.run()
      let bits = try Bits(whole)
      for step in 1...5 {
        let trainer = try Trainer(training(6), model: model, data: data, hooks: [gates()])
        #expect(throws: Stopped.self) { try trainer.run { if $0.iteration == step { throw Stopped() } } }
        let resumed = try Trainer(training(6), model: trainer.model, data: data, hooks: [gates()], state: trainer.state())
        try resumed.run()
        #expect(try Bits(resumed) == bits, "\(network.name) resumed after step \(step)")
      }
    }
  }

  @Test func saysWhatIsWrong() throws {
    let model = try Model(Self.network(), seed: 1)
    func expect(_ plan: PruningPlan, _ words: String) {
      #expect { try plan.validate() } throws: { "\($0)" == words }
    }
    expect(Self.plan(GatePlan(lambda: -1)), "--lambda -1.0 is impossible: give 0 or a positive number, e.g. 0.1")
    expect(
      Self.plan(GatePlan(layerLambdas: [.init(layer: "a", lambda: .nan)])),
      "--lambda nan is impossible: give 0 or a positive number, e.g. 0.1")
    expect(Self.plan(GatePlan(dropRate: 1)), "--drop-rate 1.0 is impossible: give a number between 0 and 1, e.g. 0.5")
    expect(Self.plan(GatePlan(learningRate: 0)), "--gate-learning-rate 0.0 is impossible: give a number above 0, e.g. 0.001")
    expect(
      Self.plan(GatePlan(cost: .macs), granularity: .weight),
      "--gate-cost macs goes with --granularity unit or filter: each weight of a linear layer is one multiplication")
    expect(Self.plan(amount: .perEvent(0.5)), "--method l0 counts gates: give --sparsity, or nothing, and --lambda decides how many close")
    var plan = Self.plan()
    plan.widthMultiple = 8
    expect(
      plan, "--width-multiple does not go with --method l0: what leaves is decided by its gates, which weights have learned to do without")
    plan = Self.plan()
    plan.gates = nil
    expect(plan, "only gates decide by themselves how much leaves: give --sparsity, or --method l0")
    #expect(
      throws: PruningError.nothingToPrune(
        network: "mlp", granularity: "filters", refused: ["it has no convolutions"], instead: ["unit", "weight"])
    ) {
      try HardConcreteGates(Self.plan(granularity: .filter), model: Model(TinyNetworks.mlp([3, 2]), seed: 1), examples: 5)
    }
    let gates = try HardConcreteGates(Self.plan(), model: model, examples: 5)
    let sound = try gates.state()
    func damaged(_ change: (inout [String: Tensor]) throws -> Void, _ words: String) throws {
      var state = sound
      try change(&state)
      #expect { try gates.restore(state) } throws: { "\($0)" == words }
    }
    try damaged({ $0["first"] = nil }, "it lacks the gates' first")
    try damaged({ $0["second"] = try Tensor.zeros([3]) }, "its second of the gates is not \(gates.count) numbers of float32")
    try damaged(
      { $0["log-alpha"] = try Tensor.full([gates.count], .nan) }, "its log-alpha of the gates is not \(gates.count) numbers of float32")
    try damaged({ $0["strength"] = try Tensor.scalar(0, type: .float64) }, "it lacks the factor of the gates' λ, or holds more than that")
    try damaged({ $0["more"] = try Tensor.zeros([1]) }, "it lacks the factor of the gates' λ, or holds more than that")
  }
}
