internal import ArgumentParser
internal import Experiments
internal import Training

/// Options for what the row of a run measures; shared by `train` and `prune`.
struct RowOptions: ParsableArguments {
  @Flag(help: "Do not measure latency for the row, which takes seconds with large networks.")
  var noLatency = false

  @Flag(
    help: """
      Measure how flat the loss is at the end, and the generalization gap: trace and largest eigenvalues of the Hessian, covariance of \
      gradients, loss with noise on the weights.
      """)
  var flatness = false

  @Option(help: ArgumentHelp("Training examples to measure the flatness on; 1000 by default.", valueName: "count"))
  var flatnessExamples: Int?

  /// Batch sizes to time; empty for none, nil for the usual ones.
  var latencyBatches: [Int]? { noLatency ? [] : nil }

  /// Returns the measurement at the end of a run; nil for none.
  ///
  /// - Throws: `PlanError` for a number of examples without a measurement.
  func measurement(seed: UInt64) throws -> MeasureFlatness? {
    guard flatness else {
      guard flatnessExamples == nil else { throw PlanError("--flatness-examples goes with --flatness") }
      return nil
    }
    return MeasureFlatness(examples: flatnessExamples, seed: seed)
  }
}
