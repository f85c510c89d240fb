internal import Files
internal import Foundation

/// The files and folders that a command will write, looked at before any work: hours of training must not end at a folder that was never
/// there.
struct Outputs {
  private var files: [(name: String, path: String)] = []
  private var inputs: [(name: String, path: String)] = []

  /// Notes a file to be written.
  ///
  /// - Parameter name: what it is, e.g. `--report`.
  mutating func add(_ name: String, _ path: String?) {
    if let path { files.append((name, path)) }
  }

  /// Notes a file to be read, which no output but the model may replace.
  mutating func keep(_ name: String, _ path: String?) {
    if let path { inputs.append((name, path)) }
  }

  /// - Throws: ``UnwritableOutput`` for a path that nothing can be written to, or that two things would be written to.
  func check() throws {
    for (number, file) in files.enumerated() {
      try Self.checkFile(file.path)
      // The first is the model, which may take the place of the one it was made of.
      let others = files[..<number] + (number == 0 ? [] : inputs)
      if let other = others.first(where: { Self.real($0.path) == Self.real(file.path) }) {
        throw UnwritableOutput("cannot write \(file.path): \(file.name) and \(other.name) are one file")
      }
    }
  }

  /// - Throws: ``UnwritableOutput`` for a path where no file can be written.
  private static func checkFile(_ path: String) throws {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    guard !path.isEmpty else { throw UnwritableOutput("cannot write a file without a name") }
    guard let isFolder = Self.isFolder(folder), isFolder else {
      throw UnwritableOutput("cannot write \(path): there is no folder \(folder)")
    }
    guard FileManager.default.isWritableFile(atPath: folder) else {
      throw UnwritableOutput("cannot write \(path): the folder \(folder) is not writable")
    }
    _ = try AtomicFile(path)
  }

  /// - Throws: ``UnwritableOutput`` for a path where there is no folder that can be written to and none can be made.
  static func checkFolder(_ path: String) throws {
    guard !path.isEmpty else { throw UnwritableOutput("cannot write to a folder without a name") }
    var place = URL(fileURLWithPath: path).standardizedFileURL
    while isFolder(place.path) == nil, place.path != "/" { place.deleteLastPathComponent() }
    guard isFolder(place.path) == true else { throw UnwritableOutput("cannot write to \(path): \(place.path) is not a folder") }
    do { _ = try AtomicFile(place.appendingPathComponent("espalier").path) } catch {
      throw UnwritableOutput("cannot write to \(path): \(error.problem)")
    }
  }

  /// Whether it is one; nil where there is nothing.
  private static func isFolder(_ path: String) -> Bool? {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) ? isFolder.boolValue : nil
  }

  private static func real(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path }
}

/// An output that could not be made, known before any work is done.
struct UnwritableOutput: ReportedError, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
  var exitStatus: ExitStatus { .cannotCreate }
}
