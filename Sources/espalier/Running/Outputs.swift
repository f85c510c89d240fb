internal import Files
internal import Foundation

/// The files and folders that a command will write, checked before any work: hours of training must not end at a folder that does not
/// exist.
///
/// Pipes among them are held open from the check on, so that their readers do not see an end of file.
struct Outputs {
  /// What an output may replace.
  enum Kind {
    /// A model, which may replace the model it was made from.
    case model
    /// A file that may not replace any input.
    case file
    /// Text, which may also go to standard output.
    case text
  }

  private var files: [(name: String, path: String, kind: Kind)] = []
  private var inputs: [(name: String, path: String, isModel: Bool)] = []
  private var streams: [AtomicFile] = []

  /// Adds a file to be written.
  ///
  /// - Parameter name: name of the output in messages, e.g. `--report`.
  mutating func add(_ name: String, _ path: String?, as kind: Kind) {
    if let path { files.append((name, path, kind)) }
  }

  /// Adds a file to be read, which no output may replace.
  ///
  /// - Parameter isModel: whether it is the model that the output is made from, which the output may replace.
  mutating func keep(_ name: String, _ path: String?, isModel: Bool = false) {
    if let path { inputs.append((name, path, isModel)) }
  }

  /// Checks all outputs, and opens streams among them.
  ///
  /// - Throws: ``UnwritableOutput`` or `FileError` for a path that cannot be written to, or that two outputs share.
  mutating func check() throws {
    streams = try files.compactMap { try Self.stream(at: $0.path) }
    // The loss of a pipe's reader is then reported as an error.
    if !streams.isEmpty { Interrupt.ignoreClosedPipes() }
    try checkApart()
  }

  /// Checks that all files differ, under whatever names; also the second half of ``check()``, repeated when a further input becomes known.
  ///
  /// - Throws: ``UnwritableOutput`` if two of them are the same file.
  func checkApart() throws {
    var known: [(name: String, identity: FileIdentity?)] = []
    let inputs = inputs.map { (name: $0.name, identity: FileIdentity($0.path), isModel: $0.isModel) }
    for file in files {
      guard let identity = FileIdentity(file.path), !identity.isDevice else { continue }
      let kept = inputs.filter { !($0.isModel && file.kind == .model) }.map { (name: $0.name, identity: $0.identity) }
      let others = known + kept + (file.kind == .text ? [] : [("standard output", .standardOutput)])
      if let other = others.first(where: { $0.identity == identity }) {
        throw UnwritableOutput("cannot write \(file.path): \(file.name) and \(other.name) are the same file")
      }
      known.append((file.name, identity))
    }
  }

  /// Opens a stream for writing; returns nil for a file, which is created only when it is written.
  ///
  /// - Throws: ``UnwritableOutput`` or `FileError` for a path that cannot be written to.
  private static func stream(at path: String) throws -> AtomicFile? {
    // The temporary file beside it would have a name.
    guard !path.isEmpty else { throw UnwritableOutput("cannot write a file without a name") }
    do {
      let file = try AtomicFile(path)
      return file.isStream ? file : nil
    } catch {
      let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
      guard Self.isFolder(folder) == true else { throw UnwritableOutput("cannot write \(path): there is no folder \(folder)") }
      throw error
    }
  }

  /// Checks that a folder can be written to or created.
  ///
  /// - Throws: ``UnwritableOutput`` if it cannot.
  static func checkFolder(_ path: String) throws {
    guard !path.isEmpty else { throw UnwritableOutput("cannot write to a folder without a name") }
    var place = URL(fileURLWithPath: path).standardizedFileURL
    while isFolder(place.path) == nil, place.path != "/" { place.deleteLastPathComponent() }
    guard isFolder(place.path) == true else { throw UnwritableOutput("cannot write to \(path): \(place.path) is not a folder") }
    do { _ = try AtomicFile(place.appendingPathComponent("espalier").path) } catch {
      throw UnwritableOutput("cannot write to \(path): \(error.problem)")
    }
  }

  /// Whether a path is a folder; nil if nothing is there.
  private static func isFolder(_ path: String) -> Bool? {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) ? isFolder.boolValue : nil
  }
}

/// The error for an output that cannot be written, found before any work is done.
struct UnwritableOutput: ReportedError, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
  var exitStatus: ExitStatus { .cannotCreate }
}
