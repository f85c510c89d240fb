/// How flat the loss is around the weights that a run ends with, and how well they do on the examples that they were trained on.
///
/// All but ``training`` on a subset of the training examples, with batch norms by their running statistics and without dropout; derivatives
/// by all trained numbers that are not pruned.
public struct Flatness: Codable, Hashable, Sendable {
  /// Accuracy and loss on all training examples, without augmentation.
  public var training: Accuracy
  /// Number of training examples that the other numbers belong to.
  public var examples: Int
  /// Number of trained numbers that are not pruned, by which the loss is differentiated.
  public var parameters: Int
  /// Mean loss on these examples in nats.
  public var loss: Double
  /// Trace of the Hessian of this loss by Hutchinson's estimate: the mean of vᵀHv over vectors v of random signs.
  public var hessianTrace: SampledMean
  /// The Hessian's largest eigenvalues in falling order, by Lanczos' method.
  public var eigenvalues: [Double]
  /// How far each of these may lie from an eigenvalue, divided by the largest in magnitude.
  public var eigenvalueResidual: Double
  /// Trace of the covariance of the examples' gradients, Σ‖g_i − ḡ‖²/(n − 1).
  public var gradientCovariance: Double
  /// Rise of the loss when Gaussian noise is added to the weights.
  public var lossRise: SampledMean
  /// Standard deviation of that noise, as a multiple of the root mean square of the tensor that it is added to.
  public var noise: Double

  /// Creates a measurement; every parameter sets the property of the same name.
  public init(
    training: Accuracy, examples: Int, parameters: Int, loss: Double, hessianTrace: SampledMean, eigenvalues: [Double],
    eigenvalueResidual: Double, gradientCovariance: Double, lossRise: SampledMean, noise: Double
  ) {
    self.training = training
    self.examples = examples
    self.parameters = parameters
    self.loss = loss
    self.hessianTrace = hessianTrace
    self.eigenvalues = eigenvalues
    self.eigenvalueResidual = eigenvalueResidual
    self.gradientCovariance = gradientCovariance
    self.lossRise = lossRise
    self.noise = noise
  }

  /// Sum of ``eigenvalues``.
  public var eigenvalueSum: Double { eigenvalues.reduce(0, +) }

  /// A line such as `Hessian trace 12.3 ± 0.4, largest eigenvalues 3.10, 2.05 (sum 5.15), gradient covariance 0.523, …`.
  var words: String {
    func short(_ value: Double) -> String { Format.significant(value, 3) }
    let all = eigenvalues.map(short).joined(separator: ", ")
    let top = eigenvalues.isEmpty ? "" : ", largest eigenvalues \(all) (sum \(short(eigenvalueSum)))"
    return "Hessian trace \(hessianTrace.words)\(top), trace of the gradients' covariance \(short(gradientCovariance)), loss "
      + "\(lossRise.mean < 0 ? "" : "+")\(lossRise.words) with \(Format.percent(noise, digits: 0)) of noise on the weights; \(Format.count(examples)) training examples"
  }
}

/// The mean of a random sample.
public struct SampledMean: Codable, Hashable, Sendable {
  /// Mean of the sample.
  public var mean: Double
  /// Standard error of the mean, s/√n; nil for a single value.
  public var standardError: Double?
  /// Size n of the sample.
  public var count: Int

  /// Creates the mean of values; nil without values.
  public init?(_ values: [Double]) {
    guard let mean = Statistics.mean(values) else { return nil }
    self.mean = mean
    standardError = Statistics.standardDeviation(values).map { $0 / Double(values.count).squareRoot() }
    count = values.count
  }

  /// The mean and its standard error, e.g. `12.3 ± 0.4`.
  var words: String { Format.significant(mean, 3) + (standardError.map { " ± " + Format.significant($0, 2) } ?? "") }
}

extension RunRecord {
  /// Accuracy on the training examples minus that on the test set, at the end; nil where either is not known.
  public var accuracyGap: Double? { gap { $0.fraction - $1.fraction } }

  /// Loss on the test set minus that on the training examples, at the end; nil where either is not known.
  public var lossGap: Double? { gap { $1.loss - $0.loss } }

  private func gap(_ difference: (_ training: Accuracy, _ test: Accuracy) -> Double) -> Double? {
    flatness.flatMap { flatness in final.accuracyAtEnd.map { difference(flatness.training, $0) } }
  }

  /// A line such as `training accuracy 99.80 %, gap +1.71 points, training loss 0.0102, gap 0.0520`.
  var gapWords: String? {
    guard let training = flatness?.training else { return nil }
    func gap(_ value: Double?, _ words: (Double) -> String) -> String { value.map { ", gap " + words($0) } ?? "" }
    return "training accuracy \(Format.percent(training.fraction))\(gap(accuracyGap, Format.points)), training loss "
      + "\(Format.fixed(training.loss, 4))\(gap(lossGap) { Format.fixed($0, 4) })"
  }
}
