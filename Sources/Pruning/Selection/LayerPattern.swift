/// A pattern for names of layers: `*` stands for any run of characters (dots too), `?` for any one; the whole name must fit.
///
/// ```swift
/// LayerPattern("layer?.*.conv2").matches("layer1.0.conv2")  // true
/// ```
/// A name without `*` and `?` matches itself only. There are no other special characters.
public struct LayerPattern: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
  /// As typed.
  public let description: String

  /// A pattern as typed.
  public init(_ text: String) { description = text }
  /// A pattern in source code.
  public init(stringLiteral text: String) { self.init(text) }

  /// Whether the whole name fits; at most pattern times name comparisons.
  public func matches(_ name: String) -> Bool {
    let (pattern, name) = (Array(description.unicodeScalars), Array(name.unicodeScalars))
    var (p, n) = (0, 0)
    // Where the last star stands, and how far it has reached: only that one is ever tried anew.
    var star: (pattern: Int, name: Int)?
    while n < name.count {
      if p < pattern.count, pattern[p] == "*" {
        star = (p, n)
        p += 1
      } else if p < pattern.count, pattern[p] == "?" || pattern[p] == name[n] {
        p += 1
        n += 1
      } else if let last = star {
        star = (last.pattern, last.name + 1)
        (p, n) = (last.pattern + 1, last.name + 1)
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == "*" }
  }
}

/// In JSON a pattern is its text.
extension LayerPattern: Codable {
  /// Reads the text.
  public init(from decoder: any Decoder) throws { self.init(try decoder.singleValueContainer().decode(String.self)) }
  /// Writes the text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension Sequence where Element == LayerPattern {
  /// Which of the things any pattern matches, by one of their names.
  ///
  /// - Parameters:
  ///   - names: the names that each thing answers to, e.g. those of all producers of a channel group.
  ///   - option: how the patterns were marked, e.g. `--ignore`; begins the error.
  /// - Throws: ``PruningError/unknownLayer(option:given:possible:)`` for a pattern that matches nothing.
  public func indices(among names: [[String]], option: String) throws -> Set<Int> {
    var found: Set<Int> = []
    for pattern in self {
      let matched = names.indices.filter { names[$0].contains { pattern.matches($0) } }
      guard !matched.isEmpty else {
        throw PruningError.unknownLayer(option: option, given: pattern.description, possible: names.flatMap { $0 })
      }
      found.formUnion(matched)
    }
    return found
  }
}
