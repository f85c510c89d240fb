internal import Files
internal import Foundation

/// The files and folders that a command will write, looked at before any work: hours of training must not end at a folder that was never
/// there.
///
/// A pipe among them is held open from then on, so that its reader does not take the command for done.
struct Outputs {
  /// What an output may take the place of.
  enum Kind {
    /// A model may replace the model that it was made of.
    case model
    /// Anything but that.
    case file
    /// Text, which may go where standard output goes.
    case text
  }

  private var files: [(name: String, path: String, kind: Kind)] = []
  private var inputs: [(name: String, path: String, isModel: Bool)] = []
  private var streams: [AtomicFile] = []

  /// Notes a file to be written.
  ///
  /// - Parameter name: what it is, e.g. `--report`.
  mutating func add(_ name: String, _ path: String?, as kind: Kind) {
    if let path { files.append((name, path, kind)) }
  }

  /// Notes a file to be read, which no output may replace.
  ///
  /// - Parameter isModel: whether it is what the model is made of, which only that may replace.
  mutating func keep(_ name: String, _ path: String?, isModel: Bool = false) {
    if let path { inputs.append((name, path, isModel)) }
  }

  /// - Throws: ``UnwritableOutput`` or `FileError` for a path that nothing can be written to, or that two things would be written to.
  mutating func check() throws {
    streams = try files.compactMap { try Self.stream(at: $0.path) }
    // Told in words where its reader has gone.
    if !streams.isEmpty { Interrupt.ignoreClosedPipes() }
    try checkApart()
  }

  /// The second half of ``check()``, once more where an input has become known since.
  ///
  /// - Throws: ``UnwritableOutput`` where two things would be one file, under whatever names.
  func checkApart() throws {
    var known: [(name: String, identity: FileIdentity?)] = []
    let inputs = inputs.map { (name: $0.name, identity: FileIdentity($0.path), isModel: $0.isModel) }
    for file in files {
      guard let identity = FileIdentity(file.path), !identity.isDevice else { continue }
      let kept = inputs.filter { !($0.isModel && file.kind == .model) }.map { (name: $0.name, identity: $0.identity) }
      let others = known + kept + (file.kind == .text ? [] : [("standard output", .standardOutput)])
      if let other = others.first(where: { $0.identity == identity }) {
        throw UnwritableOutput("cannot write \(file.path): \(file.name) and \(other.name) are one file")
      }
      known.append((file.name, identity))
    }
  }

  /// What is open for writing there; nil for a file, which is made when there is something in it.
  ///
  /// - Throws: ``UnwritableOutput`` or `FileError` for a path where nothing can be written.
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
}

/// An output that could not be made, known before any work is done.
struct UnwritableOutput: ReportedError, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
  var exitStatus: ExitStatus { .cannotCreate }
}
