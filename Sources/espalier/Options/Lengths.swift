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
