internal import ArgumentParser

/// How `prune` carries a method out that is more than a run.
protocol MethodFace {
  /// The method's name in the catalogue.
  static var method: String { get }
  /// What the options come to.
  ///
  /// - Parameter typed: the options on the command line, for those that have a value anyway.
  /// - Throws: `PlanError` and `PruningError` for what cannot be.
  static func job(_ command: PruneCommand, _ typed: GivenOptions) throws -> any PruneJob
}

enum MethodFaces {
  /// The methods that are more than a run of their stages.
  static var all: [any MethodFace.Type] { [LotteryTicketFace.self] }

  /// The groups of options that only some methods have.
  static var optionGroups: [any MethodOptionGroup.Type] {
    [ExchangeOptions.self, ScoredPruningOptions.self, DoublePruningOptions.self, TicketOptions.self]
  }

  /// The options that a method shares with few others or none, in alphabetical order.
  static func options(of method: String) -> [String] {
    optionGroups.flatMap { $0.methods }.filter { $0.value.contains(method) }.map(\.key).sorted()
  }
}
