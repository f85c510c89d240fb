internal import Training

/// Which options stand on the command line: the paper's settings hold where nothing was said, and the parser tells only values.
struct GivenOptions {
  private let names: Set<Substring>
  init(_ arguments: [String]) { names = Set(arguments.filter { $0.hasPrefix("--") }.map { $0.prefix { $0 != "=" } }) }
  func has(_ name: String) -> Bool { names.contains(name[...]) }

  /// - Throws: `PlanError` for the first of these options that was given.
  func refuse(_ options: [String], with other: String) throws {
    if let option = options.first(where: has) { throw PlanError("\(option) does not go with \(other)") }
  }
}
