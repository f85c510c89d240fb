import Networks
import Pruning
import Testing
import Torch
import Training

struct ScoreAccumulatorTests {
  private func network(norm: Bool = true) throws -> Network {
    var builder = NetworkBuilder("net", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("conv1", 2, kernel: 3)
    if norm { builder.batchNorm("bn1") }
    builder.relu("relu1")
    builder.maxPool(2)
    builder.convolution("conv2", 2, kernel: 1)
    builder.flatten()
    builder.linear("fc1", 3)
    builder.activation(.tanh, "tanh1")
    builder.linear("out", 2)
    return try builder.network()
  }

  private func accumulator(
    _ criterion: Criterion, granularity: Granularity = .unit
  ) throws -> ScoreAccumulator { try #require(try ScoreAccumulator(criterion, network: network(), granularity: granularity)) }

  @Test func observesBehindNormAndActivationBeforePooling() throws {
    #expect(try accumulator(.activation).observedNodes == ["relu1", "conv2", "tanh1"])
    #expect(try accumulator(.activation, granularity: .filter).observedNodes == ["relu1", "conv2"])
    let before = try Criterion(named: "activation", options: [.preActivation])
    #expect(try accumulator(before).observedNodes == ["bn1", "conv2", "fc1"])
    #expect(try accumulator(.weightNorm).observedNodes.isEmpty)
    #expect(try ScoreAccumulator(.l2, network: network(), granularity: .unit) == nil)
  }

  /// Numbers of the graph stand between a layer and its activation, and are none.
  @Test func fixedNumbersAreNoActivation() throws {
    var builder = NetworkBuilder("net", input: .vector(2))
    builder.linear("fc1", 3)
    builder.activation(.affine(scale: 2, shift: 1), "numbers")
    builder.activation(.tanh, "tanh1")
    builder.linear("out", 2)
    let network = try builder.network()
    let before = try Criterion(named: "activation", options: [.preActivation])
    for (criterion, node) in [(Criterion.activation, "tanh1"), (before, "numbers")] {
      let accumulator = try #require(try ScoreAccumulator(criterion, network: network, granularity: .unit))
      #expect(accumulator.observedNodes == [node])
    }
  }

  @Test func sumsNormsOverSteps() throws {
    let sums = try accumulator(.activation, granularity: .filter)
    // [batch 2, channels 2, 1, 2]: channel 0 holds 3, 0, 0, 4; channel 1 holds 1, 1, 1, 1.
    let step = try Tensor([3, 0, 1, 1, 0, 4, 1, 1] as [Float], shape: [2, 2, 1, 2])
    try sums.add(step, of: "relu1")
    try sums.add(step.channelsLast(), of: "relu1")
    try sums.add(Tensor.ones([1, 2, 1, 1]), of: "conv2")
    try sums.add(Tensor.ones([1, 2]), of: "elsewhere")
    #expect(try sums.scores().mapValues { try $0.array(Double.self) } == ["conv1": [10, 4], "conv2": [1, 1]])
    sums.reset()
    let error = #expect(throws: PruningError.self) { try sums.scores() }
    #expect(
      error?.description
        == "criterion activation sums over training steps and has seen none: prune during training, or choose l1, l2 or random")
  }

  @Test func normalizesEachStepByItsOwnMaximum() throws {
    let criterion = try Criterion(named: "activation", options: [.normalize])
    let sums = try accumulator(criterion, granularity: .filter)
    try sums.add(Tensor([8, 2] as [Float], shape: [1, 2, 1, 1]), of: "relu1")
    try sums.add(Tensor([1, 2] as [Float], shape: [1, 2, 1, 1]), of: "relu1")
    try sums.add(Tensor([0, 0] as [Float], shape: [1, 2, 1, 1]), of: "relu1")
    try sums.add(Tensor([5, 5] as [Float], shape: [1, 2, 1, 1]), of: "conv2")
    // 8/8 + 1/2 and 2/8 + 2/2; a silent step adds nothing.
    #expect(try sums.scores()["conv1"]?.array(Double.self) == [1.5, 1.25])
  }

  @Test func sumsWeightNorms() throws {
    let model = try network().randomModel(seed: 1)
    try model.tensor(ParameterName("conv1", .weight)).fill(2)
    let sums = try accumulator(.weightNorm)
    try sums.add(weights: model.tensors)
    try model.tensor(ParameterName("conv1", .weight)).fill(1)
    try sums.add(weights: model.tensors)
    // √(9·4) + √9.
    #expect(try sums.scores()["conv1"]?.array(Double.self) == [9, 9])
    #expect(try sums.scores()["fc1"]?.shape == [3])
  }

  @Test func continuesFromItsState() throws {
    let model = try network().randomModel(seed: 1)
    let (whole, first) = (try accumulator(.weightNorm), try accumulator(.weightNorm))
    try whole.add(weights: model.tensors)
    try first.add(weights: model.tensors)
    let second = try accumulator(.weightNorm)
    try second.restore(first.state())
    for sums in [whole, second] { try sums.add(weights: model.tensors) }
    for (name, sum) in try whole.scores() {
      #expect(try second.scores()[name]?.array(Double.self) == sum.array(Double.self))
    }
    // Going on must not move the stored state.
    #expect(try first.scores()["fc1"]?.array(Double.self) != second.scores()["fc1"]?.array(Double.self))
    #expect(throws: RecordError("it has scores for conv9, which the network does not have")) {
      try second.restore(["conv9": Tensor.ones([1])])
    }
    var state = first.state()
    state["fc1"] = nil
    #expect(throws: RecordError("it lacks the scores of some layers")) { try second.restore(state) }
    for wrong in [try Tensor.zeros([4], type: .float64), try .zeros([3])] {
      state["fc1"] = wrong
      #expect(throws: RecordError("the scores of fc1 are not one float64 for each of its 3 outputs")) { try second.restore(state) }
    }
  }

  @Test func followsASurgery() throws {
    let model = try network().randomModel(seed: 1)
    let sums = try accumulator(.weightNorm)
    try sums.add(weights: model.tensors)
    let layers = try model.unitScores(.weightNorm, granularity: .unit, accumulated: sums, originals: ["fc1": 12])
    #expect(layers.map(\.name) == ["conv1", "conv2", "fc1"] && layers.map(\.original) == [2, 2, 12])
    let surgery = try Surgeon.operate(SurgeryPlan(removals: ["fc1": [0]]), on: model, seed: 1)
    let stale = #expect(throws: PruningError.self) {
      try surgery.model.unitScores(.weightNorm, granularity: .unit, accumulated: sums)
    }
    #expect(stale?.description == "fc1: 3 scores for 2 units")
    try sums.reset(for: surgery.model.network, granularity: .unit)
    try sums.add(weights: surgery.model.tensors)
    #expect(try sums.scores()["fc1"]?.shape == [2])
  }

  @Test func observesInTheExecutor() throws {
    let model = try network().randomModel(seed: 1, type: .float32)
    let sums = try accumulator(.activation)
    let input = try Tensor.normal([3, 1, 4, 4], generator: Generator(seed: 1))
    _ = try Executor(model).forward(input, mode: .evaluation, observing: sums.observedNodes) { try sums.add($1, of: $0) }
    #expect(try Set(sums.scores().keys) == ["conv1", "conv2", "fc1"])
  }
}
