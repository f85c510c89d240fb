public import Foundation
internal import Words

/// The catalogue of data sets that can be loaded by name.
///
/// ```swift
/// let (train, test) = try Dataset.load(name: "mnist", dataDirectory: "data")
/// ```
public enum Dataset {
  /// All data sets of the catalogue, in the order of lists and help texts.
  public static let all: [DatasetDescription] = DatasetCatalogue.entries

  /// All that examples can be named by: the catalogue, published folders, and how data of one's own are spelled.
  public static let possibleNames: [String] = all.map(\.name) + folderNames + OwnData.all.map(\.pattern)

  /// Names of the catalogue and of published folders, which can be fetched.
  public static let publishedNames: [String] = all.map(\.name) + folderNames

  private static var folderNames: [String] { PublishedFolder.all.map(\.name) }

  /// Returns the catalogue's entry with the given name.
  ///
  /// - Parameter known: the names that are possible where it is looked up, e.g. ``possibleNames``; nil for those of the catalogue.
  /// - Throws: ``DatasetError/unknownName(_:suggestion:known:)``, which suggests the nearest known name.
  public static func named(_ name: String, among known: [String]? = nil) throws -> DatasetDescription {
    if let found = all.first(where: { $0.name == name }) { return found }
    if PublishedFolder.all.contains(where: { $0.name == name }) {
      throw DatasetError.badRequest("\(name) is a folder of files, and this takes a data set of the catalogue, e.g. digits")
    }
    if try OwnData.named(name) != nil {
      throw DatasetError.badRequest("\(name) is data of your own: here goes a data set of the catalogue, e.g. digits")
    }
    let known = known ?? all.map(\.name)
    throw DatasetError.unknownName(name, suggestion: suggestion(for: name, among: known), known: known)
  }

  /// The name that was probably meant; of a name with a colon, what is before it counts.
  private static func suggestion(for name: String, among known: [String]) -> String? {
    guard let prefix = name.split(separator: ":", omittingEmptySubsequences: false).first, name.contains(":") else {
      return nearest(to: name, among: known)
    }
    return OwnData.all.first { known.contains($0.pattern) && $0.prefix == nearest(to: String(prefix), among: OwnData.all.map(\.prefix)) }?
      .pattern
  }

  /// The default data directory: `ESPALIER_DATA_DIR` if set, otherwise `espalier` in `XDG_DATA_HOME` or in `~/.local/share`.
  public static func defaultDirectory(environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
    func set(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    if let directory = set("ESPALIER_DATA_DIR") { return directory }
    let home = set("HOME") ?? NSHomeDirectory()
    return "\(set("XDG_DATA_HOME") ?? "\(home)/.local/share")/espalier"
  }

  /// Reads the training and test parts of a data set into memory.
  ///
  /// Counts are those of the files: ``ExampleSet/isPartial`` says if they hold fewer examples than were published.
  ///
  /// - Parameters:
  ///   - name: the name of a data set of the catalogue.
  ///   - dataDirectory: the folder that holds `mnist/`, `cifar-10-batches-bin/` and so on; nil for ``defaultDirectory(environment:)``.
  ///   - note: called with a line for the user if a compressed file is damaged and the plain one beside it is read instead.
  /// - Throws: ``DatasetError`` if the name is unknown, or files are missing or damaged.
  public static func load(
    name: String, dataDirectory: String? = nil, note: (String) -> Void = { _ in }
  ) throws -> (train: ExampleSet, test: ExampleSet) {
    let description = try named(name)
    if description.format == .embedded { return try Digits.load(description) }
    let location = try DatasetLocation(of: description, in: dataDirectory ?? defaultDirectory())
    func checked(_ file: DatasetDescription.LocalFile, _ path: String) throws -> String {
      try description.checkSize(of: file, at: path)
      return path
    }
    switch description.format {
    case .embedded: return try Digits.load(description)
    case .idx(let training, let test, let transposed, let firstLabel):
      func part(_ pair: DatasetDescription.IDXPair, _ name: ExampleSet.Part) throws -> ExampleSet {
        try location.withNeighbours(of: [pair.images, pair.labels], note: note) { paths in
          try EMNIST.load(
            images: checked(pair.images, paths[0]), labels: checked(pair.labels, paths[1]), transposed: transposed, firstLabel: firstLabel,
            description: description, part: name)
        }
      }
      return (try part(training, .training), try part(test, .test))
    case .cifar(let training, let test, let labelBytes):
      func part(_ files: [DatasetDescription.LocalFile], _ name: ExampleSet.Part) throws -> ExampleSet {
        let (pixels, labels) = try CIFAR.read(
          paths: files.map { try checked($0, location.path(of: $0)) }, labelBytes: labelBytes, dataset: description.name,
          classes: description.classes)
        return ExampleSet(storage: pixels, labels: labels, description: description, part: name)
      }
      return (try part(training, .training), try part(test, .test))
    }
  }

  /// Returns the folder of a data set's files without reading them; nil if files are missing, empty for the embedded `digits`.
  public static func location(of description: DatasetDescription, in dataDirectory: String? = nil) -> String? {
    if description.format == .embedded { return "" }
    return try? DatasetLocation(of: description, in: dataDirectory ?? defaultDirectory()).folder
  }

  /// Returns the paths of the files that loading would read; empty if they are missing or the data set is embedded.
  public static func files(of description: DatasetDescription, in dataDirectory: String? = nil) -> [String] {
    guard description.format != .embedded, let location = try? DatasetLocation(of: description, in: dataDirectory ?? defaultDirectory())
    else { return [] }
    return description.localFiles.map(location.path)
  }
}

/// The folder that holds a data set's files, and the paths of these.
struct DatasetLocation {
  let folder: String
  private var paths: [String: String] = [:]

  func path(of file: DatasetDescription.LocalFile) -> String { paths[file.name] ?? "\(folder)/\(file.name)" }

  /// Returns the uncompressed file beside a compressed one, if it exists.
  static func neighbour(of path: String) -> String? {
    let plain = (path as NSString).deletingPathExtension
    return path.hasSuffix(".gz") && FileManager.default.fileExists(atPath: plain) ? plain : nil
  }

  /// Calls `body` with the files' paths; if a compressed file proves damaged, calls it again with the uncompressed one beside it.
  func withNeighbours<Result>(
    of files: [DatasetDescription.LocalFile], note: (String) -> Void, _ body: ([String]) throws -> Result
  ) throws -> Result {
    var paths = files.map { path(of: $0) }
    var notes: [String] = []
    var first: (any Error)?
    while true {
      do {
        let result = try body(paths)
        for line in notes { note(line) }
        return result
      } catch let error as DatasetError {
        guard case .badFile(let path, let problem) = error, let place = paths.firstIndex(of: path), let plain = Self.neighbour(of: path)
        else { throw first ?? error }
        // If no uncompressed file helps, the first error is reported.
        first = first ?? error
        paths[place] = plain
        notes.append("\(path): \(problem); \((plain as NSString).lastPathComponent) beside it is read instead")
      }
    }
  }

  /// Finds the first of the data set's folders that holds all files.
  ///
  /// - Throws: ``DatasetError/missingFiles(dataset:directory:files:isIncomplete:)``, naming what the most complete folder lacks.
  init(of description: DatasetDescription, in directory: String) throws {
    var partly: (folder: String, missing: [String])?
    for folder in description.folders {
      let absolute = folder.hasPrefix("/") ? folder : "\(directory)/\(folder)"
      let (found, missing) = Self.search(absolute, for: description)
      if missing.isEmpty {
        self.folder = absolute
        paths = found
        return
      }
      if partly == nil, !found.isEmpty { partly = (folder, missing) }
    }
    let folder = partly?.folder ?? description.folders.first ?? description.name
    let files = (partly?.missing ?? description.publishedNames).map { "\(folder)/\($0)" }
    throw DatasetError.missingFiles(dataset: description.name, directory: directory, files: files, isIncomplete: partly != nil)
  }

  /// Returns the paths of the files found in a folder, by ``DatasetDescription/LocalFile/name``, and the published names of the others.
  static func search(_ folder: String, for description: DatasetDescription) -> (found: [String: String], missing: [String]) {
    var found: [String: String] = [:]
    var missing: [String] = []
    for (file, published) in zip(description.localFiles, description.publishedNames) {
      let candidates = description.isCompressible ? ["\(file.name).gz", file.name] : [file.name]
      if let name = candidates.first(where: { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }) {
        found[file.name] = "\(folder)/\(name)"
      } else {
        missing.append(published)
      }
    }
    return (found, missing)
  }
}
