internal import Results

/// A number of a run that reports compare.
struct Measure: Sendable {
  /// What stands over a column and at an axis, with the unit of charts.
  var title: String
  /// The name in file names and identifiers.
  var id: String
  /// The number, in the unit of `title` times `scale`.
  var value: @Sendable (RunRecord) -> Double?
  /// What charts multiply it by.
  var scale: Double = 1
  /// How d3 formats the numbers of an axis.
  var axis = ",~r"
  /// The number for people.
  var format: @Sendable (Double) -> String

  static let accuracy = Measure(
    title: "test accuracy (%)", id: "accuracy", value: { $0.artefact.accuracyAtEnd?.fraction }, scale: 100, format: { Format.percent($0) })
  static let weightsLeft = Measure(
    title: "weights left (%)", id: "density", value: { $0.weightsLeft }, scale: 100,
    format: { $0 < 0.001 ? Format.significant($0 * 100, 3) + " %" : Format.percent($0) })
  static let macs = Measure(
    title: "MACs per example, zeros included", id: "macs", value: { Double($0.artefact.macs) }, axis: "~s",
    format: { Format.large(Int(saturating: $0)) })
  static let effectiveMACs = Measure(
    title: "MACs per example, non-zero weights only", id: "nonzero-macs", value: { Double($0.artefact.effectiveMACs) }, axis: "~s",
    format: { Format.large(Int(saturating: $0)) })
  static let seconds = Measure(
    title: "training time (s)", id: "training-seconds", value: { $0.trainingSeconds }, format: { Format.duration($0) })
  static let steps = Measure(
    title: "training steps", id: "training-steps", value: { $0.steps.map(Double.init) }, format: { Format.count(Int(saturating: $0)) })
  static let bytes = Measure(
    title: "size", id: "size", value: { Double($0.artefact.fileBytes ?? $0.artefact.tensorBytes) }, format: { Format.bytes($0) })

  /// The median duration of a forward pass.
  static func latency(batch: Int) -> Measure {
    Measure(
      title: "latency at batch \(batch) (ms)", id: "latency", value: { row in row.artefact.time(batch: batch)?.median }, scale: 1e3,
      format: { Format.duration($0) })
  }
}

extension RunRecord {
  /// The model that the run ends with.
  var artefact: Artefact { pruned ?? dense }

  /// The non-zero weights of the artefact over all weights before the first known removal; nil for a network without weights.
  var weightsLeft: Double? {
    let total = max(weights?.total ?? 0, dense.prunableWeights)
    return total == 0 ? nil : Double(artefact.nonZeroWeights) / Double(total)
  }

  /// The accuracy that pruning cost, negative for a loss; nil if one side was not tested.
  var change: Double? {
    guard let before = dense.accuracyAtEnd, let after = pruned?.accuracyAtEnd else { return nil }
    return after.fraction - before.fraction
  }
}

extension Artefact {
  /// Duration of a forward pass over a batch of this size.
  func time(batch: Int) -> Measurement? { latency.first { $0.batch == batch }?.time }
}
