/// Who must keep a thing so that it stays: all, most, or a number of data sets or tasks.
public enum KeepRule: Hashable, Sendable {
  /// All must keep it: of data sets one after the other, each removal is decided by the one just trained on (Algorithm 4).
  case all
  /// More than half must keep it.
  case majority
  /// At least this many must keep it.
  case atLeast(Int)

  /// Number of voters that must keep a thing.
  func quorum(of voters: Int) -> Int {
    switch self {
    case .all: voters
    case .majority: voters / 2 + 1
    case .atLeast(let count): count
    }
  }
}

extension KeepRule: Codable, CustomStringConvertible {
  /// Parses `all`, `majority` or a number; nil for anything else.
  public init?(_ text: String) {
    switch text {
    case "all": self = .all
    case "majority": self = .majority
    default:
      guard let count = Int(text), count > 0 else { return nil }
      self = .atLeast(count)
    }
  }

  /// `all`, `majority` or the number.
  public var description: String {
    switch self {
    case .all: "all"
    case .majority: "majority"
    case .atLeast(let count): "\(count)"
    }
  }

  /// Decodes the form of ``description``.
  ///
  /// - Throws: `DecodingError` for anything else.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let rule = Self(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "a rule of keeping is all, majority or a number")
    }
    self = rule
  }

  /// Encodes ``description``.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
