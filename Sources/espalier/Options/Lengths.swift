internal import Pruning
internal import Training

// ArgumentParser discards the message of a failed conversion, so lengths of training are read as text and parsed here.

extension Step {
  /// Parses an option's value.
  ///
  /// - Throws: `PlanError` that names the option.
  init(_ text: String, option: String) throws {
    do { self = try Step(parsing: text) } catch let error as PlanError { throw PlanError("\(option) \(error)") }
  }

  /// Parses an option's value of several lengths, e.g. `30ep,40ep`.
  ///
  /// - Throws: `PlanError` that names the option and the first invalid length.
  static func list(_ text: String, option: String) throws -> [Step] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { try Step(String($0), option: option) }
  }
}

extension Step {
  /// Returns this fraction of the length, in whole epochs or steps, at least one.
  func scaled(by share: Double) -> Step {
    func scaled(_ count: Int) -> Int { max(Rounding.floor.count(share, of: count), 1) }
    return switch self {
    case .epochs(let count): .epochs(scaled(count))
    case .iterations(let count): .iterations(scaled(count))
    }
  }
}
