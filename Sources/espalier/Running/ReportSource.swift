internal import Experiments
internal import Files
internal import Foundation
internal import Pruning
internal import Reports
internal import Results
internal import Studies
internal import Training

/// What a report is about: a study's folder, the JSON of a study, the row of a run, or the penalties of a probe.
struct ReportSource {
  let path: String

  /// The most bytes that are read: a study of a thousand runs has some twenty megabytes.
  private static let limit = 1 << 28

  /// Reads the study or row.
  ///
  /// - Throws: `FileError`; `PenaltyTableError`; `RecordError` for content that is neither or that no run can have written; `ReportError` for a study without
  ///   runs.
  func report() throws -> any ReportDocument {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      if ProbeStudy.isFolder(path) {
        let found = try ProbeStudy.penalties(in: path)
        return try PenaltyReport(URL(fileURLWithPath: path).lastPathComponent, rows: found.rows, choices: found.choices)
      }
      return try Report(try StudyFolder(path).judged())
    }
    let data = try RegularFile.read(path, limit: Self.limit)
    if path.lowercased().hasSuffix(".csv") {
      return try PenaltyReport(path.lastName, rows: PenaltyTable.rows(in: String(decoding: data, as: UTF8.self), place: path))
    }
    guard let keys = (try? JSONSerialization.jsonObject(with: data)).map({ ($0 as? [String: Any])?.keys.map(\.self) ?? [] }) else {
      throw RecordError("\(path) is not JSON")
    }
    if keys.contains("runs") {
      let study = try named("no result of a study") { try JSONDecoder.reports.decode(StudyResult.self, from: data) }
      for run in study.runs { if let row = run.row { try check(row) } }
      return try Report(study)
    }
    guard keys.contains("dense") else {
      throw RecordError("\(path) is neither the result of a study (study status --json) nor the row of a run (prune --report)")
    }
    let row = try named("no row of a run") { try RunRecord(json: data) }
    try check(row)
    return Report(row)
  }

  private func check(_ row: RunRecord) throws {
    do { try RecordedCounts.check(Data(try row.json().utf8), except: ["seed"]) } catch let error as any CustomStringConvertible & Error {
      throw RecordError("\(path) holds a row that no run can have written: \(error)")
    }
  }

  private func named<Value>(_ what: String, _ decode: () throws -> Value) throws -> Value {
    do { return try decode() } catch let error as DecodingError {
      throw RecordError("\(path) is \(what): \(error.firstWords)")
    }
  }
}

extension JSONDecoder {
  fileprivate static var reports: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return decoder
  }
}

extension DecodingError {
  fileprivate var firstWords: String {
    let (path, words): ([any CodingKey], String) =
      switch self {
      case .keyNotFound(let key, let context): (context.codingPath + [key], "is missing")
      case .valueNotFound(_, let context): (context.codingPath, "is missing")
      case .typeMismatch(_, let context), .dataCorrupted(let context): (context.codingPath, "is not what it should be")
      @unknown default: ([], "cannot be read")
      }
    return path.map { $0.intValue.map { "\($0 + 1)" } ?? $0.stringValue }.joined(separator: ".") + " " + words
  }
}
