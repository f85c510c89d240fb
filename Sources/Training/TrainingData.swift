public import Datasets
public import Networks
internal import Torch

/// The images a run trains, validates and tests on, with how they become numbers.
public struct TrainingData: Sendable {
  /// What is learned from.
  public var training: ImageSet
  /// What early stopping and choices look at; nil without one.
  public var validation: ImageSet?
  /// What results are reported on; nil without one.
  public var test: ImageSet?
  /// Mean and deviation per channel.
  public var normalization: Normalization
  /// How training images are varied, where a plan asks for it.
  public var augmentation: Augmentation?

  /// Data of these parts.
  public init(
    training: ImageSet, validation: ImageSet?, test: ImageSet?, normalization: Normalization, augmentation: Augmentation? = nil
  ) {
    self.training = training
    self.validation = validation
    self.test = test
    self.normalization = normalization
    self.augmentation = augmentation
  }

  /// Steps of an epoch in batches of this size; a last, smaller batch is left out unless it is the only one.
  ///
  /// - Throws: ``TrainingError/noData``.
  func batchesPerEpoch(of batchSize: Int) throws -> Int {
    guard training.count > 0 else { throw TrainingError.noData }
    return training.count / max(min(batchSize, training.count), 1)
  }

  /// Training batches in an order that seed and epoch determine; a last, smaller batch is left out unless it is the only one.
  func loader(batchSize: Int, seed: UInt64, augment: Bool, channelsLast: Bool) throws -> BatchLoader {
    try BatchLoader(
      training, batchSize: batchSize, seed: seed, normalization: normalization, augmentation: augment ? augmentation ?? .none : .none,
      channelsLast: channelsLast, shuffle: true, dropLast: training.count > batchSize)
  }

  /// Examples that are evaluated at once, at most.
  public static let evaluationBatchSize = 500
  /// Examples that criteria, repairs and probes look at at once.
  public static let exampleBatchSize = 250

  /// Batches of a set in its own order, as large as suits a network: what an evaluation on the way of a run takes.
  ///
  /// - Throws: what `Network.cost()` throws.
  public func evaluationBatches(_ set: ImageSet, for network: Network) throws -> EvaluationBatches {
    try evaluationBatches(set, batchSize: network.evaluationBatchSize(), channelsLast: network.hasConvolutions)
  }

  /// Batches of a set in its own order.
  public func evaluationBatches(_ set: ImageSet, batchSize: Int = evaluationBatchSize, channelsLast: Bool) throws -> EvaluationBatches {
    try EvaluationBatches(set, batchSize: batchSize, normalization: normalization, channelsLast: channelsLast)
  }

  /// Batches of examples that criteria, repairs and probes look at: drawn from a set, as equally many of each class as there are,
  /// without variation, 250 at a time. Where the set is smaller than what is asked for, all of it is taken.
  ///
  /// - Parameters:
  ///   - set: what is drawn from; nil for the training images.
  ///   - count: how many.
  ///   - seed: a run's seed, from which ``SeedPurpose/examples`` makes that of the draw.
  public func examples(_ count: Int, of set: ImageSet? = nil, seed: UInt64, channelsLast: Bool) throws -> EvaluationBatches {
    let set = set ?? training
    let chosen = try set.subset(min(count, set.count), seed: SeedPurpose.examples.seed(from: seed))
    return try evaluationBatches(chosen, batchSize: Self.exampleBatchSize, channelsLast: channelsLast)
  }
}

extension Network {
  /// Examples that are evaluated at once: 500, or as many fewer, down to 100, as keep the values that are alive together within half a
  /// gigabyte. A network that needs more even then is one to be asked about (``NetworkWork/evaluation(batch:)``).
  ///
  /// - Throws: what ``cost()`` throws.
  public func evaluationBatchSize() throws -> Int {
    try min(max(512_000_000 / max(cost().peakActivationBytes, 1), 100), TrainingData.evaluationBatchSize)
  }
}
