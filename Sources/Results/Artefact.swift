/// How well a model does on a set of images.
public struct Accuracy: Codable, Hashable, Sendable {
  /// Images whose most likely class is their label.
  public var correct: Int
  /// Images in all.
  public var count: Int
  /// Mean cross-entropy in nats.
  public var loss: Double
  /// Finished training steps; nil for a model that was not trained here.
  public var iteration: Int?

  /// correct/count.
  public var fraction: Double { count == 0 ? 0 : Double(correct) / Double(count) }
  /// √(p(1 − p)/n), the standard error of ``fraction`` as a draw of n images.
  public var standardError: Double { count == 0 ? 0 : (fraction * (1 - fraction) / Double(count)).squareRoot() }

  /// An accuracy of these counts.
  public init(correct: Int, count: Int, loss: Double, iteration: Int? = nil) {
    self.correct = correct
    self.count = count
    self.loss = loss
    self.iteration = iteration
  }

  private enum CodingKeys: String, CodingKey { case correct, count, loss, iteration }
  private enum DerivedKeys: String, CodingKey { case fraction, standardError }

  /// Stored and derived numbers, so that readers of the JSON need no formula.
  public func encode(to encoder: any Encoder) throws {
    var stored = encoder.container(keyedBy: CodingKeys.self)
    try stored.encode(correct, forKey: .correct)
    try stored.encode(count, forKey: .count)
    try stored.encode(loss, forKey: .loss)
    try stored.encodeIfPresent(iteration, forKey: .iteration)
    var derived = encoder.container(keyedBy: DerivedKeys.self)
    try derived.encode(fraction, forKey: .fraction)
    try derived.encode(standardError, forKey: .standardError)
  }
}

/// The time of one forward pass over a batch.
public struct BatchLatency: Codable, Hashable, Sendable {
  /// Images per pass.
  public var batch: Int
  /// Seconds per pass.
  public var time: Measurement

  /// A latency of this batch size.
  public init(batch: Int, time: Measurement) {
    self.batch = batch
    self.time = time
  }
}

/// A layer's name and its number of output units.
public struct LayerWidth: Codable, Hashable, Sendable {
  /// The layer.
  public var layer: String
  /// Output neurons or channels.
  public var units: Int

  /// A width of this layer.
  public init(layer: String, units: Int) {
    self.layer = layer
    self.units = units
  }
}

/// A model as one side of a comparison: what it is, how well it does, what it costs.
public struct Artefact: Codable, Hashable, Sendable {
  /// On the test set at the end of training.
  public var accuracyAtEnd: Accuracy?
  /// On the test set where the validation loss was lowest.
  public var accuracyChosen: Accuracy?
  /// Learned numbers, norm scales and shifts included.
  public var parameters: Int
  /// Weights of linear and convolution layers, zero or not.
  public var prunableWeights: Int
  /// Of them, those that are not exactly 0.
  public var nonZeroWeights: Int
  /// Output units of each linear and convolution layer, in order.
  public var widths: [LayerWidth]
  /// Units that can leave: channels that only leave together count once, in however many layers they lie, and those of the
  /// network's output not at all; nil where nobody counted.
  public var units: Int?
  /// Bytes of all tensors in memory.
  public var tensorBytes: Int
  /// Bytes of the model file; nil if none was written.
  public var fileBytes: Int?
  /// Multiplies of convolutions and linear layers for one example, zeros included.
  public var macs: Int
  /// Multiplies by weights that are not 0.
  public var effectiveMACs: Int
  /// Times of forward passes.
  public var latency: [BatchLatency]
  /// Seconds of one epoch's training steps at this size.
  public var epoch: Measurement?

  /// Outputs of all linear and convolution layers together.
  public var outputs: Int { widths.reduce(0) { $0 + $1.units } }

  /// A side of these numbers; see the properties.
  public init(
    accuracyAtEnd: Accuracy? = nil, accuracyChosen: Accuracy? = nil, parameters: Int, prunableWeights: Int, nonZeroWeights: Int,
    widths: [LayerWidth], units: Int? = nil, tensorBytes: Int, fileBytes: Int? = nil, macs: Int, effectiveMACs: Int,
    latency: [BatchLatency] = [],
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
    self.macs = macs
    self.effectiveMACs = effectiveMACs
    self.latency = latency
    self.epoch = epoch
  }
}
