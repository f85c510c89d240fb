import Datasets
import Networks
import Pruning
import Testing
import Torch
import Training

struct ReconstructionTests {
  private func batches(_ count: Int = 60) throws -> EvaluationBatches {
    try Dataset.load(name: "digits").train.subset(count, seed: 3).batches(of: 25, normalization: Dataset.named("digits").normalization)
  }

  private func outputs(_ model: Model, _ batches: EvaluationBatches, of node: String) throws -> [Tensor] {
    var values: [Tensor] = []
    try batches.forEach { batch in
      _ = try Executor(model).forward(batch.inputs, mode: .evaluation, observing: [node]) { values.append($1) }
    }
    return values
  }

  private func squaredError(_ one: [Tensor], _ other: [Tensor]) throws -> Double {
    try zip(one, other).reduce(0) { sum, pair in sum + (try (pair.0 - pair.1).cast(to: .float64).squared().sum().item()) }
  }

  /// Unit 1 is unit 0 again: without it, unit 0 with both their weights says the same.
  @Test func aTwinTakesOver() throws {
    let network = try TinyNetworks.mlp([64, 5, 10])
    let model = try network.randomModel(seed: 4, type: .float32)
    for (role, rank) in [(ParameterName.Role.weight, 2), (.bias, 1)] {
      let tensor = try model.tensor(ParameterName("fc1", role))
      try tensor.narrowed(0, from: 1, length: 1).copy(from: tensor.narrowed(0, from: 0, length: 1))
      #expect(tensor.rank == rank)
    }
    let plan = SurgeryPlan(removals: ["fc1": [1]])
    let small = try Surgeon.operate(plan, on: model, seed: 1).model
    let batches = try batches()
    let mended = try Reconstruction(ridge: 1e-9).applied(
      to: small, removing: plan, of: model, groups: network.channelGroups().groups, batches: batches, seed: 1)
    let expected = try model.tensor(ParameterName("fc2", .weight)).array(Float.self)
    let found = try mended.tensor(ParameterName("fc2", .weight)).array(Float.self)
    for output in 0..<10 {
      let row = expected[output * 5..<output * 5 + 5].map(Double.init)
      for (unit, wanted) in [row[0] + row[1], row[2], row[3], row[4]].enumerated() {
        #expect(abs(Double(found[output * 4 + unit]) - wanted) < 1e-3, "output \(output), unit \(unit)")
      }
    }
    // A layer that hears all it heard before says so without help from its bias, which is not 0.
    let bias = try model.tensor(ParameterName("fc2", .bias)).array(Float.self)
    #expect(bias.contains { abs($0) > 0.1 })
    for (found, wanted) in zip(try mended.tensor(ParameterName("fc2", .bias)).array(Float.self), bias) {
      #expect(abs(found - wanted) < 1e-3)
    }
    // The given models keep theirs.
    #expect(try small.tensor(ParameterName("fc2", .weight)).array(Float.self)[0] == expected[0])
  }

  @Test func aLayerThatIsTooWideIsNamed() throws {
    let network = try TinyNetworks.mlp([64, Reconstruction.inputLimit + 2, 10])
    let model = try network.randomModel(seed: 4, type: .float32)
    let plan = SurgeryPlan(removals: ["fc1": [1]])
    let small = try Surgeon.operate(plan, on: model, seed: 1).model
    var notes: [String] = []
    let left = try Reconstruction().applied(
      to: small, removing: plan, of: model, groups: network.channelGroups().groups, batches: batches(5), seed: 1, note: { notes.append($0) }
    )
    #expect(notes == ["fc2 is not reconstructed: it has 5001 inputs, and equations for more than 5000 are too many"])
    let weight = ParameterName("fc2", .weight)
    #expect(try left.tensor(weight).array(Float.self) == small.tensor(weight).array(Float.self))
  }

  /// A layer that can say anything about its few examples learns them, and nothing else.
  @Test func tooFewExamplesAreSaid() throws {
    let network = try TinyNetworks.mlp([64, 14, 13, 10])
    let model = try network.randomModel(seed: 4, type: .float32)
    let plan = SurgeryPlan(removals: ["fc1": [1, 5], "fc2": [2]])
    let small = try Surgeon.operate(plan, on: model, seed: 1).model
    func notes(_ count: Int) throws -> [String] {
      var notes: [String] = []
      _ = try Reconstruction().applied(
        to: small, removing: plan, of: model, groups: network.channelGroups().groups, batches: batches(count), seed: 1,
        note: { notes.append($0) })
      return notes
    }
    let words = "reconstructed layers have fewer than two equations for each input"
    #expect(
      try notes(20) == ["2 of 2 \(words) (fc2: 20 for 12 inputs), and learn these examples by heart: give more --examples"])
    #expect(try notes(23) == ["2 of 2 \(words) (fc2: 23 for 12 inputs), and learn these examples by heart: give more --examples"])
    #expect(try notes(24) == [])
  }

  /// Padded convolutions, flattened ones, norms: what listeners say is never farther from before than without.
  @Test(arguments: 0..<6)
  func errorsShrink(seed: UInt64) throws {
    var builder = NetworkBuilder("convs", input: .image(channels: 1, height: 8, width: 8))
    builder.convolution("conv1", 6, kernel: 3, padding: 1)
    builder.batchNorm("bn1")
    builder.relu()
    builder.convolution("conv2", 5, kernel: 3, stride: 2, padding: 1, bias: seed.isMultiple(of: 2))
    builder.relu()
    builder.flatten()
    builder.linear("fc", 10)
    let network = try builder.network()
    let model = try network.randomModel(seed: seed, type: .float32)
    let plan = SurgeryPlan(removals: ["conv1": [0, 3], "conv2": [1]])
    let groups = try network.channelGroups().groups
    let small = try Surgeon.operate(plan, on: model, seed: 1).model
    let batches = try batches()
    // All positions: the fit is to exactly what is compared.
    let mended = try Reconstruction(positions: 1000, ridge: 1e-9).applied(
      to: small, removing: plan, of: model, groups: groups, batches: batches, seed: 1)
    let kept = [0, 2, 3, 4]
    let before = try outputs(model, batches, of: "conv2").map { try $0.indexed(1, kept) }
    let (cut, fitted) = (try outputs(small, batches, of: "conv2"), try outputs(mended, batches, of: "conv2"))
    let lost = try squaredError(before, cut)
    // Units that never speak leave nothing to mend but roundings.
    if lost == 0 { return }
    #expect(try squaredError(before, fitted) < 0.5 * lost, "seed \(seed)")
    let logits = try outputs(model, batches, of: "fc")
    #expect(
      try squaredError(logits, outputs(mended, batches, of: "fc")) < squaredError(logits, outputs(small, batches, of: "fc")), "seed \(seed)"
    )
  }

  /// Branches that read the same value, and batches of which only some fit into the memory for passes that wait: the sums are the same.
  @Test func passesThatBeginAnewSayTheSame() throws {
    var builder = NetworkBuilder("branches", input: .image(channels: 1, height: 8, width: 8))
    builder.convolution("stem", 6, kernel: 3, padding: 1)
    let stem = builder.relu("stem_relu")
    builder.convolution("left", 4, kernel: 1, from: stem)
    let left = builder.relu("left_relu")
    builder.convolution("squeeze", 3, kernel: 1, from: stem)
    builder.relu("squeeze_relu")
    builder.convolution("right", 5, kernel: 3, padding: 1)
    let right = builder.relu("right_relu")
    builder.concat([left, right], "both")
    builder.convolution("last", 4, kernel: 3)
    builder.relu("last_relu")
    builder.flatten()
    builder.linear("fc", 10)
    let network = try builder.network()
    let model = try network.randomModel(seed: 5)
    let plan = SurgeryPlan(removals: ["stem": [0, 3], "left": [1], "squeeze": [2], "right": [0, 4], "last": [2]])
    let small = try Surgeon.operate(plan, on: model, seed: 1).model
    let set = try Dataset.load(name: "digits").train.subset(60, seed: 3)
    func mended(batch: Int) throws -> Model {
      try Reconstruction(positions: 1000, ridge: 1e-2).applied(
        to: small, removing: plan, of: model, groups: network.channelGroups().groups,
        batches: set.batches(of: batch, normalization: Dataset.named("digits").normalization), seed: 1)
    }
    // One batch may wait with all it holds; of sixty, passes over most begin anew for each layer.
    let (whole, single) = (try mended(batch: 60), try mended(batch: 1))
    for (name, tensor) in whole.tensors {
      let difference = try (tensor - single.tensor(name)).absolute().max().item()
      #expect(try difference < 1e-7 * tensor.absolute().max().item(), "\(name): \(difference)")
    }
    for layer in ["left", "squeeze", "right", "last", "fc"] {
      let weight = ParameterName(layer, .weight)
      #expect(try (whole.tensor(weight) - small.tensor(weight)).absolute().max().item() > 1e-3, "\(layer) is fitted")
    }
  }

  @Test func nothingRemovedNothingChanges() throws {
    let network = try TinyNetworks.mlp([64, 5, 10])
    let model = try network.randomModel(seed: 4, type: .float32)
    let same = try Reconstruction().applied(
      to: model, removing: SurgeryPlan(removals: [:]), of: model, groups: network.channelGroups().groups, batches: batches(), seed: 1)
    for (name, tensor) in model.tensors { #expect(try same.tensor(name).array(Float.self) == tensor.array(Float.self)) }
  }

  /// Pruned weights stay exactly 0, and the kept ones are the best without them: the error is at right angles to all that a unit still hears.
  @Test(arguments: [true, false], [true, false])
  func keptWeightsAreTheBestWithoutPrunedOnes(isConvolution: Bool, bias: Bool) throws {
    var builder = NetworkBuilder("masked", input: .image(channels: 1, height: 8, width: 8))
    if !isConvolution { builder.flatten("flat") }
    if isConvolution { builder.convolution("one", 6, kernel: 3) } else { builder.linear("one", 9) }
    builder.activation(.tanh, "act")
    if isConvolution { builder.convolution("two", 4, kernel: 2, bias: bias) } else { builder.linear("two", 4, bias: bias) }
    builder.relu("relu")
    if isConvolution { builder.flatten("flat") }
    builder.linear("out", 10)
    let network = try builder.network()
    var model = try network.randomModel(seed: 4)
    let (weight, shift) = (ParameterName("two", .weight), ParameterName("two", .bias))
    let count = try model.tensor(weight).count
    // Two units keep the same inputs, one keeps none, one all.
    let perUnit = count / 4
    let kept = (0..<count).map { [0, 1].contains($0 / perUnit) ? $0 % perUnit % 3 != 1 : $0 / perUnit == 3 }
    model.masks[weight] = try Tensor(kept, shape: model.tensor(weight).shape)
    if bias { model.masks[shift] = try Tensor([true, false, true, true]) }
    try model.applyMasks()
    let plan = SurgeryPlan(removals: ["one": [0, 3]])
    let small = try Surgeon.operate(plan, on: model, seed: 1).model
    let batches = try batches()
    let mended = try Reconstruction(positions: 1000, ridge: 1e-12).applied(
      to: small, removing: plan, of: model, groups: network.channelGroups().groups, batches: batches, seed: 1)
    _ = try ModelFile(model: mended).byteCount
    let mask = try #require(mended.masks[weight])
    let pruned = try mask.select(mended.tensor(weight).zerosLike(), else: mended.tensor(weight))
    #expect(try pruned.nonZeroCount() == 0 && mended.tensor(weight).nonZeroCount() == mask.nonZeroCount())
    if bias { #expect(try mended.tensor(shift).array(Double.self)[1] == 0) }

    func rows(_ value: Tensor) throws -> Tensor { try value.permuted(value.rank == 4 ? [0, 2, 3, 1] : [0, 1]).flattened(to: -2) }
    let said = try Tensor.concatenated(outputs(model, batches, of: "two").map(rows))
    let error = try said - Tensor.concatenated(outputs(mended, batches, of: "two").map(rows))
    let heard = try Tensor.concatenated(
      outputs(mended, batches, of: "act").map { try isConvolution ? rows($0.unfolded(kernel: (2, 2)).reshaped([-1, 16, 5, 5])) : $0 })
    // [outputs, inputs]
    let slopes = try error.transposed().matmul(heard)
    let free = try mask.flattened(from: 1).select(slopes, else: slopes.zerosLike()).absolute().max().item()
    let scale = try said.norm().item() * heard.norm().item()
    #expect(free < 1e-9 * scale, "\(free) of \(scale)")
    #expect(try slopes.absolute().max().item() > 1e-6 * scale, "pruned inputs would have helped")
  }
}
