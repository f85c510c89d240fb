public import ArgumentParser
public import Pruning
internal import Training

/// Options of `--method double-pruning` alone.
struct DoublePruningOptions: MethodOptionGroup {
  @Option(
    help: ArgumentHelp(
      "Fraction of each layer's kept weights that double-pruning exchanges in each cycle; 0.1 by default.", valueName: "fraction"))
  var reintroduce: Double?

  @Option(
    help: ArgumentHelp(
      "Steps of double-pruning's cycle that train the pruned weights; a quarter of the cycle by default.", valueName: "step"))
  var prunedSteps: String?

  @Option(
    help: ArgumentHelp(
      "Value with which weights return in double-pruning: trained, zero or initial; trained by default.", valueName: "value"))
  var enter: DoublePruning.Entry?

  static let methods: KeyValuePairs = [
    "--reintroduce": ["double-pruning"], "--pruned-steps": ["double-pruning"], "--enter": ["double-pruning"],
  ]

  /// Returns double pruning with these options; any other regrowth unchanged.
  ///
  /// - Throws: `PlanError` for an invalid length.
  func applied(to regrowth: any Regrowth) throws -> any Regrowth {
    guard var method = regrowth as? DoublePruning else { return regrowth }
    method.reintroduce = reintroduce ?? method.reintroduce
    method.prunedSteps = try prunedSteps.map { try Step($0, option: "--pruned-steps") }
    method.enter = enter ?? method.enter
    return method
  }
}

extension DoublePruning.Entry: ExpressibleByArgument {}
