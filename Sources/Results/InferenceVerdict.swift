/// Whether a change to a model makes inference with dense kernels faster, as far as the numbers can tell.
public struct InferenceVerdict: Codable, Hashable, Sendable {
  /// The verdict in one word.
  public enum Answer: String, Codable, Hashable, Sendable {
    /// Every measured batch size ran faster.
    case faster
    /// Some batch sizes ran faster and none slower.
    case partlyFaster
    /// Tensors are smaller, but the measured times overlap or point both ways.
    case undecided
    /// Tensors are smaller, but no batch size ran faster and some slower.
    case slower
    /// Tensors are smaller; no times were measured.
    case notMeasured
    /// Tensors have the same size as before.
    case unchanged
  }
  /// The verdict in one word.
  public var answer: Answer
  /// The verdict in sentences, with the numbers behind it.
  public var words: String

  /// Judges `pruned` against `dense`; a pure function of their numbers.
  ///
  /// A time counts as lower or higher only if the boxes between the quartiles do not overlap.
  public init(dense: Artefact, pruned: Artefact) {
    let zeros = pruned.prunableWeights - pruned.nonZeroWeights
    let shrank = pruned.macs < dense.macs || pruned.tensorBytes < dense.tensorBytes
    let share = pruned.prunableWeights == 0 ? 0 : Double(zeros) / Double(pruned.prunableWeights)
    guard shrank else {
      answer = .unchanged
      if pruned.nonZeroWeights >= dense.nonZeroWeights {
        words = "Nothing was removed: inference takes as long as before."
      } else {
        words =
          "\(Format.percent(share)) of the weights are zero, but tensors keep their size: dense kernels will not run faster; "
          + (Self.sparse(dense, pruned) ?? "whole units would have to go, or a sparse runtime is needed") + "."
      }
      return
    }
    let macs = Self.quotient(pruned.macs, dense.macs)
    var sentences: [String]
    (answer, sentences) = Self.timed(macs: macs, dense: dense.latency, pruned: pruned.latency)
    // Below one per cent the remark would be noise.
    if share >= 0.01 {
      sentences.append(
        "\(Format.percent(share)) of the weights still there are zero, which dense kernels multiply all the same: "
          + (Self.sparse(dense, pruned)
            ?? "a sparse runtime could do with \(Format.ratio(Self.quotient(pruned.effectiveMACs, dense.macs))) the MACs") + ".")
    }
    words = sentences.joined(separator: " ")
  }

  private static func quotient(_ numerator: Int, _ denominator: Int) -> Double? {
    denominator == 0 ? nil : Double(numerator) / Double(denominator)
  }

  /// How long the sparse runtime took, relative to the dense model on dense kernels; nil if that was not measured.
  private static func sparse(_ dense: Artefact, _ pruned: Artefact) -> String? {
    let parts = (pruned.sparseLatency ?? []).compactMap { sparse -> String? in
      guard let usual = dense.latency.first(where: { $0.batch == sparse.batch }), usual.time.median > 0 else { return nil }
      return "\(Format.ratio(sparse.time.median / usual.time.median)) as long at batch \(sparse.batch)"
    }
    return parts.isEmpty ? nil : "the sparse runtime takes \(list(parts))"
  }

  private static func timed(macs: Double?, dense: [BatchLatency], pruned: [BatchLatency]) -> (Answer, [String]) {
    var said: [Measurement.Order: [String]] = [:]
    var pairs = 0
    for after in pruned {
      guard let before = dense.first(where: { $0.batch == after.batch }), before.time.median > 0 else { continue }
      pairs += 1
      let ratio = Format.ratio(after.time.median / before.time.median)
      said[after.time.order(to: before.time), default: []].append("\(ratio) as long at batch \(after.batch)")
    }
    let size = "\(Format.ratio(macs)) the MACs"
    guard pairs > 0 else { return (.notMeasured, ["Tensors shrank to \(size); the time was not measured."]) }
    let lower = said[.lower].map(list)
    let higher = said[.higher].map(list)
    let unclear = said[.undecided].map(list)
    switch (lower, higher, unclear) {
    case (let lower?, nil, nil): return (.faster, ["Tensors shrank: \(size) run \(lower)."])
    case (let lower?, nil, let unclear?):
      return (
        .partlyFaster,
        ["Tensors shrank: \(size) run \(lower).", "Measured times overlap elsewhere (\(unclear)): no gain can be claimed there."]
      )
    case (let lower?, let higher?, _):
      return (.undecided, ["Tensors shrank: \(size) run \(lower), but \(higher)."])
    case (nil, let higher?, _): return (.slower, ["Tensors shrank to \(size), but run \(higher): no faster."])
    case (nil, nil, let unclear):
      return (.undecided, ["Tensors shrank to \(size), but the measured times overlap (\(unclear ?? "")): no gain can be claimed."])
    }
  }

  private static func list(_ parts: [String]) -> String {
    guard let last = parts.last, parts.count > 1 else { return parts.first ?? "" }
    return parts.dropLast().joined(separator: ", ") + " and " + last
  }
}
