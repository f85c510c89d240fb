public import Foundation

/// A checkpoint or record with content that no run can have written.
public struct RecordError: Error, CustomStringConvertible, Equatable {
  /// What is impossible, and where.
  public let description: String
  /// Creates an error with the given description.
  public init(_ description: String) { self.description = description }
}

/// Checks of the whole numbers in records from untrusted files: checkpoints, rounds of a ticket study.
///
/// They count steps, examples, units and multiply–accumulates, and are added up in many places. None may be negative, and all of a record
/// together may be at most 2⁴⁹, so that no sum of them, even over thousands of records, exceeds 64 bits.
public enum RecordedCounts {
  private static let limit = 1 << 49
  /// Fields of real numbers: a loss that has grown beyond measure may look like a whole number, but is not a count; nor is what is too
  /// large for one.
  private static let measured: Set<String> = [
    "loss", "lossSum", "trainingLoss", "validationLoss", "trainingMACs", "mean", "standardError", "eigenvalues", "gradientCovariance",
  ]

  /// Checks the counts of a record.
  ///
  /// - Parameters:
  ///   - json: the record.
  ///   - names: fields that are whole numbers but not counts, such as seeds.
  /// - Throws: ``PlanError`` that names the field at fault, or says that the text is not JSON.
  public static func check(_ json: Data, except names: Set<String> = []) throws {
    var left = limit
    func look(at value: Any, _ path: [String]) throws {
      switch value {
      case let object as [String: Any]:
        for (key, part) in object.sorted(by: { $0.key < $1.key }) where !names.contains(key) && !measured.contains(key) {
          try look(at: part, path + [key])
        }
      case let list as [Any]: for (index, part) in list.enumerated() { try look(at: part, path + ["\(index)"]) }
      case let count as Int:
        guard (0...left).contains(count) else { throw PlanError("\(path.joined(separator: ".")) cannot be \(count)") }
        left -= count
      default: return
      }
    }
    // Text that decodes may still not be JSON for this reader, which refuses numbers like 012 with a lengthy message.
    guard let record = try? JSONSerialization.jsonObject(with: json, options: .fragmentsAllowed) else { throw PlanError("it is not JSON") }
    try look(at: record, [])
  }
}

extension RecordError {
  /// Runs `body` on a file's content and adds the file's name to errors.
  ///
  /// - Parameter what: a description of the file at fault, e.g. `a damaged checkpoint`.
  package static func naming<Result>(_ path: String, as what: String, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as RecordError { throw RecordError("\(path) is \(what): \(error)") }
  }
}
