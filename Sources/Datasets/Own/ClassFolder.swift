internal import Files
internal import Foundation
internal import Words

/// A kind of files that examples are made of.
struct FileKind: Equatable, Sendable {
  /// What a file holds, e.g. `image`.
  let thing: String
  /// Endings of names, in small letters; what is in a file decides what it is.
  let extensions: [String]
  /// Names of folders that hold no class.
  var ignored: Set<String> = []

  static let images = FileKind(thing: "image", extensions: ["jpg", "jpeg", "png"])
  static let clips = FileKind(thing: "clip", extensions: ["wav"], ignored: ["_background_noise_"])

  /// The endings in words, e.g. `.jpg, .jpeg or .png`.
  var words: String {
    let all = extensions.map { "." + $0 }
    return all.count == 1 ? all[0] : all.dropLast().joined(separator: ", ") + " or " + (all.last ?? "")
  }

  /// What a row says of broken files that were left out, e.g. `1 broken clip of 7 left out: …`.
  func leftOut(_ broken: [DatasetError], of count: Int) -> String {
    "\(broken.count) broken \(thing)\(broken.count == 1 ? "" : "s") of \(count) left out: "
      + broken.prefix(3).map(\.description).joined(separator: "; ") + (broken.count > 3 ? "; …" : "")
  }
}

/// The files of a folder that holds a folder for each class, and what else was found there.
struct ClassFolder {
  /// Path of the folder.
  let path: String
  /// The kind of its files.
  let kind: FileKind
  /// Names of the classes, sorted.
  private(set) var classes: [String] = []
  /// The files in order of class and name, each with the index of its class.
  private(set) var files: [(path: String, label: Int)] = []
  /// Whether the files lie in the folder itself, and nothing says what they show.
  private(set) var isUnlabelled = false
  /// Whether the classes are numbers of a list, which stand for the network's outputs from 0.
  private(set) var isNumbered = false
  /// Number of files that are of another kind by their names.
  private(set) var others = 0

  /// The most folders within each other.
  private static let deepest = 16

  /// Lists the files.
  ///
  /// - Parameters:
  ///   - root: the folder that links must not lead out of.
  ///   - takesUnlabelled: whether files that lie in the folder itself are welcome, if there is no folder of a class.
  /// - Throws: `FileError` for a folder that cannot be read; `DatasetError.badFile` for one without classes or a class without images,
  ///   for classes of one name, and for links out of the root.
  init(_ path: String, within root: String, of kind: FileKind = .images, takesUnlabelled: Bool = false) throws {
    self.path = path
    self.kind = kind
    let roots = try Self.resolved(root, within: nil)
    if let annotated = try Annotations(path) {
      try adopt(annotated, within: roots)
      return
    }
    var loose: [String] = []
    for name in try Self.names(in: path) {
      let folder = "\(path)/\(name)"
      guard Self.isFolder(folder) else {
        let isOne = kind.extensions.contains((name as NSString).pathExtension.lowercased())
        if isOne { loose.append(folder) } else { others += 1 }
        continue
      }
      if kind.ignored.contains(name) { continue }
      let before = files.count
      let label = classes.count
      classes.append(name)
      try collect(folder, label, within: roots, depth: 1)
      guard files.count > before else {
        throw DatasetError.badFile(path: folder, problem: "there is no \(kind.thing) in this class folder (\(kind.words))")
      }
    }
    if classes.isEmpty, let listed = try Annotations(listIn: path) {
      try adopt(listed, within: roots)
      return
    }
    if classes.isEmpty, !loose.isEmpty, takesUnlabelled {
      for file in loose where Self.isLink(file) { _ = try Self.resolved(file, within: roots) }
      (files, isUnlabelled) = (loose.map { ($0, 0) }, true)
      return
    }
    others += loose.count
    guard !classes.isEmpty else {
      throw DatasetError.badFile(
        path: path,
        problem: "there is no folder of a class in it; \(kind.thing)s are expected in DIR/CLASS, or in DIR/train/CLASS and so on")
    }
    try checkNames()
  }

  private mutating func adopt(_ list: Annotations, within root: String) throws {
    (classes, files, isNumbered, others) = (list.classes, list.files, list.isNumbered, 0)
    for file in files { _ = try Self.resolved(file.path, within: root) }
  }

  private mutating func collect(_ folder: String, _ label: Int, within root: String, depth: Int) throws {
    _ = try Self.resolved(folder, within: root)
    for name in try Self.names(in: folder) {
      let path = "\(folder)/\(name)"
      if Self.isFolder(path) {
        guard depth < Self.deepest else {
          throw DatasetError.badFile(path: path, problem: "more than \(Self.deepest) folders lie within each other")
        }
        try collect(path, label, within: root, depth: depth + 1)
      } else if kind.extensions.contains((name as NSString).pathExtension.lowercased()) {
        if Self.isLink(path) { _ = try Self.resolved(path, within: root) }
        files.append((path, label))
      } else {
        others += 1
      }
    }
  }

  /// Names that differ in the case of letters or in their Unicode form alone are one name on other systems.
  private func checkNames() throws {
    var seen: [String: String] = [:]
    for name in classes {
      let key = name.precomposedStringWithCompatibilityMapping.lowercased().trimmingCharacters(in: .whitespacesAndNewlines)
      if let other = seen[key] {
        throw DatasetError.badFile(path: path, problem: "the class folders \(other.quoted) and \(name.quoted) have one name")
      }
      seen[key] = name
    }
  }

  /// Names of a folder's entries without hidden ones, in the order of their bytes.
  private static func names(in path: String) throws -> [String] {
    try Folder.names(in: path).filter { !$0.hasPrefix(".") }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private static func isLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Returns the path without links.
  ///
  /// - Throws: `DatasetError.badFile` if it leads nowhere, or out of the root.
  private static func resolved(_ path: String, within root: String?) throws -> String {
    guard let start = realpath(path, nil) else { throw FileError(.read, path, code: errno) }
    defer { free(start) }
    let found = String(cString: start)
    if let root, found != root, !found.hasPrefix(root == "/" ? root : root + "/") {
      throw DatasetError.badFile(path: path, problem: "it is a link out of the data set's folder")
    }
    return found
  }
}

/// Labels in a list instead of folders: Tiny ImageNet's `val_annotations.txt`, whose images lie in a folder `images`, or, where there are no
/// folders, `labels.tsv`, whose images lie beside it. Each line is `NAME⇥CLASS⇥…`, and a first line that begins with `file` a heading. Classes that are all whole numbers are
/// the network's outputs, from 0.
private struct Annotations {
  let classes: [String]
  let files: [(path: String, label: Int)]
  let isNumbered: Bool

  /// Reads Tiny ImageNet's list; nil if there is none.
  init?(_ folder: String) throws { try self.init("\(folder)/val_annotations.txt", of: "\(folder)/images", canBeNumbered: false) }

  /// Reads `labels.tsv`; nil if there is none.
  init?(listIn folder: String) throws { try self.init("\(folder)/labels.tsv", of: folder, canBeNumbered: true) }

  private init?(_ list: String, of folder: String, canBeNumbered: Bool) throws {
    guard FileManager.default.fileExists(atPath: list) else { return nil }
    var entries: [(name: String, label: String)] = []
    for (number, line) in try RegularFile.text(list, limit: 1 << 26).split(separator: "\n").enumerated() {
      let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
      if canBeNumbered, number == 0, parts.first == "file" { continue }
      guard parts.count >= 2, !parts[0].isEmpty, !parts[1].isEmpty, !parts[0].contains("/") else {
        throw DatasetError.badFile(path: list, problem: "line \(number + 1) is not a file's name, a tab and a class")
      }
      entries.append((String(parts[0]), String(parts[1])))
    }
    guard !entries.isEmpty else { throw DatasetError.badFile(path: list, problem: "it names no images") }
    let numbers = entries.compactMap { Int($0.label).flatMap { (0..<100_000).contains($0) ? $0 : nil } }
    isNumbered = canBeNumbered && numbers.count == entries.count
    // 007 is 7.
    if isNumbered { for index in entries.indices { entries[index].label = "\(numbers[index])" } }
    let names = Set(entries.map(\.label)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let labels = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    classes = names
    files = entries.compactMap { entry in labels[entry.label].map { ("\(folder)/\(entry.name)", $0) } }
      .sorted { ($0.label, $0.path) < ($1.label, $1.path) }
  }
}
