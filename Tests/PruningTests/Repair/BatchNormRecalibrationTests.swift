import Datasets
import Networks
import Pruning
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

  /// Two batches of 30 and one of 20: running statistics are their weighted averages, by what the norm sees.
  @Test func statisticsAreAveragesOverBatches() throws {
    let model = try normed().randomModel(seed: 1, type: .float32)
    let set = try Dataset.load(name: "digits").train.subset(80, seed: 3)
    let batches = try set.batches(of: 30, normalization: Dataset.named("digits").normalization)
    var (mean, variance) = ([Double](repeating: 0, count: 3), [Double](repeating: 0, count: 3))
    for (index, weight) in [30.0 / 80, 30.0 / 80, 20.0 / 80].enumerated() {
      _ = try Executor(model).forward(batches.batch(index).images, mode: .evaluation, observing: ["conv"]) { _, value in
        let perChannel = try value.detached().cast(to: .float64).permuted([1, 0, 2, 3]).contiguous().flattened(from: 1)
        let count = Double(perChannel.shape[1])
        let means = try perChannel.mean(1).array(Double.self)
        let squares = try perChannel.squared().mean(1).array(Double.self)
        for unit in 0..<3 {
          mean[unit] += weight * means[unit]
          variance[unit] += weight * (squares[unit] - means[unit] * means[unit]) * count / (count - 1)
        }
      }
    }
    let recalibrated = try model.recalibratingBatchNorms(on: batches)
    for (role, expected) in [(ParameterName.Role.runningMean, mean), (.runningVariance, variance)] {
      let name = ParameterName("bn", role)
      for (value, wanted) in zip(try recalibrated.tensor(name).array(Float.self), expected) {
        #expect(abs(Double(value) - wanted) < 1e-5 * max(abs(wanted), 1), "\(name)")
      }
      // The given model keeps its own.
      #expect(try model.tensor(name).array(Float.self) == normed().randomModel(seed: 1, type: .float32).tensor(name).array(Float.self))
    }
    for name in [ParameterName("conv", .weight), ParameterName("bn", .weight)] {
      #expect(try recalibrated.tensor(name).array(Float.self) == model.tensor(name).array(Float.self))
    }
  }

  @Test func networksWithoutNormsComeBackAsTheyAre() throws {
    let model = try TinyNetworks.mlp([64, 4, 10]).randomModel(seed: 1, type: .float32)
    let batches = try Dataset.load(name: "digits").train.subset(20, seed: 3)
      .batches(of: 20, normalization: Dataset.named("digits").normalization)
    let same = try model.recalibratingBatchNorms(on: batches)
    #expect(same.tensors.keys == model.tensors.keys)
  }
}
