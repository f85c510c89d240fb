import Datasets
import Networks
import Pruning
import Results
import Torch
import Training

enum ProbeFixtures {
  /// Noise with a brighter place that tells the class, 3×8×8.
  static func data(_ count: Int = 50) throws -> TrainingData {
    func images(_ count: Int, _ seed: UInt64) throws -> ExampleSet {
      var random = SeededGenerator(seed: seed)
      var bytes = (0..<(count * 192)).map { _ in UInt8(random.next() % 128) }
      let labels = (0..<count).map { _ in Int64(random.next() % 4) }
      for (example, label) in labels.enumerated() { for channel in 0..<3 { bytes[(example * 3 + channel) * 64 + Int(label) * 16] = 255 } }
      return try ExampleSet(bytes: bytes, labels: labels, channels: 3, height: 8, width: 8, classNames: ["a", "b", "c", "d"])
    }
    return TrainingData(
      training: try images(count, 1), validation: try images(24, 2), test: try images(24, 3),
      normalization: Normalization(mean: [0.3, 0.3, 0.3], deviation: [0.25, 0.25, 0.25]),
      augmentation: Augmentation(padding: 1, mirrors: true))
  }

  /// Two convolutions with batch norm, dropout, two linear layers.
  static func network() throws -> Network {
    var builder = NetworkBuilder("probed", input: .image(channels: 3, height: 8, width: 8))
    builder.convolution("conv1", 6, kernel: 3, padding: 1, bias: false)
    builder.batchNorm("bn1")
    builder.relu()
    builder.maxPool(2)
    builder.convolution("conv2", 5, kernel: 3, padding: 1)
    builder.batchNorm("bn2")
    builder.relu()
    builder.maxPool(2)
    builder.flatten()
    builder.linear("fc1", 8)
    builder.relu()
    builder.dropout(0.5)
    builder.linear("fc2", 4)
    return try builder.network()
  }

  /// Three epochs of six steps, with momentum, augmentation and a rate that falls.
  static func plan() -> TrainingPlan {
    TrainingPlan(
      length: .epochs(3), batchSize: 8, optimizer: .sgd(momentum: 0.9, weightDecay: 1e-3),
      learningRate: LearningRateSchedule(base: 0.05, decay: .multiStep(milestones: [.epochs(2)], factor: 0.1)),
      evaluateEvery: .iterations(4), augment: true, seed: 7)
  }

  static func model() throws -> Model { try Model(network(), seed: 3) }

  static func probe(_ place: MeanPlace = .consumer, retraining: PenaltyProbe.Retraining? = nil) throws -> PenaltyProbe {
    try PenaltyProbe(
      amounts: [.fraction(0.5), .count(1)], layers: [.all, .lastConv], replacement: MeanReplacement(place: place), examples: 20,
      looksAtTest: true, retraining: retraining, seed: 9)
  }
}

/// Everything that training leaves, bit by bit.
struct TrainingBits: Equatable {
  var tensors: [String: [UInt8]] = [:]
  var dropout: [UInt8]
  var log: TrainingLog

  init(_ trainer: Trainer) throws {
    let state = try trainer.state()
    for (name, tensor) in trainer.model.tensors { tensors["\(name)"] = try tensor.detached().bytes() }
    for (name, moments) in state.optimizer.moments {
      for (k, moment) in moments.enumerated() { tensors["moment \(k) \(name)"] = try moment.bytes() }
    }
    dropout = try state.dropout.bytes()
    log = state.log
  }
}
