/// A length of training in epochs (`40ep`) or iterations (`50000it`).
public enum Step: Hashable, Sendable, Codable, CustomStringConvertible {
  /// A number of passes over the training set.
  case epochs(Int)
  /// A number of optimizer steps.
  case iterations(Int)

  /// Parses `40ep` or `50000it`; a bare number counts epochs.
  ///
  /// - Throws: ``PlanError`` that says what is possible.
  public init(parsing text: String) throws {
    let digits = text.prefix { $0.isNumber }
    guard let count = Int(digits), count >= 0 else { throw PlanError("\"\(text)\" is not a length of training: write 40ep or 50000it") }
    switch text.dropFirst(digits.count) {
    case "ep", "": self = .epochs(count)
    case "it": self = .iterations(count)
    default: throw PlanError("\"\(text)\" is not a length of training: write 40ep or 50000it")
    }
  }

  /// Returns the number of optimizer steps, given the number per epoch; `Int.max` if it exceeds 64 bits.
  public func iterations(perEpoch: Int) -> Int {
    switch self {
    case .epochs(let count):
      let (product, overflow) = count.multipliedReportingOverflow(by: perEpoch)
      return overflow ? .max : product
    case .iterations(let count): return count
    }
  }

  /// Half the length, rounded up, in the same unit.
  public var half: Step {
    switch self {
    case .epochs(let count): .epochs(count / 2 + count % 2)
    case .iterations(let count): .iterations(count / 2 + count % 2)
    }
  }

  /// Whether all lengths have the same unit, so that they can be compared without knowing the length of an epoch.
  public static func haveOneUnit(_ steps: [Step]) -> Bool {
    let epochs = steps.count { if case .epochs = $0 { true } else { false } }
    return epochs == 0 || epochs == steps.count
  }

  /// Returns the longest length in this one's unit of at most `steps` optimizer steps; nil if that is none.
  public func longest(within steps: Int, perEpoch: Int) -> Step? {
    guard steps > 0 else { return nil }
    switch self {
    case .iterations: return .iterations(steps)
    case .epochs: return steps >= perEpoch ? .epochs(steps / max(perEpoch, 1)) : nil
    }
  }

  /// The length in the spelling of ``init(parsing:)``.
  public var description: String {
    switch self {
    case .epochs(let count): "\(count)ep"
    case .iterations(let count): "\(count)it"
    }
  }

  /// Decodes the text of ``description``.
  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    try self.init(parsing: text)
  }

  /// Encodes the text of ``description``.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// The error of a plan that cannot be carried out as given.
public struct PlanError: Error, CustomStringConvertible, Equatable {
  /// What was given and what is possible, in one line.
  public let description: String
  /// Creates an error with the given description.
  public init(_ description: String) { self.description = description }
}
