internal import Foundation
internal import Interruptions
internal import Words

extension OwnData {
  /// `folder:DIR`: a folder of JPEG and PNG images for each class, in DIR itself or in DIR/train, DIR/val and DIR/test.
  ///
  /// A list `labels.tsv` beside the images of a part says what they show instead of folders.
  ///
  /// Images that lie in DIR itself, or in DIR/train, have no labels, which is enough for calibration and distillation.
  ///
  /// Images are turned as their EXIF orientation says, scaled until they cover what the network takes, and cut to the middle. Without
  /// `test`, results are reported on `val`. Few images are decoded at once, many as they are needed.
  static let folder = OwnData(
    prefix: "folder", place: "DIR", summary: "a folder of JPEG and PNG images for each class, or such folders in train, val and test",
    files: .images
  ) { path, request in
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    guard let shape = request.shape else {
      throw DatasetError.badRequest("folder:\(path): which size do the images get? give --image-size, e.g. --image-size 64")
    }
    guard shape.count == 3, [1, 3].contains(shape[0]), shape.allSatisfy({ (1...4096).contains($0) }) else {
      throw DatasetError.badRequest(
        "images of \(shape.map(String.init).joined(separator: "×")) are impossible: 1 or 3 channels, and 1 to 4096 pixels a side, are possible"
      )
    }
    let side = min(shape[1], shape[2])
    let resize = request.resize ?? side
    guard (side...2 * 4096).contains(resize) else {
      throw DatasetError.badRequest(
        "--resize \(resize) is impossible: the network takes \(shape[1])×\(shape[2]) pixels, so give \(side) to \(2 * 4096)")
    }
    let loader = FolderLoader(
      root: path, shape: shape, stored: [shape[0], shape[1] + resize - side, shape[2] + resize - side], request: request)
    var parts = try loader.parts()
    parts.resize = resize > side ? resize : nil
    parts.augmentation = Augmentation(padding: resize > side ? 0 : min(max(side / 8, 1), 64), mirrors: true)
    return parts
  }
}

/// Finds and decodes the parts of a folder.
private struct FolderLoader {
  let root: String
  let shape: [Int]
  let stored: [Int]
  let request: OwnData.Request

  func parts() throws -> OwnData.Parts {
    func there(_ part: String) -> Bool { ClassFolder.isFolder("\(root)/\(part)") }
    guard there("train") || (request.onlyTest && (there("test") || there("val"))) else {
      let all = try folder(root)
      let classes = try names(of: all)
      var notes: [String] = []
      let set = try examples(all, classes, &notes)
      if request.onlyTest { request.note("\(root) has no folder test: all of its images are evaluated") }
      return request.onlyTest
        ? OwnData.Parts(training: nil, test: set, notes: notes) : OwnData.Parts(training: set, test: nil, notes: notes)
    }
    let training = request.onlyTest && request.classNames != nil ? nil : try folder("\(root)/train")
    let classes = try training.map(names) ?? request.classNames ?? []
    var others: [ClassFolder] = []
    for part in ["test", "val"] where there(part) {
      if isUnlabelled(part, classes) {
        request.note("\(root)/\(part) does not say what its images show: it is left out")
      } else {
        others.append(try ClassFolder("\(root)/\(part)", within: root))
      }
    }
    var notes: [String] = []
    let test = try others.first.map { try examples($0, classes, &notes) }
    if request.onlyTest { return OwnData.Parts(training: nil, test: test, notes: notes) }
    let validation = try others.dropFirst().first.map { try examples($0, classes, &notes) }
    return OwnData.Parts(
      training: try training.map { try examples($0, classes, &notes) }, validation: validation, test: test, notes: notes)
  }

  private func folder(_ path: String) throws -> ClassFolder {
    try ClassFolder(path, within: root, takesUnlabelled: request.takesUnlabelled && !request.onlyTest)
  }

  /// Whether all images of a part lie in one folder `images` that is no class, as those of Tiny ImageNet's test part.
  private func isUnlabelled(_ part: String, _ classes: [String]) -> Bool {
    let folder = "\(root)/\(part)"
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { ClassFolder.isFolder("\(folder)/\($0)") }
    return names == ["images"] && !classes.contains("images")
      && !FileManager.default.fileExists(atPath: "\(folder)/val_annotations.txt")
  }

  /// Returns the names of the classes: the network's, or those found in the folder.
  private func names(of folder: ClassFolder) throws -> [String] {
    if let names = request.classNames { return names }
    // Those of a test part say what the network tells apart.
    if folder.isUnlabelled { return request.names(for: 0) }
    if folder.isNumbered { return request.names(for: (folder.classes.compactMap { Int($0) }.max() ?? 0) + 1) }
    guard folder.classes.count > 1 else {
      throw DatasetError.badFile(
        path: folder.path, problem: "it holds a single class, \((folder.classes.first ?? "").quoted): at least two are needed")
    }
    return folder.classes
  }

  private func examples(_ folder: ClassFolder, _ classes: [String], _ notes: inout [String]) throws -> ExampleSet {
    let indices = Dictionary(classes.enumerated().map { ($1, Int64($0)) }, uniquingKeysWith: { first, _ in first })
    let labels: [Int64] =
      try folder.isUnlabelled
      ? [0]
      : folder.classes.map { name in
        let number = folder.isNumbered ? Int64(name).flatMap { $0 < classes.count ? $0 : nil } : nil
        guard let index = number ?? indices[name] else {
          let known = classes.prefix(8).map(\.quoted).joined(separator: ", ") + (classes.count > 8 ? ", …" : "")
          throw DatasetError.badFile(path: "\(folder.path)/\(name)", problem: "the network knows no such class; it knows \(known)")
        }
        return index
      }
    if folder.others > 0 {
      request.note("\(folder.path): \(folder.others) files are no images by their names (.jpg, .jpeg, .png) and are left out")
    }
    let decoded = try DecodedImages(
      ImageFiles(paths: folder.files.map(\.path), shape: stored, isReversed: request.reversesChannels), skipsBroken: request.skipsBroken,
      memoryLimit: request.memoryLimit)
    if !decoded.broken.isEmpty {
      notes.append(folder.kind.leftOut(decoded.broken, of: folder.files.count))
      request.note("\(folder.path): \(notes[notes.count - 1])")
    }
    let kept = decoded.kept.map { labels[folder.files[$0].label] }
    let left = Set(kept)
    if let lost = folder.classes.indices.first(where: { !left.contains(labels[$0]) }) {
      throw DatasetError.badFile(path: "\(folder.path)/\(folder.classes[lost])", problem: "all images of this class are broken")
    }
    let set = ExampleSet(
      storage: decoded.storage, labels: kept, shape: shape, storedShape: stored, classNames: classes, name: "folder:\(root)")
    return folder.isUnlabelled ? set.withoutLabels() : set
  }
}

/// Images that have been checked, in memory if they fit.
private struct DecodedImages {
  let storage: ExampleStorage
  /// Indices of the files whose images are there.
  let kept: [Int]
  /// What is wrong with the others.
  let broken: [DatasetError]

  /// Decodes all images, or those that must be checked; with many threads.
  ///
  /// - Throws: `DatasetError.badFile` of the first broken image, unless broken ones are left out; `Interrupted`.
  init(_ files: ImageFiles, skipsBroken: Bool, memoryLimit: Int) throws {
    let size = files.shape.reduce(1, *)
    let failures = BrokenFiles(count: files.count)
    func all(_ body: @Sendable (Int) throws -> Void) throws {
      for start in stride(from: 0, to: files.count, by: 512) {
        try Interruption.check()
        try inParallel(min(512, files.count - start)) { index in
          do { try body(start + index) } catch let error as DatasetError where skipsBroken { failures.add(error, at: start + index) } catch
          {
            if case DatasetError.badFile(let path, let problem) = error {
              throw DatasetError.badFile(path: path, problem: "\(problem); --skip-broken leaves broken images out")
            }
            throw error
          }
        }
      }
    }
    if files.count <= memoryLimit / size {
      let decoded = try ByteStorage(count: files.count * size, path: files.paths.first ?? "") { buffer in
        let target = UncheckedBuffer(UnsafeMutableRawBufferPointer(buffer))
        try all { try files.read($0, into: target[$0 * size, size]) }
        // What follows a broken image moves up.
        var end = 0
        for index in 0..<files.count where failures[index] == nil {
          if end != index {
            UnsafeMutableRawBufferPointer(buffer).slice(end, size).copyMemory(
              from: .init(UnsafeMutableRawBufferPointer(buffer).slice(index, size)))
          }
          end += 1
        }
      }
      storage = .bytes(decoded)
    } else {
      // To leave images out later would change the order of all that follow: they are found now.
      try all { index in
        guard skipsBroken else { return try files.check(index) }
        var scratch = [UInt8](repeating: 0, count: size)
        try scratch.withUnsafeMutableBytes { try files.read(index, into: $0) }
      }
      let paths = files.paths.indices.filter { failures[$0] == nil }.map { files.paths[$0] }
      storage = .read(CachedExamples(ImageFiles(paths: paths, shape: files.shape, isReversed: files.isReversed), memoryLimit: memoryLimit))
    }
    kept = (0..<files.count).filter { failures[$0] == nil }
    broken = (0..<files.count).compactMap { failures[$0] }
  }
}

extension UnsafeMutableRawBufferPointer {
  fileprivate func slice(_ index: Int, _ size: Int) -> UnsafeMutableRawBufferPointer {
    .init(rebasing: self[(index * size)..<((index + 1) * size)])
  }
}

// Sendable by hand: everything is accessed under `lock`.
private final class BrokenFiles: @unchecked Sendable {
  private let lock = NSLock()
  private var errors: [DatasetError?]

  init(count: Int) { errors = Array(repeating: nil, count: count) }

  func add(_ error: DatasetError, at index: Int) { lock.withLock { errors[index] = error } }

  subscript(index: Int) -> DatasetError? { lock.withLock { errors[index] } }
}
