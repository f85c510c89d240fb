internal import Files
internal import Foundation
public import Pruning
public import Results
internal import Torch
internal import Training

/// Reads and writes the files of a probe study's folder.
struct ProbeFolder {
  let path: String
  init(_ path: String) { self.path = path }

  /// Maximum size in bytes of a table or of a file of unit choices.
  private static let maximumSize = 1 << 30

  var study: String { path + "/study.json" }
  func rows(_ seed: UInt64) -> String { "\(path)/seed-\(seed).csv" }
  func units(_ seed: UInt64) -> String { "\(path)/seed-\(seed).units.jsonl" }
  func checksums(_ seed: UInt64) -> String { "\(path)/seed-\(seed).sha256" }
  func checkpoint(_ seed: UInt64) -> String { "\(path)/seed-\(seed).checkpoint" }

  /// Writes the results of a seed; the rows last, because they mark the seed as finished.
  func write(_ result: PenaltyProbeResult, seed: UInt64) throws {
    var lines = Data()
    for choice in result.choices {
      lines += try JSONEncoder.records.encode(choice)
      lines.append(UInt8(ascii: "\n"))
    }
    let files = [(units(seed), lines), (rows(seed), Data(PenaltyTable.text(result.rows).utf8))]
    let checksums = files.map { "\(SealedRecord.checksum($1))  \($0.lastName)\n" }.joined()
    try AtomicFile.write(lines, to: units(seed))
    try AtomicFile.write(Data(checksums.utf8), to: self.checksums(seed))
    try AtomicFile.write(files[1].1, to: rows(seed))
  }

  /// Reads the results of all finished seeds.
  ///
  /// - Throws: `PlanError` if there are none, ``MissingFolder`` if there is no folder, `RecordError` and ``PenaltyTableError`` for damaged
  ///   files.
  func read() throws -> PenaltyProbeResult {
    try MissingFolder.check(path)
    let result = try finishedSeeds()
    guard !result.rows.isEmpty else { throw PlanError("\(path) holds no finished seed: no file like seed-0.csv") }
    return result
  }

  /// Checks all files of the given seeds before any work; damaged records would otherwise be found only in the analysis.
  ///
  /// - Throws: `RecordError` and ``PenaltyTableError`` for damaged files, `FileError` for a folder or device in the place of a file.
  func check(_ seeds: [UInt64]) throws {
    _ = try finishedSeeds()
    for file in seeds.map(checkpoint) where FileManager.default.fileExists(atPath: file) { _ = try RegularFile(file) }
  }

  /// Reads the text of `study.json`.
  ///
  /// - Throws: `RecordError` if it is not a record of a probe study.
  func storedStudy() throws -> Data {
    let json = try SealedRecord.read(study)
    guard (try? JSONDecoder().decode(ProbeStudy.self, from: json)) != nil else {
      throw RecordError("\(study) is not the record of a probe study")
    }
    return json
  }

  /// Returns the name of a file that only a seed of a study leaves; nil if there is none.
  func firstOfSeeds() throws -> String? {
    let endings = [".csv", ".units.jsonl", ".sha256", ".checkpoint"]
    return try Folder.names(in: path).first { name in
      name.hasPrefix("seed-") && endings.contains { name.hasSuffix($0) && UInt64(name.dropFirst(5).dropLast($0.count)) != nil }
    }
  }

  private func finishedSeeds() throws -> PenaltyProbeResult {
    let seeds = try Folder.names(in: path).compactMap { name -> UInt64? in
      guard name.hasPrefix("seed-"), name.hasSuffix(".csv") else { return nil }
      return UInt64(name.dropFirst(5).dropLast(4))
    }
    var result = PenaltyProbeResult()
    for seed in seeds.sorted() {
      let checksums = try storedChecksums(seed)
      let table = try checked(rows(seed), checksums)
      let rows = try PenaltyTable.rows(in: String(decoding: table, as: UTF8.self), place: self.rows(seed))
      // Rows copied from another seed would count twice.
      if let other = rows.first(where: { $0.seed != seed }) { throw RecordError("\(self.rows(seed)) holds rows of seed \(other.seed)") }
      result.rows += rows
      // The table alone is enough for an analysis.
      guard FileManager.default.fileExists(atPath: units(seed)) else { continue }
      for (number, line) in try checked(units(seed), checksums).split(separator: UInt8(ascii: "\n")).enumerated() {
        do {
          let choice = try JSONDecoder.records.decode(UnitChoice.self, from: line)
          try RecordedCounts.check(line, except: ["seed"])
          result.choices.append(choice)
        } catch {
          throw PenaltyTableError(place: units(seed), line: number + 1, problem: "is not a choice of units")
        }
      }
    }
    return result
  }

  /// Checksums by file name, as `sha256sum` prints them; nil without a file of checksums, as beside a table made by hand.
  private func storedChecksums(_ seed: UInt64) throws -> [String: Substring]? {
    let path = checksums(seed)
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    var result: [String: Substring] = [:]
    for line in String(decoding: try RegularFile.read(path, limit: SealedRecord.maximumSize), as: UTF8.self).split(separator: "\n") {
      guard line.utf8.count > 66, line.dropFirst(64).hasPrefix("  ") else { throw RecordError("\(path) is not a list of checksums") }
      result[String(line.dropFirst(66))] = line.prefix(64)
    }
    return result
  }

  /// Reads a file and compares it with its checksum, if there are checksums.
  private func checked(_ path: String, _ checksums: [String: Substring]?) throws -> Data {
    let data = try RegularFile.read(path, limit: Self.maximumSize)
    guard let checksums, checksums[path.lastName].map({ $0 != SealedRecord.checksum(data) }) ?? true else { return data }
    throw RecordError("\(path) has changed since it was written: its checksum differs from the one in the .sha256 file beside it")
  }
}

extension ProbeStudy {
  /// Whether a folder holds the results of a seed.
  public func isFinished(seed: UInt64, in folder: String) -> Bool {
    FileManager.default.fileExists(atPath: ProbeFolder(folder).rows(seed))
  }

  /// Whether a folder holds the rows of a seed, as a study of probes leaves it.
  public static func isFolder(_ path: String) -> Bool {
    ((try? Folder.names(in: path)) ?? []).contains {
      $0.hasPrefix("seed-") && $0.hasSuffix(".csv") && UInt64($0.dropFirst(5).dropLast(4)) != nil
    }
  }

  /// Reads the penalties and choices of all finished seeds in a folder.
  ///
  /// - Throws: `PlanError` for a folder without finished seeds, ``PenaltyTableError`` and `RecordError` for damaged files.
  public static func penalties(in folder: String) throws -> PenaltyProbeResult { try ProbeFolder(folder).read() }

  /// Analyses all finished seeds in some folders, e.g. two of the same training, with means taken at the output and at the consumer.
  ///
  /// The total number of steps, which the analysis divides into thirds, is the step of the last probe.
  /// - Throws: `PlanError` for a folder without finished seeds, ``PenaltyTableError`` for damaged files.
  public static func analysis(of folders: [String], lateStart: Int = 10_000) throws -> PenaltyAnalysis {
    var all = PenaltyProbeResult()
    for folder in folders {
      let found = try penalties(in: folder)
      all.rows += found.rows
      all.choices += found.choices
    }
    return PenaltyAnalysis(rows: all.rows, choices: all.choices, lateStart: lateStart)
  }
}
