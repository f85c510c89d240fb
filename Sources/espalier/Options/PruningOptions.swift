public import ArgumentParser
internal import Experiments
public import Networks
public import Pruning
internal import Training

/// Options of `prune` for the method, the granularity and layers to leave alone.
struct PruningOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How removal and training interleave, with its criterion and defaults: \(PruningMethod.all.map(\.name).joined(separator: ", ")).",
      valueName: "name"), completion: .list(PruningMethod.all.map(\.name)))
  var method: String?

  @Option(
    help: ArgumentHelp(
      """
      What is removed: weight (held at 0), unit or filter (cut out); or weights in a pattern: block:RxC (blocks of R outputs by C inputs, \
      e.g. block:4x4), kernel (all taps between two channels), nm:N:M (of each M inputs N stay, e.g. nm:2:4). By default that of \
      --method, or weight.
      """, valueName: "kind"),
    completion: .list(Granularity.allCases.map(\.rawValue) + ["block:4x4", "kernel", "nm:2:4"]))
  var granularity: String?

  @Option(
    help: ArgumentHelp(
      "What leaves attention as one: a whole head, or a width, one channel of all heads; head by default.", valueName: "kind"))
  var attentionUnit: Attention.Unit?

  @Option(help: ArgumentHelp("Layer to leave alone; * and ? are wildcards; may be repeated.", valueName: "layer"))
  var ignore: [String] = []

  @Flag(
    inversion: .prefixedNo, help: "With weights: remove dead units at the end, so that tensors shrink, too; on by default.")
  var compact: Bool?

  @Flag(help: "Skip the proof after each surgery that the smaller network computes the same; for benchmarks only.")
  var noProof = false

  /// Returns what is removed, and the pattern in which weights are; nil if nothing was given.
  ///
  /// - Throws: `PlanError` for an unknown kind or a pattern of impossible numbers.
  func things() throws -> (granularity: Granularity, pattern: WeightPattern?)? {
    guard let granularity else { return nil }
    return try Granularity(rawValue: granularity).map { ($0, nil) } ?? (.weight, WeightPattern(granularity))
  }
}

extension Attention.Unit: ExpressibleByArgument {}
extension Granularity: ExpressibleByArgument {}
