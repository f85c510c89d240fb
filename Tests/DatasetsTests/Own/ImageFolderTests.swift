import Foundation
import Testing
import TestSupport

@testable import Datasets

/// Data sets of one's own in a folder of images.
@Suite struct ImageFolderTests {
  /// A 2 × 2 PNG of one shade of grey.
  private func shade(_ value: UInt8) throws -> [UInt8] { try png(width: 2, height: 2, [value, value, value, value]) }

  private func load(
    _ folder: TemporaryFolder, _ part: String = "", _ change: (inout OwnData.Request) -> Void = { _ in }
  ) throws -> OwnData.Parts {
    var request = OwnData.Request()
    request.shape = [1, 2, 2]
    change(&request)
    return try #require(try OwnData.named("folder:\(folder.path)\(part)")).load(request)
  }

  private func problem(
    _ folder: TemporaryFolder, _ part: String = "", _ change: (inout OwnData.Request) -> Void = { _ in }
  ) -> String {
    message { _ = try load(folder, part, change) }.replacingOccurrences(of: folder.path, with: "DIR")
  }

  /// Two classes, `b` with an image further down, and things that are no images.
  private func plain() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write("b/1.png", shade(10))
    try folder.write("b/more/2.PNG", shade(20))
    try folder.write("a/x.jpeg", shade(30))
    try folder.write("a/.DS_Store", [1])
    try folder.write("a/notes.txt", [1])
    try folder.write("words.txt", [1])
    return folder
  }

  @Test func classesInOrderOfTheirNames() throws {
    var notes: [String] = []
    let folder = try plain()
    let parts = try load(folder) { $0.note = { notes.append($0) } }
    let set = try #require(parts.training)
    #expect(set.classNames == ["a", "b"] && set.labels == [0, 1, 1] && parts.test == nil && parts.validation == nil)
    #expect(try (0..<3).map { try set.image(at: $0) } == [30, 10, 20].map { Array(repeating: $0, count: 4) })
    #expect(set.isResident && set.name == "folder:\(folder.path)" && parts.resize == nil)
    #expect(parts.augmentation == Augmentation(padding: 1, mirrors: true))
    #expect(notes == ["\(folder.path): 2 files are no images by their names (.jpg, .jpeg, .png) and are left out"])
    // A slash at the end changes nothing.
    #expect(try load(folder, "/").training?.name == set.name)
  }

  @Test func partsOfAFolder() throws {
    let folder = try TemporaryFolder()
    for (part, shades) in [("train", [10, 20]), ("val", [30, 40]), ("test", [50, 60])] as [(String, [UInt8])] {
      try folder.write("\(part)/a/1.png", shade(shades[0]))
      try folder.write("\(part)/b/1.png", shade(shades[1]))
    }
    func firsts(_ set: ExampleSet?) throws -> [UInt8]? { try set.map { set in try (0..<set.count).map { try set.image(at: $0)[0] } } }
    let parts = try load(folder)
    #expect(try firsts(parts.training) == [10, 20] && firsts(parts.validation) == [30, 40] && firsts(parts.test) == [50, 60])
    let tests = try load(folder) { $0.onlyTest = true }
    #expect(try tests.training == nil && tests.validation == nil && firsts(tests.test) == [50, 60])
    // Without test, val stands in for it, and there is no validation part.
    try FileManager.default.removeItem(atPath: "\(folder.path)/test")
    let two = try load(folder)
    #expect(try two.validation == nil && firsts(two.test) == [30, 40])
    try folder.write("val/c/1.png", shade(1))
    #expect(problem(folder) == "DIR/val/c: the network knows no such class; it knows \"a\", \"b\"")
  }

  /// The labels are places among the network's classes, of which a folder may hold some.
  @Test func classesOfTheNetwork() throws {
    let folder = try plain()
    let set = try #require(try load(folder) { $0.classNames = ["z", "b", "a"] }.training)
    #expect(set.labels == [2, 1, 1] && set.classes == 3)
    #expect(problem(folder) { $0.classNames = ["b", "c"] } == "DIR/a: the network knows no such class; it knows \"b\", \"c\"")
  }

  /// Images that lie in the folder itself, or in its part train, say nothing of what they show.
  @Test func imagesWithoutClasses() throws {
    let folder = try TemporaryFolder()
    for (name, value) in [("2.png", 20), ("1.png", 10), ("notes.txt", 0)] { try folder.write(name, shade(UInt8(value))) }
    let expected =
      "DIR: there is no folder of a class in it; images are expected in DIR/CLASS, or in DIR/train/CLASS and so on"
    #expect(problem(folder) == expected)
    #expect(problem(folder) { ($0.takesUnlabelled, $0.onlyTest) = (true, true) } == expected)
    let set = try #require(
      try load(folder) {
        $0.takesUnlabelled = true
        $0.outputs = 5
      }.training)
    #expect(!set.isLabelled && set.classNames == ["0", "1", "2", "3", "4"] && set.labels == [0, 0])
    #expect(try (0..<2).map { try set.image(at: $0)[0] } == [10, 20])
    // A folder of a class says that others are meant to be in one, too.
    try folder.write("a/1.png", shade(1))
    try folder.write("b/1.png", shade(2))
    var notes: [String] = []
    let classes = try load(folder) {
      $0.takesUnlabelled = true
      $0.note = { notes.append($0) }
    }.training
    #expect(classes?.isLabelled == true && classes?.count == 2)
    #expect(notes == ["\(folder.path): 3 files are no images by their names (.jpg, .jpeg, .png) and are left out"])
    // With parts, those that judge have labels.
    let parted = try TemporaryFolder()
    try parted.write("train/1.png", shade(10))
    try parted.write("test/a/1.png", shade(20))
    let parts = try load(parted) { ($0.takesUnlabelled, $0.classNames) = (true, ["a", "b"]) }
    #expect(parts.training?.isLabelled == false && parts.test?.isLabelled == true && parts.test?.labels == [0])
  }

  /// A list in place of folders: classes by name, or the network's outputs by number.
  @Test func classesOfAList() throws {
    let folder = try TemporaryFolder()
    for (name, value) in [("2.png", 20), ("1.png", 10), ("0.png", 0)] { try folder.write(name, shade(UInt8(value))) }
    func write(_ list: String) throws { try folder.write("labels.tsv", Array(list.utf8)) }
    func firsts(_ set: ExampleSet?) throws -> [UInt8]? { try set.map { set in try (0..<set.count).map { try set.image(at: $0)[0] } } }
    try write("file\tclass\twords\n1.png\tdog\tx\n2.png\tcat\n")
    let named = try #require(try load(folder).training)
    #expect(try named.classNames == ["cat", "dog"] && named.labels == [0, 1] && firsts(named) == [20, 10] && named.isLabelled)
    try write("1.png\t7\n2.png\t03\n0.png\t7\n")
    let numbered = try #require(try load(folder) { $0.outputs = 10 }.training)
    #expect(try numbered.classes == 10 && numbered.labels == [3, 7, 7] && firsts(numbered) == [20, 0, 10])
    #expect(try load(folder).training?.classes == 8)
    let words = (0..<9).map { "class \($0)" }
    #expect(try load(folder) { $0.classNames = words }.training?.labels == [3, 7, 7])
    #expect(try load(folder) { ($0.onlyTest, $0.outputs) = (true, 10) }.test?.labels == [3, 7, 7])
    #expect(problem(folder) { $0.classNames = ["a", "b"] } == "DIR/3: the network knows no such class; it knows \"a\", \"b\"")
    try write("1.png\n")
    #expect(problem(folder) == "DIR/labels.tsv: line 1 is not a file's name, a tab and a class")
    try write("../1.png\t1\n")
    #expect(problem(folder) == "DIR/labels.tsv: line 1 is not a file's name, a tab and a class")
    try write("file\tclass\n")
    #expect(problem(folder) == "DIR/labels.tsv: it names no images")
    // Folders of classes need no list.
    try folder.write("a/1.png", shade(1))
    try folder.write("b/1.png", shade(2))
    #expect(try load(folder).training?.classNames == ["a", "b"])
  }

  @Test(arguments: [1 << 20, 0]) func channelsInCaffesOrder(memoryLimit: Int) throws {
    let folder = try TemporaryFolder()
    // Red, green and blue of two pixels.
    let pixels: [UInt8] = [1, 2, 3, 4, 5, 6]
    for name in ["a/1.png", "b/1.png"] { try folder.write(name, png(width: 2, height: 1, pixels, isColour: true)) }
    func first(_ isReversed: Bool) throws -> [UInt8]? {
      try load(folder) { request in
        request.shape = [3, 1, 2]
        request.reversesChannels = isReversed
        request.memoryLimit = memoryLimit
      }.training?.image(at: 0)
    }
    #expect(try first(false) == [1, 4, 2, 5, 3, 6])
    #expect(try first(true) == [3, 6, 2, 5, 1, 4])
  }

  /// A larger image is stored for crops; grey and colour become what is wanted.
  @Test func sizesAndColours() throws {
    let folder = try TemporaryFolder()
    try folder.write("a/1.png", png(width: 4, height: 4, (0..<16).map { $0 }))
    try folder.write("b/1.png", shade(7))
    let parts = try load(folder) { request in
      request.shape = [3, 2, 2]
      request.resize = 4
    }
    let set = try #require(parts.training)
    #expect(parts.resize == 4 && set.shape == [3, 2, 2] && set.storedShape == [3, 4, 4] && !set.isResident)
    #expect(parts.augmentation == Augmentation(padding: 0, mirrors: true))
    #expect(try set.image(at: 0) == [5, 6, 9, 10, 5, 6, 9, 10, 5, 6, 9, 10])
    #expect(
      problem(folder) { $0.resize = 1 } == "--resize 1 is impossible: the network takes 2×2 pixels, so give 2 to 8192")
    #expect(problem(folder) { $0.shape = nil } == "folder:DIR: which size do the images get? give --image-size, e.g. --image-size 64")
    #expect(
      problem(folder) { $0.shape = [2, 8, 8] }
        == "images of 2×8×8 are impossible: 1 or 3 channels, and 1 to 4096 pixels a side, are possible")
  }

  /// Few images are decoded at once, many when they are needed; they are the same.
  @Test func imagesBeyondTheLimitOfMemory() throws {
    let folder = try TemporaryFolder()
    for index in 0..<30 { try folder.write("\(index % 2 == 0 ? "a" : "b")/\(index + 10).png", shade(UInt8(index))) }
    let sets = try [1 << 20, 10].map { limit in try #require(try load(folder) { $0.memoryLimit = limit }.training) }
    #expect(sets[0].isResident && !sets[1].isResident && sets[0].labels == sets[1].labels)
    for index in 0..<30 { #expect(try sets[0].image(at: index) == sets[1].image(at: index)) }
    #expect(try sets[0].meanAndDeviation() == sets[1].meanAndDeviation())
    #expect(try sets[1].fingerprint == load(folder) { $0.memoryLimit = 0 }.training?.fingerprint)
    // Another file, another fingerprint, even of the same pixels.
    let before = try sets[1].fingerprint
    try folder.write("a/10.png", shade(0) + [0])
    #expect(try sets[1].fingerprint != before)
  }

  @Test(arguments: [1 << 20, 0]) func brokenImages(memoryLimit: Int) throws {
    let folder = try plain()
    try folder.write("b/0.jpg", [])
    try folder.write("b/3.jpg", Array("text".utf8))
    #expect(problem(folder) { $0.memoryLimit = memoryLimit } == "DIR/b/0.jpg: it is empty; --skip-broken leaves broken images out")
    let parts = try load(folder) {
      $0.memoryLimit = memoryLimit
      $0.skipsBroken = true
    }
    let set = try #require(parts.training)
    #expect(set.labels == [0, 1, 1])
    #expect(try (0..<3).map { try set.image(at: $0)[0] } == [30, 10, 20])
    #expect(
      parts.notes.map { $0.replacingOccurrences(of: folder.path, with: "DIR") } == [
        "2 broken images of 5 left out: DIR/b/0.jpg: it is empty; DIR/b/3.jpg: it is neither a JPEG nor a PNG image"
      ])
    try folder.write("a/x.jpeg", [])
    #expect(
      problem(folder) {
        $0.memoryLimit = memoryLimit
        $0.skipsBroken = true
      } == "DIR/a: all images of this class are broken")
  }

  @Test func hostileFolders() throws {
    let folder = try plain()
    try FileManager.default.createDirectory(atPath: "\(folder.path)/c", withIntermediateDirectories: true)
    #expect(problem(folder) == "DIR/c: there is no image in this class folder (.jpg, .jpeg or .png)")
    try folder.write("c/1.png", shade(1))
    try folder.write("C/1.png", shade(1))
    #expect(problem(folder) == "DIR: the class folders \"C\" and \"c\" have one name")
    try FileManager.default.removeItem(atPath: "\(folder.path)/C")
    // One letter, and a letter with an accent after it.
    try folder.write("\u{E9}/1.png", shade(1))
    try folder.write("e\u{301}/1.png", shade(1))
    #expect(problem(folder).hasSuffix("have one name"))
    for name in ["\u{E9}", "e\u{301}"] { try FileManager.default.removeItem(atPath: "\(folder.path)/\(name)") }

    let other = try TemporaryFolder()
    try other.write("secret.png", shade(1))
    func link(_ name: String, to target: String) throws {
      try FileManager.default.createSymbolicLink(atPath: "\(folder.path)/\(name)", withDestinationPath: target)
    }
    for (name, target) in [("a/link.png", "\(other.path)/secret.png"), ("d", other.path), ("a/e", other.path)] {
      try link(name, to: target)
      #expect(problem(folder) == "DIR/\(name): it is a link out of the data set's folder")
      try FileManager.default.removeItem(atPath: "\(folder.path)/\(name)")
    }
    try link("a/gone.png", to: "nowhere")
    #expect(problem(folder) == "cannot read DIR/a/gone.png: No such file or directory")
    try FileManager.default.removeItem(atPath: "\(folder.path)/a/gone.png")
    try link("a/loop", to: "..")
    #expect(problem(folder).hasSuffix("more than 16 folders lie within each other"))
    try FileManager.default.removeItem(atPath: "\(folder.path)/a/loop")
    // A link within the folder is as good as a file, and a strange name as any.
    try link("a/again.png", to: "../b/1.png")
    try folder.write("a/new\nline.png", shade(9))
    #expect(try load(folder).training?.count == 6)
    #expect(mkfifo("\(folder.path)/a/pipe.png", 0o600) == 0)
    #expect(problem(folder) == "DIR/a/pipe.png: it is not a file; --skip-broken leaves broken images out")
  }

  @Test func foldersOfNoClasses() throws {
    let folder = try TemporaryFolder()
    try folder.write("1.png", shade(1))
    #expect(
      problem(folder)
        == "DIR: there is no folder of a class in it; images are expected in DIR/CLASS, or in DIR/train/CLASS and so on")
    try folder.write("a/1.png", shade(1))
    #expect(problem(folder) == "DIR: it holds a single class, \"a\": at least two are needed")
    #expect(problem(folder, "/none") == "cannot read DIR/none: No such file or directory")
    #expect(problem(folder, "/1.png") == "cannot read DIR/1.png: Not a directory")
  }

  /// Tiny ImageNet lists the classes of its validation images, and does not say those of its test images.
  @Test func tinyImageNetsLayout() throws {
    let folder = try TemporaryFolder()
    for (name, value) in [("n1", 1), ("n2", 2)] as [(String, UInt8)] { try folder.write("train/\(name)/images/0.png", shade(value)) }
    for index in 0..<3 { try folder.write("val/images/\(index).png", shade(UInt8(10 + index))) }
    try folder.write("test/images/0.png", shade(1))
    try folder.write("val/val_annotations.txt", Array("0.png\tn2\t0\t0\t63\t63\n1.png\tn1\t0\n2.png\tn2\n".utf8))
    let test = try #require(try load(folder).test)
    #expect(test.labels == [0, 1, 1])
    #expect(try (0..<3).map { try test.image(at: $0)[0] } == [11, 10, 12])
    try folder.write("val/val_annotations.txt", Array("0.png n2\n".utf8))
    #expect(problem(folder) == "DIR/val/val_annotations.txt: line 1 is not a file's name, a tab and a class")
    try folder.write("val/val_annotations.txt", Array("../../x.png\tn2\n".utf8))
    #expect(problem(folder) == "DIR/val/val_annotations.txt: line 1 is not a file's name, a tab and a class")
    try folder.write("val/val_annotations.txt", Array("9.png\tn2\n".utf8))
    #expect(problem(folder) == "cannot read DIR/val/images/9.png: No such file or directory")
  }
}
