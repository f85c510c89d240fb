/// The number of classes of a named network, where it is given.
public enum ClassCount: Hashable, Sendable, CustomStringConvertible, ExpressibleByIntegerLiteral {
  /// This many.
  case exactly(Int)
  /// As many as the data have.
  case automatic

  /// Creates a fixed number.
  public init(integerLiteral value: Int) { self = .exactly(value) }

  /// Parses a number or `auto`; nil for anything else.
  public init?(_ text: String) {
    if text == "auto" {
      self = .automatic
    } else if let count = Int(text) {
      self = .exactly(count)
    } else {
      return nil
    }
  }

  /// The number, or `auto`.
  public var description: String {
    switch self {
    case .exactly(let count): "\(count)"
    case .automatic: "auto"
    }
  }
}

/// JSON: a number, or the text `auto`.
extension ClassCount: Codable {
  /// - Throws: `DecodingError` for anything else.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let count = try? container.decode(Int.self) {
      self = .exactly(count)
    } else if try container.decode(String.self) == "auto" {
      self = .automatic
    } else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "a number of classes is a number or auto")
    }
  }

  /// Writes the number, or `auto`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .exactly(let count): try container.encode(count)
    case .automatic: try container.encode("auto")
    }
  }
}
