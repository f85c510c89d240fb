public import ArgumentParser
public import Pruning
internal import Training

/// Options of `--method scored-pruning` alone.
struct ScoredPruningOptions: MethodOptionGroup {
  @Option(help: ArgumentHelp("Factor by which scored-pruning's scores decay in each step; 0.99 by default.", valueName: "factor"))
  var scoreDecay: Double?

  @Option(
    help: ArgumentHelp("What scored-pruning removes: the lowest magnitude or the lowest score; magnitude by default.", valueName: "score"))
  var leave: ScoredPruning.Leaving?

  static let methods: KeyValuePairs = ["--score-decay": ["scored-pruning"], "--leave": ["scored-pruning"]]

  /// Returns scored pruning with these options; any other regrowth unchanged.
  func applied(to regrowth: any Regrowth) -> any Regrowth {
    guard var method = regrowth as? ScoredPruning else { return regrowth }
    method.decay = scoreDecay ?? method.decay
    method.leaving = leave ?? method.leaving
    return method
  }
}

extension ScoredPruning.Leaving: ExpressibleByArgument {}
