import Datasets
import Foundation
import Networks
import Pruning
import TestSupport
import Testing
import Torch
import Training

struct BatchNormRecalibrationTests {
  private func normed() throws -> Network {
    var builder = NetworkBuilder("normed", input: .image(channels: 1, height: 8, width: 8))
    builder.convolution("conv", 3, kernel: 3)
    builder.batchNorm("bn")
    builder.relu()
    builder.dropout(0.5)
    builder.flatten()
    builder.linear("fc", 10)
    return try builder.network()
  }

  @Test func aPrunedMeanStays() throws {
    var model = try normed().randomModel(seed: 1, type: .float32)
    let name = ParameterName("bn", .runningMean)
    model.masks[name] = try Tensor([true, false, true])
    try model.applyMasks()
    let set = try Dataset.load(name: "digits").train.subset(20, seed: 3)
    let found = try model.recalibratingBatchNorms(on: set.batches(of: 20, normalization: Dataset.named("digits").normalization))
    #expect(try found.tensor(name).array(Float.self).map { $0 == 0 } == [false, true, false])
  }

  /// 80 examples, however they are split: the statistics of all the values that the norm hears.
  @Test(arguments: [80, 40, 30, 79]) func statisticsAreThoseOfAllValues(batchSize: Int) throws {
    let model = try normed().randomModel(seed: 1, type: .float32)
    let set = try Dataset.load(name: "digits").train.subset(80, seed: 3)
    let normalization = try Dataset.named("digits").normalization
    var (mean, variance): ([Double], [Double]) = ([], [])
    _ = try Executor(model).forward(
      set.batches(of: 80, normalization: normalization).batch(0).inputs, mode: .evaluation, observing: ["conv"]
    ) { _, value in
      let perChannel = try value.detached().cast(to: .float64).permuted([1, 0, 2, 3]).contiguous().flattened(from: 1)
      (mean, variance) = (try perChannel.mean(1).array(Double.self), try perChannel.variance(1).array(Double.self))
    }
    let recalibrated = try model.recalibratingBatchNorms(on: set.batches(of: batchSize, normalization: normalization))
    for (role, expected) in [(ParameterName.Role.runningMean, mean), (.runningVariance, variance)] {
      let name = ParameterName("bn", role)
      #expect(relativeError(try recalibrated.tensor(name).doubles(), expected) < 1e-6, "\(name)")
      // The given model keeps its own.
      #expect(try model.tensor(name).array(Float.self) == normed().randomModel(seed: 1, type: .float32).tensor(name).array(Float.self))
    }
    for name in [ParameterName("conv", .weight), ParameterName("bn", .weight)] {
      #expect(try recalibrated.tensor(name).array(Float.self) == model.tensor(name).array(Float.self))
    }
  }

  struct Statistics: Codable {
    var mean, variance: [Double]
  }

  /// Multiples of 1/200 between ±¼, as the script makes them.
  private static func weights(_ count: Int, step: Int) -> [Float] {
    (0..<count).map { index in
      let value: Int = index * step % 101 - 50
      return Float(value) / 200
    }
  }

  /// 122,880 values of a channel, laid out channels-last, as exact as PyTorch in float64 (Tests/Reference/recalibration.py).
  @Test(arguments: [("whole", 120), ("thirds", 50)]) func statisticsOfManyImagesAreExact(split: String, batchSize: Int) throws {
    let golden = try JSONDecoder().decode([String: [String: Statistics]].self, from: Data(contentsOf: reference("recalibration.json")))
    var builder = NetworkBuilder("two", input: .image(channels: 3, height: 32, width: 32))
    builder.convolution("conv1", 8, kernel: 3, padding: 1, bias: false)
    builder.batchNorm("bn1")
    builder.relu()
    builder.convolution("conv2", 6, kernel: 3, stride: 2, padding: 1, bias: false)
    builder.batchNorm("bn2")
    var model = try Model(builder.network(), seed: 1)
    for (layer, shape, step) in [("conv1", [8, 3, 3, 3], 37), ("conv2", [6, 8, 3, 3], 53)] {
      let values = Self.weights(shape.reduce(1, *), step: step)
      model.tensors[ParameterName(layer, .weight)] = try Tensor(values, shape: shape)
    }
    model.tensors[ParameterName("bn1", .weight)] = try Tensor(Self.weights(8, step: 29).map { abs($0) + 0.5 })
    let bytes: [UInt8] = (0..<120 * 3072).map { index in
      let noise = UInt32(truncatingIfNeeded: index &* 2_654_435_761) >> 24
      return UInt8(Int(noise) * (40 + index / 3072) / 160)
    }
    let labels = [Int64](repeating: 0, count: 120)
    let set = try ExampleSet(bytes: bytes, labels: labels, channels: 3, height: 32, width: 32, classNames: ["a"])
    let batches = try set.batches(of: batchSize, normalization: Normalization.none(channels: 3), channelsLast: true)
    let found = try model.recalibratingBatchNorms(on: batches)
    for (norm, expected) in try #require(golden[split]) {
      let (mean, variance) = (try found.tensor(ParameterName(norm, .runningMean)), try found.tensor(ParameterName(norm, .runningVariance)))
      #expect(relativeError(try mean.doubles(), expected.mean) < 1e-6, "mean of \(norm)")
      #expect(relativeError(try variance.doubles(), expected.variance) < 1e-6, "variance of \(norm)")
    }
  }

  /// 251 examples at 250 a time: two batches, neither of one example; and one example alone has no statistics.
  @Test func aLastBatchOfOneExample() throws {
    var builder = NetworkBuilder("vectors", input: .vector(64))
    builder.linear("fc1", 8)
    builder.batchNorm("bn1")
    builder.relu()
    builder.linear("fc2", 10)
    let model = try builder.network().randomModel(seed: 2, type: .float32)
    let normalization = try Dataset.named("digits").normalization
    let set = try Dataset.load(name: "digits").train.subset(251, seed: 3)
    let (parts, whole) = (
      try model.recalibratingBatchNorms(on: set.batches(of: 250, normalization: normalization)),
      try model.recalibratingBatchNorms(on: set.batches(of: 251, normalization: normalization))
    )
    for role in [ParameterName.Role.runningMean, .runningVariance] {
      let name = ParameterName("bn1", role)
      #expect(try relativeError(parts.tensor(name), whole.tensor(name)) < 1e-6, "\(name)")
    }
    let one = try set.subset(1, seed: 1).batches(of: 250, normalization: normalization)
    #expect(
      throws: PlanError("--repair batch-norm: bn1 sees one value per channel of one example, which has no variance; give more --examples")
    ) { try model.recalibratingBatchNorms(on: one) }
  }

  @Test func networksWithoutNormsComeBackAsTheyAre() throws {
    let model = try TinyNetworks.mlp([64, 4, 10]).randomModel(seed: 1, type: .float32)
    let batches = try Dataset.load(name: "digits").train.subset(20, seed: 3)
      .batches(of: 20, normalization: Dataset.named("digits").normalization)
    let same = try model.recalibratingBatchNorms(on: batches)
    #expect(same.tensors.keys == model.tensors.keys)
  }
}
