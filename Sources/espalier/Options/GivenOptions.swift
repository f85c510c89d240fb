/// The options on the command line, for options that have a default value, of which the parser does not tell whether they were given.
struct GivenOptions {
  private let names: Set<Substring>
  init(_ arguments: [String]) { names = Set(arguments.filter { $0.hasPrefix("--") }.map { $0.prefix { $0 != "=" } }) }
  func has(_ name: String) -> Bool { names.contains(name[...]) }
}
