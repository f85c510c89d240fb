public import Datasets
public import Networks
internal import Torch

/// The examples that a run trains, validates and tests on, with their normalisation and augmentation.
public struct TrainingData: Sendable {
  /// Examples that the optimizer learns from.
  public var training: ExampleSet
  /// Examples used for early stopping and other choices; nil without any.
  public var validation: ExampleSet?
  /// Examples that results are reported on; nil without any.
  public var test: ExampleSet?
  /// Mean and deviation per channel, for all parts.
  public var normalization: Normalization
  /// Augmentation of training examples, applied if the plan asks for it.
  public var augmentation: Augmentation?
  /// Pixels of the shorter side to which images of files were resized, if they are larger than the network's input.
  public var resize: Int?
  /// Order of the channels of images of files; nil for red, green and blue.
  public var channelOrder: Preprocessing.ChannelOrder?
  /// What a report of results must say of the data, e.g. how many images were left out.
  public var notes: [String]

  /// Creates data; every parameter sets the property of the same name.
  public init(
    training: ExampleSet, validation: ExampleSet?, test: ExampleSet?, normalization: Normalization, augmentation: Augmentation? = nil,
    resize: Int? = nil, notes: [String] = []
  ) {
    self.training = training
    self.validation = validation
    self.test = test
    self.normalization = normalization
    self.augmentation = augmentation
    self.resize = resize
    self.notes = notes
  }

  /// Returns the data with images in another shape (``ExampleSet/adapted(to:)``).
  public func adapted(to shape: [Int]) throws -> TrainingData {
    var data = self
    data.training = try training.adapted(to: shape)
    data.validation = try validation?.adapted(to: shape)
    data.test = try test?.adapted(to: shape)
    data.normalization = normalization.repeated(shape.first ?? 1)
    return data
  }

  /// How an example becomes the network's input, for the model file.
  public var preprocessing: Preprocessing {
    Preprocessing(
      inputShape: training.shape, mean: normalization.mean, deviation: normalization.deviation,
      elementType: training.elementType == .uint8 ? nil : training.elementType, resize: resize, channelOrder: channelOrder)
  }

  /// Returns the number of steps per epoch with the given batch size; a smaller last batch is left out unless it is the only one.
  ///
  /// - Throws: ``TrainingError/noData``.
  func batchesPerEpoch(of batchSize: Int) throws -> Int {
    guard training.count > 0 else { throw TrainingError.noData }
    return training.count / max(min(batchSize, training.count), 1)
  }

  /// Returns a loader of training batches in an order determined by seed and epoch; a smaller last batch is left out unless it is the
  /// only one.
  func loader(batchSize: Int, seed: UInt64, augment: Bool, channelsLast: Bool) throws -> BatchLoader {
    try BatchLoader(
      training, batchSize: batchSize, seed: seed, normalization: normalization, augmentation: augment ? augmentation ?? .none : .none,
      channelsLast: channelsLast, shuffle: true, dropLast: training.count > batchSize)
  }

  /// The most examples that are evaluated at once.
  public static let evaluationBatchSize = 500
  /// Number of examples that criteria, repairs and probes process at once.
  public static let exampleBatchSize = 250

  /// Returns batches of a set in its own order, of a size that suits the network.
  ///
  /// - Throws: what `Network.cost()` throws.
  public func evaluationBatches(_ set: ExampleSet, for network: Network) throws -> EvaluationBatches {
    try evaluationBatches(set, batchSize: network.evaluationBatchSize(), channelsLast: network.hasConvolutions)
  }

  /// Returns batches of a set in its own order.
  public func evaluationBatches(_ set: ExampleSet, batchSize: Int = evaluationBatchSize, channelsLast: Bool) throws -> EvaluationBatches {
    try EvaluationBatches(set, batchSize: batchSize, normalization: normalization, channelsLast: channelsLast)
  }

  /// Returns the batches of examples that criteria, repairs and probes process: drawn from a set, balanced over the classes, without
  /// augmentation, 250 at a time. If the set has fewer examples than requested, all are taken.
  ///
  /// - Parameters:
  ///   - count: the number of examples.
  ///   - set: the set to draw from; nil for the training examples.
  ///   - seed: the seed of the run, from which ``SeedPurpose/examples`` derives that of the draw.
  public func examples(_ count: Int, of set: ExampleSet? = nil, seed: UInt64, channelsLast: Bool) throws -> EvaluationBatches {
    let set = set ?? training
    let chosen = try set.subset(min(count, set.count), seed: SeedPurpose.examples.seed(from: seed))
    return try evaluationBatches(chosen, batchSize: Self.exampleBatchSize, channelsLast: channelsLast)
  }
}

extension Network {
  /// Number of examples to evaluate at once: 500, or as many fewer, down to 100, as keep the values that are alive at once within half a
  /// gigabyte. A network that needs more even then must pass the memory check (`NetworkWork.evaluation(batch:)`).
  ///
  /// - Throws: what ``cost()`` throws.
  public func evaluationBatchSize() throws -> Int {
    try min(max(512_000_000 / max(cost().peakActivationBytes, 1), 100), TrainingData.evaluationBatchSize)
  }
}
