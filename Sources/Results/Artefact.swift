/// Accuracy and loss of a model on a set of images.
public struct Accuracy: Codable, Hashable, Sendable {
  /// Images whose most likely class is their label.
  public var correct: Int
  /// Number of images.
  public var count: Int
  /// Mean cross-entropy in nats.
  public var loss: Double
  /// Training steps finished at that time; nil for a model that was not trained in this run.
  public var iteration: Int?
  /// The tasks that the images belong to, of which those of one are alike; nil for images drawn one by one.
  public var tasks: Tasks?

  /// Tasks over which an accuracy is a mean.
  public struct Tasks: Codable, Hashable, Sendable {
    /// Number of tasks.
    public var count: Int
    /// Standard error of the mean, from the spread over tasks; nil for a single one.
    public var standardError: Double?

    /// Creates a number of tasks with their spread.
    public init(count: Int, standardError: Double?) {
      self.count = count
      self.standardError = standardError
    }
  }

  /// Accuracy, correct/count; 0 for an empty set.
  public var fraction: Double { count == 0 ? 0 : Double(correct) / Double(count) }
  /// Standard error of ``fraction``: √(p(1 − p)/n) for n images drawn at random, that over ``tasks`` where there are any; nil for one task.
  public var standardError: Double? {
    if let tasks { return tasks.standardError }
    return count == 0 ? 0 : (fraction * (1 - fraction) / Double(count)).squareRoot()
  }

  /// Creates an accuracy from its counts and mean loss.
  public init(correct: Int, count: Int, loss: Double, iteration: Int? = nil) {
    self.correct = correct
    self.count = count
    self.loss = loss
    self.iteration = iteration
  }

  private enum CodingKeys: String, CodingKey { case correct, count, loss, iteration, tasks }
  private enum DerivedKeys: String, CodingKey { case fraction, standardError }

  /// Encodes the stored numbers and the derived ones, so that readers of the JSON need no formulas.
  public func encode(to encoder: any Encoder) throws {
    var stored = encoder.container(keyedBy: CodingKeys.self)
    try stored.encode(correct, forKey: .correct)
    try stored.encode(count, forKey: .count)
    try stored.encode(loss, forKey: .loss)
    try stored.encodeIfPresent(iteration, forKey: .iteration)
    try stored.encodeIfPresent(tasks, forKey: .tasks)
    var derived = encoder.container(keyedBy: DerivedKeys.self)
    try derived.encode(fraction, forKey: .fraction)
    try derived.encodeIfPresent(standardError, forKey: .standardError)
  }
}

/// The duration of a forward pass over a batch of a given size.
public struct BatchLatency: Codable, Hashable, Sendable {
  /// Images per forward pass.
  public var batch: Int
  /// Seconds per forward pass.
  public var time: Measurement

  /// Creates the latency of one batch size.
  public init(batch: Int, time: Measurement) {
    self.batch = batch
    self.time = time
  }
}

/// The number of output units of a layer.
public struct LayerWidth: Codable, Hashable, Sendable {
  /// Name of the layer.
  public var layer: String
  /// Output neurons or channels.
  public var units: Int

  /// Creates the width of one layer.
  public init(layer: String, units: Int) {
    self.layer = layer
    self.units = units
  }
}

/// A model as one side of a comparison: its size, its accuracy, its cost.
public struct Artefact: Codable, Hashable, Sendable {
  /// Accuracy on the test set at the end of training.
  public var accuracyAtEnd: Accuracy?
  /// Accuracy on the test set at the step of lowest validation loss.
  public var accuracyChosen: Accuracy?
  /// Learned numbers, including norm scales and shifts.
  public var parameters: Int
  /// Weights of linear layers and convolutions, zero or not.
  public var prunableWeights: Int
  /// Prunable weights that are not exactly 0.
  public var nonZeroWeights: Int
  /// Number of output units of each linear layer and convolution, in order.
  public var widths: [LayerWidth]
  /// Number of removable units, each a group of channels that only leave together and counts once however many layers it spans; excludes
  /// those of the network's output. Nil if they were not counted.
  public var units: Int?
  /// Bytes of all tensors in memory.
  public var tensorBytes: Int
  /// Size of the model file in bytes; nil if none was written.
  public var fileBytes: Int?
  /// Bytes that gzip makes of the plain form of the model file; nil unless the file was written packed.
  public var gzipBytes: Int?
  /// Multiply–accumulates of convolutions and linear layers for one example, zeros included.
  public var macs: Int
  /// Multiply–accumulates by non-zero weights only.
  public var effectiveMACs: Int
  /// Duration of a forward pass, per measured batch size.
  public var latency: [BatchLatency]
  /// The same by the sparse runtime, which leaves zeros out; nil if it was not measured.
  public var sparseLatency: [BatchLatency]?
  /// What the sparse runtime would take if as many weights were left in patterns; nil if it was not measured.
  public var patterns: [PatternLatency]?
  /// Seconds per epoch of training steps at this size; nil if not measured.
  public var epoch: Measurement?

  /// Number of outputs of all linear layers and convolutions.
  public var outputs: Int { widths.reduce(0) { $0 + $1.units } }

  /// Creates one side of a comparison; every parameter sets the property of the same name.
  public init(
    accuracyAtEnd: Accuracy? = nil, accuracyChosen: Accuracy? = nil, parameters: Int, prunableWeights: Int, nonZeroWeights: Int,
    widths: [LayerWidth], units: Int? = nil, tensorBytes: Int, fileBytes: Int? = nil, gzipBytes: Int? = nil, macs: Int,
    effectiveMACs: Int, latency: [BatchLatency] = [],
    epoch: Measurement? = nil
  ) {
    self.accuracyAtEnd = accuracyAtEnd
    self.accuracyChosen = accuracyChosen
    self.parameters = parameters
    self.prunableWeights = prunableWeights
    self.nonZeroWeights = nonZeroWeights
    self.widths = widths
    self.units = units
    self.tensorBytes = tensorBytes
    self.fileBytes = fileBytes
    self.gzipBytes = gzipBytes
    self.macs = macs
    self.effectiveMACs = effectiveMACs
    self.latency = latency
    self.epoch = epoch
  }
}
