public import ArgumentParser
public import Pruning
internal import Training

/// Options of `--method double-pruning` alone.
struct DoublePruningOptions: MethodOptionGroup {
  @Option(
    help: ArgumentHelp(
      "The fraction of each layer's kept weights that double-pruning exchanges each cycle; 0.1 unless given.", valueName: "fraction"))
  var reintroduce: Double?

  @Option(
    help: ArgumentHelp("Steps of double-pruning's cycle on the pruned weights; a quarter of it unless given.", valueName: "step"))
  var prunedSteps: String?

  @Option(help: "The value that double-pruning's weights come back with: trained, zero or initial; trained unless given.")
  var enter: DoublePruning.Entry?

  static let methods = [
    "--reintroduce": ["double-pruning"], "--pruned-steps": ["double-pruning"], "--enter": ["double-pruning"],
  ]

  var given: [(option: String, isGiven: Bool)] {
    [("--reintroduce", reintroduce != nil), ("--pruned-steps", prunedSteps != nil), ("--enter", enter != nil)]
  }

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
