internal import ArgumentParser

/// The command-line face of a method that is more than one run.
protocol MethodFace {
  /// Name of the method in the catalogue.
  static var method: String { get }
  /// Returns the job that the options describe.
  ///
  /// - Parameter typed: the options on the command line, for those that have a default value.
  /// - Throws: `PlanError` and `PruningError` for what is impossible.
  static func job(_ command: PruneCommand, _ typed: GivenOptions) throws -> any PruneJob
}

enum MethodFaces {
  /// The faces of the methods that are more than one run.
  static var all: [any MethodFace.Type] { [LotteryTicketFace.self] }

  /// The groups of options that only some methods have.
  static var optionGroups: [any MethodOptionGroup.Type] {
    [
      ExchangeOptions.self, ScoredPruningOptions.self, DoublePruningOptions.self, GateOptions.self, TicketOptions.self,
      MetaPruningOptions.self, IntersectionOptions.self,
    ]
  }

  /// Returns the names of the options that only this method, or few others, have; in alphabetical order.
  static func options(of method: String) -> [String] {
    optionGroups.flatMap { Array($0.methods) }.filter { $0.value.contains(method) }.map(\.key).sorted()
  }
}
