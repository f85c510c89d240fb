public import Foundation

/// A checkpoint or a record of a run that holds what no run can have written.
public struct RecordError: Error, CustomStringConvertible, Equatable {
  /// Where, and what cannot be.
  public let description: String
  /// An error of these words.
  public init(_ description: String) { self.description = description }
}

/// The whole numbers of records that anyone may have written: checkpoints, rounds of a ticket study.
///
/// They are counts of steps, examples, units, multiplies, which are added up in many places. None is negative, and all of a record
/// together are at most 2⁴⁹, so that no sum of them, nor of thousands of records, leaves 64 bits.
public enum RecordedCounts {
  private static let limit = 1 << 49
  /// Fields of real numbers: a loss that grows beyond measure is a whole number, but no count.
  private static let measured: Set<String> = ["loss", "lossSum", "trainingLoss", "validationLoss"]

  /// - Parameters:
  ///   - json: the record.
  ///   - names: fields that are whole numbers but no counts, such as seeds.
  /// - Throws: ``PlanError`` that names the field, or says that it is no JSON.
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
    // What decodes may be none to this reader, which takes no number like 012, and says so at length.
    guard let record = try? JSONSerialization.jsonObject(with: json, options: .fragmentsAllowed) else { throw PlanError("it is not JSON") }
    try look(at: record, [])
  }
}

extension RecordError {
  /// Reads what a file holds: what is found wrong with it names the file.
  ///
  /// - Parameter what: what the file is, e.g. `a damaged checkpoint`.
  package static func naming<Result>(_ path: String, as what: String, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as RecordError { throw RecordError("\(path) is \(what): \(error)") }
  }
}
