/// A pattern for names of layers: `*` matches any run of characters, dots included, and `?` any single one; the whole name must match.
///
/// ```swift
/// LayerPattern("layer?.*.conv2").matches("layer1.0.conv2")  // true
/// ```
/// A pattern without `*` and `?` matches only the name itself. There are no other special characters.
public struct LayerPattern: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
  /// Text of the pattern.
  public let description: String

  /// Creates a pattern from its text.
  public init(_ text: String) { description = text }
  /// Creates a pattern from a string literal.
  public init(stringLiteral text: String) { self.init(text) }

  /// Returns whether the pattern matches a whole name; takes at most |pattern|·|name| comparisons.
  public func matches(_ name: String) -> Bool {
    let (pattern, name) = (Array(description.unicodeScalars), Array(name.unicodeScalars))
    var (p, n) = (0, 0)
    // Position of the last star, and how far it has matched: only that star ever needs to be retried.
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

/// Encoded as the pattern's text.
extension LayerPattern: Codable {
  /// Decodes the pattern's text.
  public init(from decoder: any Decoder) throws { self.init(try decoder.singleValueContainer().decode(String.self)) }
  /// Encodes the pattern's text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension Sequence where Element == LayerPattern {
  /// Returns the indices of the things of which any name matches any pattern.
  ///
  /// - Parameters:
  ///   - names: the names of each thing, e.g. those of all producers of a channel group.
  ///   - option: the option that the patterns belong to, e.g. `--ignore`; begins the message.
  /// - Throws: ``PruningError/unknownLayer(option:given:possible:)`` for a pattern without any match.
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
