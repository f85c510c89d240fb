internal import Files
internal import Foundation
internal import Pruning
public import Results
internal import Torch
internal import Training

/// The files of a study's folder.
struct ProbeFolder {
  let path: String
  init(_ path: String) { self.path = path }

  var study: String { path + "/study.json" }
  func rows(_ seed: UInt64) -> String { "\(path)/seed-\(seed).csv" }
  func units(_ seed: UInt64) -> String { "\(path)/seed-\(seed).units.jsonl" }
  func checkpoint(_ seed: UInt64) -> String { "\(path)/seed-\(seed).checkpoint" }

  /// The rows last: they say that the seed is finished.
  func write(_ result: PenaltyProbeResult, seed: UInt64) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    var lines = Data()
    for choice in result.choices {
      lines += try encoder.encode(choice)
      lines.append(UInt8(ascii: "\n"))
    }
    try AtomicFile.write(lines, to: units(seed))
    try AtomicFile.write(Data(PenaltyTable.text(result.rows).utf8), to: rows(seed))
  }

  /// What finished seeds have found.
  func read() throws -> PenaltyProbeResult {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
      throw PlanError("there is no folder \(path)")
    }
    let seeds = try FileManager.default.contentsOfDirectory(atPath: path).compactMap { name -> UInt64? in
      guard name.hasPrefix("seed-"), name.hasSuffix(".csv") else { return nil }
      return UInt64(name.dropFirst(5).dropLast(4))
    }
    guard !seeds.isEmpty else { throw PlanError("\(path) holds no finished seed: no file like seed-0.csv") }
    var result = PenaltyProbeResult()
    for seed in seeds.sorted() {
      result.rows += try PenaltyTable.rows(in: String(contentsOfFile: rows(seed), encoding: .utf8), place: rows(seed))
      // Rows alone can be analysed, too.
      guard let lines = try? Data(contentsOf: URL(fileURLWithPath: units(seed))) else { continue }
      for (number, line) in lines.split(separator: UInt8(ascii: "\n")).enumerated() {
        do { result.choices.append(try decoder.decode(UnitChoice.self, from: line)) } catch {
          throw PenaltyTableError(place: units(seed), line: number + 1, problem: "is no choice of units")
        }
      }
    }
    return result
  }
}

extension ProbeStudy {
  /// The analyses of all finished seeds in some folders, e.g. those of the same training with means taken at the two places.
  ///
  /// Steps in all, of which thirds are taken, are those of the last probe.
  /// - Throws: `PlanError` for a folder without finished seeds, ``PenaltyTableError`` for damaged files.
  public static func analysis(of folders: [String], lateStart: Int = 10_000) throws -> PenaltyAnalysis {
    var all = PenaltyProbeResult()
    for folder in folders {
      let found = try ProbeFolder(folder).read()
      all.rows += found.rows
      all.choices += found.choices
    }
    return PenaltyAnalysis(rows: all.rows, choices: all.choices, lateStart: lateStart)
  }
}
