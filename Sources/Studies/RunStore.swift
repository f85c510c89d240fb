internal import Crypto
public import Files
internal import Foundation
public import Results

/// The folder in which finished runs are kept, shared by all studies below one root.
///
/// `runs/KEY/` holds one run: `run.json` says what it is, `log.txt` is what it printed, `row.json` its row, `metrics.jsonl` its evaluations
/// and removals, beside its model and its checkpoint. `SHA256SUMS` is written last: a run that has one is finished, and `sha256sum -c SHA256SUMS` checks it. `failed.txt` holds the
/// error of a run that failed.
public struct RunStore: Hashable, Sendable {
  /// Path of the root, which also holds the studies.
  public let root: String

  /// Names a store; nothing is created.
  public init(_ root: String) { self.root = root }

  /// Path of a run's folder.
  public func folder(_ key: String) -> String { "\(root)/runs/\(key)" }

  /// Whether a path is that of a file of a run in some store.
  public static func isOne(_ path: String) -> Bool {
    let parts = path.split(separator: "/").suffix(3)
    guard parts.count == 3, let key = parts.dropFirst().first else { return false }
    return parts.first == "runs" && key.count == 32 && key.allSatisfy(\.isHexDigit)
  }

  /// Path of a file of a run.
  public func path(_ name: String, of key: String) -> String { "\(folder(key))/\(name)" }

  /// Name of the file with the row.
  public static let row = "row.json"
  /// Name of the file with the run's evaluations and removals, a line each; runs of several trainings in a folder have none.
  public static let metrics = "metrics.jsonl"
  /// Name of the file with what the run printed.
  public static let log = "log.txt"
  private static let sums = "SHA256SUMS"
  private static let failure = "failed.txt"
  private static let description = "run.json"
  private static let mostBytes = 64_000_000

  // MARK: - Reading

  /// How far a run has come.
  public func state(_ key: String) -> StudyRunResult.State {
    func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name, of: key)) }
    return has(Self.sums) ? .finished : has(Self.failure) ? .failed : has("") ? .begun : .waiting
  }

  /// The error of a run that failed, in one line.
  public func failure(_ key: String) -> String? {
    (try? RegularFile.read(path(Self.failure, of: key), limit: 65_536)).map {
      String(decoding: $0, as: UTF8.self).split(whereSeparator: \.isNewline).joined(separator: " ")
    }
  }

  /// Reads the row of a finished run, and checks it.
  ///
  /// - Throws: ``StoreError`` if a file is missing or has changed since the run finished.
  public func row(_ key: String) throws -> RunRecord {
    guard let sum = try sums(key)[Self.row] else { throw damaged(key) }
    let path = path(Self.row, of: key)
    let data: Data
    do { data = try RegularFile.read(path, limit: Self.mostBytes) } catch { throw missing(error, key) }
    guard SHA256.hash(data: data).hexadecimal == sum else { throw StoreError.changed(path, key: key, root: root) }
    do { return try RunRecord(json: data) } catch { throw StoreError("\(path) is not a row: \(error)") }
  }

  /// Checks every file of a finished run, its row and its model among them.
  ///
  /// - Throws: ``StoreError`` for the first file that is missing or has changed since the run finished.
  public func check(_ run: PlannedRun) throws {
    let (key, sums) = (run.key, try sums(run.key))
    guard sums[Self.row] != nil, sums.keys.contains(where: { $0 == run.artefact || $0.hasPrefix(run.artefact + "/") }) else {
      throw damaged(key)
    }
    for (name, sum) in sums.sorted(by: { $0.key < $1.key }) {
      let path = path(name, of: key)
      let found: String
      do { found = try Self.checksum(path) } catch { throw missing(error, key) }
      guard found == sum else { throw StoreError.changed(path, key: key, root: root) }
    }
  }

  private func damaged(_ key: String) -> StoreError {
    StoreError("\(path(Self.sums, of: key)) is damaged; remove \(folder(key)) to compute it again")
  }

  private func missing(_ error: any Error, _ key: String) -> StoreError {
    StoreError("\(error); remove \(folder(key)) to compute it again")
  }

  private func sums(_ key: String) throws -> [String: String] {
    let path = path(Self.sums, of: key)
    let text: String
    do { text = String(decoding: try RegularFile.read(path, limit: 65_536), as: UTF8.self) } catch { throw missing(error, key) }
    var sums: [String: String] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
      guard parts.count == 2, parts[0].count == 64 else { throw damaged(key) }
      let name = parts[1].drop { $0 == " " || $0 == "*" }
      guard !name.hasPrefix("/"), !name.split(separator: "/").contains("..") else { throw StoreError("\(path) names a file elsewhere") }
      sums[String(name)] = String(parts[0])
    }
    return sums
  }

  /// SHA-256 of a file in hexadecimal digits.
  ///
  /// - Throws: `FileError`.
  public static func checksum(_ path: String) throws -> String {
    let file = try RegularFile(path)
    var (hash, position) = (SHA256(), 0)
    var buffer = Data(count: 1 << 20)
    while true {
      let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0, at: position) }
      guard count > 0 else { return hash.finalize().hexadecimal }
      hash.update(data: buffer.prefix(count))
      position += count
    }
  }

  // MARK: - Writing

  /// Begins a run: claims its folder, forgets an earlier failure, and writes down what it is.
  ///
  /// - Parameter patience: seconds to wait for the last process of an owner that is dead.
  /// - Throws: ``Files/FolderInUse`` if another process works on it; `FileError`.
  public func begin(_ run: PlannedRun, patience: Double = 10) throws -> FolderClaim {
    let claim = try FolderClaim(folder(run.key), patience: patience)
    try? FileManager.default.removeItem(atPath: path(Self.failure, of: run.key))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    var told = run
    // Which studies have it, and where, is theirs to say.
    told.places = []
    try AtomicFile.write(try encoder.encode(told) + Data("\n".utf8), to: path(Self.description, of: run.key))
    return claim
  }

  /// Ends a run that succeeded: its files are those that later readers can rely on.
  ///
  /// - Throws: `FileError` if one of them is missing.
  public func finish(_ run: PlannedRun) throws {
    let isFolder = { (path: String) -> Bool in
      var found: ObjCBool = false
      return FileManager.default.fileExists(atPath: path, isDirectory: &found) && found.boolValue
    }
    var names = [Self.row, Self.description]
    if FileManager.default.fileExists(atPath: path(Self.metrics, of: run.key)) { names.append(Self.metrics) }
    if isFolder(path(run.artefact, of: run.key)) {
      for name in try FileManager.default.subpathsOfDirectory(atPath: path(run.artefact, of: run.key))
      where !isFolder(path("\(run.artefact)/\(name)", of: run.key)) { names.append("\(run.artefact)/\(name)") }
    } else {
      names.append(run.artefact)
    }
    let lines = try names.sorted().map { "\(try Self.checksum(path($0, of: run.key)))  \($0)\n" }
    try AtomicFile.write(Data(lines.joined().utf8), to: path(Self.sums, of: run.key))
  }

  /// Ends a run that failed, with its error.
  public func fail(_ key: String, _ words: String) throws {
    try AtomicFile.write(Data((words + "\n").utf8), to: path(Self.failure, of: key))
  }
}

/// The error of kept runs and studies.
public struct StoreError: Error, CustomStringConvertible, Hashable {
  /// The message in one line.
  public let description: String
  /// Whether what was named does not exist.
  public let isMissing: Bool

  /// Creates an error with a message.
  public init(_ description: String, isMissing: Bool = false) { (self.description, self.isMissing) = (description, isMissing) }

  static func changed(_ path: String, key: String, root: String) -> StoreError {
    StoreError(
      "\(path) has changed since the run finished: its checksum does not match; remove \(root)/runs/\(key) to compute it again")
  }
}

extension SHA256Digest {
  /// The digest in hexadecimal digits.
  var hexadecimal: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
