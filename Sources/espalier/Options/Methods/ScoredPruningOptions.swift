public import ArgumentParser
public import Pruning
internal import Training

/// Options of `--method scored-pruning` alone.
struct ScoredPruningOptions: MethodOptionGroup {
  @Option(help: ArgumentHelp("What scored-pruning's scores are multiplied by each step; 0.99 unless given.", valueName: "factor"))
  var scoreDecay: Double?

  @Option(help: "What leaves in scored-pruning: the lowest magnitude or the lowest score; magnitude unless given.")
  var leave: ScoredPruning.Leaving?

  static let methods = ["--score-decay": ["scored-pruning"], "--leave": ["scored-pruning"]]

  var given: [(option: String, isGiven: Bool)] { [("--score-decay", scoreDecay != nil), ("--leave", leave != nil)] }

  /// Returns scored pruning with these options; any other regrowth unchanged.
  func applied(to regrowth: any Regrowth) -> any Regrowth {
    guard var method = regrowth as? ScoredPruning else { return regrowth }
    method.decay = scoreDecay ?? method.decay
    method.leaving = leave ?? method.leaving
    return method
  }
}

extension ScoredPruning.Leaving: ExpressibleByArgument {}
