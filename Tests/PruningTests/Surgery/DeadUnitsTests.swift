import Foundation
import Networks
import Pruning
import Testing
import Torch
import Training

/// Runs both models on one batch; the largest difference.
private func difference(_ a: Model, _ b: Model) throws -> Double {
  let shape = try a.network.inputShape.dimensions
  let x = try Tensor.normal([3] + shape, type: .float64, generator: Generator(seed: 99))
  return try (Executor(a).forward(x) - Executor(b).forward(x)).absolute().max().item()
}

/// Masks these rows or columns of a weight, dimension 0 for a unit's inputs and 1 for its outputs.
private func mask(_ model: inout Model, _ module: String, _ dimension: Int, _ indices: [Int]) throws {
  let name = ParameterName(module, .weight)
  let weight = try model.tensor(name)
  var stays = Array(repeating: true, count: weight.shape[dimension])
  for index in indices { stays[index] = false }
  var shape = Array(repeating: 1, count: weight.rank)
  shape[dimension] = stays.count
  let new = try Tensor(stays, shape: shape).expanded(weight.shape).contiguous()
  model.masks[name] = try model.masks[name].map { try new.select($0, else: $0.zerosLike()) } ?? new
  try model.applyMasks()
}

private func pair(padding: Int, bias: Bool = true, norm: Bool = false, secondNorm: Bool = false) throws -> Model {
  var builder = NetworkBuilder("pair", input: .image(channels: 2, height: 6, width: 6))
  builder.convolution("conv1", 4, kernel: 3)
  if norm { builder.batchNorm("bn1") }
  builder.activation(.tanh)
  builder.maxPool(2)
  builder.convolution("conv2", 3, kernel: 1 + padding, padding: padding, bias: bias)
  if secondNorm { builder.batchNorm("bn2") }
  builder.relu()
  builder.flatten()
  builder.linear("fc", 2)
  return try builder.network().randomModel(seed: 5)
}

struct DeadUnitsTests {
  @Test func unitsWithoutOutputLeave() throws {
    var model = try pair(padding: 1)
    try mask(&model, "conv2", 1, [0, 2])
    let compaction = try model.compacted()
    #expect(compaction.removed.removals == ["conv1": [0, 2]])
    #expect(compaction.stayed.isEmpty && compaction.proof?.holds == true)
    #expect(try difference(model, compaction.model) < 1e-12)
  }

  /// Units whose weights and biases are 0 still say f(0), which moves into the next layer's bias.
  @Test(arguments: Activation.allCases) func whatActivationsMakeOfNothing(_ function: Activation) throws {
    var builder = NetworkBuilder("awake", input: .vector(2))
    builder.linear("fc1", 3, bias: false)
    builder.activation(function)
    builder.linear("fc2", 2)
    var model = try builder.network().randomModel(seed: 3)
    try mask(&model, "fc1", 0, [1])
    let compaction = try model.compacted()
    #expect(compaction.removed.removals == ["fc1": [1]] && compaction.stayed.isEmpty)
    #expect(try difference(model, compaction.model) < 1e-12)
    let bias = ParameterName("fc2", .bias)
    let (before, after) = (try model.tensor(bias).array(Double.self), try compaction.model.tensor(bias).array(Double.self))
    let read = try model.tensor(ParameterName("fc2", .weight)).array(Double.self)
    for unit in 0..<2 { #expect(abs(after[unit] - before[unit] - read[unit * 3 + 1] * function.valueAtZero) < 1e-12) }
  }

  @Test func whatPaddingSurroundsStays() throws {
    func model(_ function: Activation, bias: Bool) throws -> Model {
      var builder = NetworkBuilder("padded", input: .image(channels: 2, height: 4, width: 4))
      builder.convolution("conv1", 4, kernel: 3, bias: bias)
      builder.activation(function)
      builder.append("border", .pad(top: 1, bottom: 0, left: 0, right: 0), from: [builder.last])
      builder.convolution("conv2", 3, kernel: 1)
      var model = try builder.network().randomModel(seed: 5)
      try mask(&model, "conv1", 0, [2])
      return model
    }
    #expect(
      try model(.sigmoid, bias: false).compacted().stayed.map(\.description)
        == ["conv1 unit 2 has no input but stays: border pads it"])
    #expect(try model(.mish, bias: false).compacted().removed.removals == ["conv1": [2]])
  }

  /// A constant goes through learned numbers, and a shuffle lays a unit's features in another order.
  @Test func constantsAreFollowedThroughNumbersAndShuffles() throws {
    var builder = NetworkBuilder("followed", input: .image(channels: 2, height: 4, width: 4))
    builder.convolution("conv1", 6, kernel: 3)
    builder.convolution("grouped", 6, kernel: 1, groups: 2)
    builder.append("scale", .channelAffine(ChannelAffine(6)), from: ["grouped"])
    builder.append("slopes", .prelu(PReLU(6)), from: ["scale"])
    builder.append("slope", .prelu(PReLU()), from: ["slopes"])
    builder.indexSelect([4, 0, 5, 2, 1, 3])
    builder.append("peak", .adaptiveMaxPool(height: 1, width: 1), from: [builder.last])
    builder.flatten()
    builder.linear("fc", 2)
    var model = try builder.network().randomModel(seed: 7)
    try mask(&model, "grouped", 0, [1, 4])
    let compaction = try model.compacted()
    #expect(compaction.removed.removals == ["grouped": [1]] && compaction.proof?.holds == true)
    #expect(try difference(model, compaction.model) < 1e-12)
  }

  /// A product of two constants is one; a gate that still hears something keeps what it gates.
  @Test func gatedUnits() throws {
    var builder = NetworkBuilder("squeeze", input: .image(channels: 2, height: 4, width: 4))
    let features = builder.activation(.softplus, from: builder.convolution("features", 4, kernel: 3))
    builder.adaptiveAveragePool(1)
    builder.convolution("squeeze", 2, kernel: 1)
    builder.convolution("excite", 4, kernel: 1)
    builder.activation(.sigmoid)
    builder.multiply(features, by: builder.last)
    builder.convolution("out", 3, kernel: 1)
    let whole = try builder.network().randomModel(seed: 5)
    var model = whole
    try mask(&model, "features", 0, [1])
    #expect(try model.compacted().removed.isEmpty)
    try mask(&model, "excite", 0, [1])
    let compaction = try model.compacted()
    #expect(compaction.removed.removals == ["features": [1]])
    #expect(try difference(model, compaction.model) < 1e-12)
    // As units are removed, without regard to what they said.
    #expect(try Surgeon.operate(SurgeryPlan(removals: ["features": [0, 3]]), on: whole, seed: 2).proof?.holds == true)
  }

  /// What a depthwise layer says of a channel that nothing feeds is a constant, whatever its own weights are.
  @Test func depthwiseWeightsFeedNothing() throws {
    var builder = NetworkBuilder("separable", input: .image(channels: 2, height: 6, width: 6))
    builder.convolution("conv1", 4, kernel: 3)
    builder.convolution("depthwise", 4, kernel: 3, groups: 4)
    builder.relu()
    builder.flatten()
    builder.linear("fc", 2)
    var model = try builder.network().randomModel(seed: 5)
    try mask(&model, "conv1", 0, [1, 3])
    let compaction = try model.compacted()
    #expect(compaction.removed.removals == ["conv1": [1, 3]])
    #expect(compaction.proof?.holds == true)
    #expect(try difference(model, compaction.model) < 1e-12)
  }

  /// What an input-less unit says cannot move into biases, or means of norms, that are to stay 0.
  @Test(arguments: [true, false]) func constantsDoNotGoWhereSomethingIsPruned(bias: Bool) throws {
    var model = try pair(padding: 0, bias: bias, secondNorm: !bias)
    try mask(&model, "conv1", 0, [1])
    let name = bias ? ParameterName("conv2", .bias) : ParameterName("bn2", .runningMean)
    #expect(try model.compacted().removed.removals == ["conv1": [1]])
    model.masks[name] = try Tensor([true, true, false])
    try model.applyMasks()
    let compaction = try model.compacted()
    #expect(compaction.removed.isEmpty && compaction.model.masks.count == 2)
    #expect(compaction.notes == ["conv1: 1 unit without input stays: " + (bias ? "biases of conv2 are pruned" : "conv2 has no bias")])
  }

  /// Weights of 1e-41, on which flushing arithmetic computes as on 0: they are there, and what is there stays.
  @Test(arguments: [true, false]) func denormalWeightsAreAlive(flushed: Bool) throws {
    try TorchRuntime.flushDenormals(flushed)
    defer { try? TorchRuntime.flushDenormals(false) }
    var model = try TinyNetworks.mlp([5, 7, 3]).randomModel(seed: 1, type: .float32)
    for name in model.network.prunableWeights {
      let weight = try model.tensor(name)
      model.tensors[name] = try Tensor((0..<weight.count).map { Float(bitPattern: UInt32($0 + 1)) }, shape: weight.shape)
    }
    try mask(&model, "fc1", 0, [2])
    #expect(try model.collapsedLayers().isEmpty)
    let compaction = try model.compacted()
    #expect(compaction.removed.removals == ["fc1": [2]])
    #expect(try compaction.model.tensor(ParameterName("fc1", .weight)).nonZeroCount() == 30)
    #expect(try compaction.model.tensor(ParameterName("fc2", .weight)).nonZeroCount() == 18)
  }

  @Test func aConstantMovesIntoTheConsumersBias() throws {
    var model = try pair(padding: 0)
    try mask(&model, "conv1", 0, [1])
    let compaction = try model.compacted()
    #expect(compaction.removed.removals == ["conv1": [1]])
    // b₂ + tanh(b₁)·ΣW₂[:, 1], tap by tap.
    let constant = try model.tensor(ParameterName("conv1", .bias)).tanh().array(Double.self)[1]
    let weight = try model.tensor(ParameterName("conv2", .weight)).sum(2, 3).array(Double.self)
    let before = try model.tensor(ParameterName("conv2", .bias)).array(Double.self)
    let after = try compaction.model.tensor(ParameterName("conv2", .bias)).array(Double.self)
    for output in 0..<3 { #expect(abs(after[output] - before[output] - constant * weight[4 * output + 1]) < 1e-12) }
    #expect(try difference(model, compaction.model) < 1e-12)
  }

  @Test func aConstantBeforePaddingStaysAndIsReported() throws {
    var model = try pair(padding: 1)
    try mask(&model, "conv1", 0, [1, 3])
    // Unit 3 says tanh(0) = 0, which padding cannot change.
    try model.tensor(ParameterName("conv1", .bias)).fill(0, at: Tensor([3] as [Int64]))
    let compaction = try model.compacted()
    #expect(compaction.removed.removals == ["conv1": [3]])
    #expect(compaction.stayed.map(\.description) == ["conv1 unit 1 has no input but stays: conv2 pads its input"])
    #expect(compaction.notes == ["conv1: 1 unit without input stays: conv2 pads its input"])
    #expect(try difference(model, compaction.model) < 1e-12)
  }

  @Test func aConstantPassesTheNormOnItsWay() throws {
    var model = try pair(padding: 0, norm: true)
    try mask(&model, "conv1", 0, [0])
    let compaction = try model.compacted()
    #expect(compaction.removed.removals == ["conv1": [0]])
    #expect(try difference(model, compaction.model) < 1e-12)
  }

  @Test func withoutBiasTheNormBehindTakesIt() throws {
    var model = try pair(padding: 0, bias: false, secondNorm: true)
    try mask(&model, "conv1", 0, [0])
    let compaction = try model.compacted()
    #expect(compaction.removed.removals == ["conv1": [0]])
    #expect(try difference(model, compaction.model) < 1e-12)
    var bare = try pair(padding: 0, bias: false)
    try mask(&bare, "conv1", 0, [0])
    let stays = try bare.compacted()
    #expect(stays.removed.isEmpty && stays.proof == nil)
    #expect(stays.notes == ["conv1: 1 unit without input stays: conv2 has no bias"])
  }

  @Test func deathSpreadsBothWays() throws {
    // fc1 unit 0 feeds fc2 unit 0 only, fc2 unit 0 feeds nothing; fc2 unit 1 hears only fc1 unit 1, which hears nothing.
    var model = try TinyNetworks.mlp([2, 3, 4, 2]).randomModel(seed: 8)
    let weight = ParameterName("fc2", .weight)
    let kept: [Bool] = [true, true, true, false, true, false, false, false, true, false, false, true]
    model.masks[weight] = try Tensor(kept, shape: [4, 3])
    try model.applyMasks()
    try mask(&model, "fc3", 1, [0])
    try mask(&model, "fc1", 0, [1])
    let compaction = try model.compacted()
    #expect(compaction.removed.removals == ["fc1": [0, 1], "fc2": [0, 1]])
    #expect(try difference(model, compaction.model) < 1e-12)
  }

  @Test func aLayerKeepsAUnit() throws {
    var model = try TinyNetworks.mlp([2, 3, 2]).randomModel(seed: 8)
    try mask(&model, "fc2", 1, [0, 1, 2])
    let compaction = try model.compacted()
    #expect(compaction.removed.removals == ["fc1": [1, 2]])
    #expect(compaction.notes == ["fc1: 1 unit without output stays: a layer keeps at least one unit"])
    #expect(try difference(model, compaction.model) < 1e-12)
  }

  @Test func duringTrainingOnlyUnitsWithoutOutputLeave() throws {
    var model = try pair(padding: 0)
    try mask(&model, "conv1", 0, [1])
    try mask(&model, "conv2", 1, [2])
    // Zeros that are not masked still learn.
    try model.tensor(ParameterName("fc", .weight)).fill(0)
    let compaction = try model.compacted(duringTraining: true)
    #expect(compaction.removed.removals == ["conv1": [2]])
    #expect(compaction.proof != nil && compaction.stayed.isEmpty)
  }

  @Test(arguments: 0..<120)
  func outputsStayTheSame(seed: UInt64) throws {
    var random = Seeded(seed &+ 1000)
    let network = try TinyNetworks.sequential(&random)
    var model = try network.randomModel(seed: seed)
    for name in network.prunableWeights {
      // Whole rows, columns and single weights.
      let shape = try model.tensor(name).shape
      try mask(&model, name.module, 0, (0..<shape[0]).filter { _ in name.module != "out" && random.chance(0.3) })
      try mask(&model, name.module, 1, (0..<shape[1]).filter { _ in random.chance(0.25) })
    }
    let selection = try Selection(.ofKept(0.3), of: model.weightScores(.magnitude), rule: SelectionRule(scope: .global))
    try model.prune(selection)
    for training in [false, true] {
      let compaction = try model.compacted(duringTraining: training, seed: seed)
      #expect(try difference(model, compaction.model) <= 1e-9, "seed \(seed)")
      #expect(compaction.removed.isEmpty == (compaction.proof == nil), "seed \(seed)")
      // A fixpoint: nothing more to find, and the record leads to the same network.
      #expect(try compaction.model.compacted(duringTraining: training, seed: seed).removed.isEmpty, "seed \(seed)")
      #expect(try model.network.removing(compaction.removed.removals).network == compaction.model.network, "seed \(seed)")
      // Masked stays masked and zero.
      for (name, mask) in compaction.model.masks {
        #expect(try mask.select(mask.zerosLike(), else: compaction.model.tensor(name).notEqual(0)).sum().item() == 0, "seed \(seed)")
      }
    }
  }

  /// Units that leave in pairs, one of which is a channel of zeros for a depthwise layer that says two things of each.
  @Test func aDepthwiseLayerThatHearsPaddingStays() throws {
    let json = #"""
      {"name": "padded", "outputs": ["fc"], "nodes": [
        {"name": "input", "inputs": [], "operation": {"type": "input", "shape": [1, 8, 8]}},
        {"name": "conv1", "inputs": ["input"], "operation": {"type": "convolution", "inputs": 1, "outputs": 3, "kernel": [1, 1],
          "padding": [0, 0], "stride": [2, 2], "dilation": [1, 1], "groups": 1, "bias": true}},
        {"name": "pad", "inputs": ["conv1"], "operation": {"type": "subsamplePad", "stride": 1, "before": 1, "after": 0}},
        {"name": "aside", "inputs": ["pad"], "operation": {"type": "convolution", "inputs": 4, "outputs": 8, "kernel": [1, 1],
          "padding": [1, 1], "stride": [1, 1], "dilation": [1, 1], "groups": 4, "bias": true}},
        {"name": "grouped", "inputs": ["pad"], "operation": {"type": "convolution", "inputs": 4, "outputs": 6, "kernel": [1, 1],
          "padding": [0, 0], "stride": [1, 1], "dilation": [1, 1], "groups": 2, "bias": false}},
        {"name": "part", "inputs": ["grouped"], "operation": {"type": "narrow", "start": 3, "count": 3}},
        {"name": "flatten", "inputs": ["part"], "operation": {"type": "flatten"}},
        {"name": "fc", "inputs": ["flatten"], "operation": {"type": "linear", "inputs": 48, "outputs": 10, "bias": true}}
      ]}
      """#
    var model = try JSONDecoder().decode(Network.self, from: Data(json.utf8)).randomModel(seed: 5)
    try mask(&model, "conv1", 0, [0, 1, 2])
    let compaction = try model.compacted()
    #expect(compaction.proof?.holds ?? true)
    #expect(try difference(model, compaction.model) < 1e-12)
  }
}
