import Foundation
import Testing

@testable import Datasets

@Suite struct DatasetTests {
  @Test func catalogueIsConsistent() throws {
    #expect(
      Dataset.all.map(\.name) == [
        "digits", "mnist", "fashion-mnist", "kmnist", "emnist-balanced", "emnist-byclass", "emnist-bymerge", "emnist-digits",
        "emnist-letters", "emnist-mnist", "cifar-10", "cifar-100",
      ])
    let classes = Dataset.all.map(\.classes)
    #expect(classes == [10, 10, 10, 10, 47, 62, 47, 10, 26, 10, 10, 100])
    for entry in Dataset.all {
      #expect(Set(entry.classNames).count == entry.classes, "\(entry.name)")
      try entry.normalization.validate(channels: entry.channels)
      #expect(entry.augmentation == (entry.name.hasPrefix("cifar") ? .cropAndFlip : .none))
      for file in entry.downloads {
        #expect(file.checksum.digits.count == 32)
        if case .md5 = file.checksum {} else { Issue.record("\(file.url): not md5") }
      }
    }
  }

  @Test func unknownNamesGetASuggestion() {
    let known = Dataset.all.map(\.name).joined(separator: ", ")
    #expect(
      message { _ = try Dataset.named("mnits") } == "unknown data set \"mnits\"; did you mean mnist? Known: \(known)")
    #expect(
      message { _ = try Dataset.named("cifar10") } == "unknown data set \"cifar10\"; did you mean cifar-10? Known: \(known)")
    #expect(message { _ = try Dataset.named("voices") } == "unknown data set \"voices\". Known: \(known)")
  }

  @Test(arguments: [
    ("voices", ". "), ("tiny-imgenet", "; did you mean tiny-imagenet? "), ("speech-command", "; did you mean speech-commands? "),
    ("folders:photos", "; did you mean folder:DIR? "), ("tensor:x.safetensors", "; did you mean tensors:FILE.safetensors? "),
    ("C:photos", ". "), (":", ". "),
  ])
  func whereAnythingIsPossibleAllOfItIsListed(name: String, hint: String) {
    #expect(
      message { _ = try Dataset.named(name, among: Dataset.possibleNames) }
        == "unknown data set \"\(name)\"\(hint)Known: digits, mnist, fashion-mnist, kmnist, emnist-balanced, emnist-byclass, "
        + "emnist-bymerge, emnist-digits, emnist-letters, emnist-mnist, cifar-10, cifar-100, tiny-imagenet, speech-commands, "
        + "speech-commands-12, speech-commands-12-mfcc, speech-commands-35, speech-commands-35-mfcc, folder:DIR, "
        + "tensors:FILE.safetensors, log-mel:DIR, mfcc:DIR")
  }

  @Test func whatIsFetchedIsPublished() {
    #expect(
      message { _ = try Dataset.named("folder2", among: Dataset.publishedNames) }
        == "unknown data set \"folder2\". Known: \(Dataset.publishedNames.joined(separator: ", "))")
    #expect(Dataset.publishedNames == Dataset.possibleNames.filter { !$0.contains(":") })
  }

  @Test func defaultDirectoryFollowsTheEnvironment() {
    #expect(Dataset.defaultDirectory(environment: ["ESPALIER_DATA_DIR": "/d", "XDG_DATA_HOME": "/x", "HOME": "/h"]) == "/d")
    #expect(Dataset.defaultDirectory(environment: ["ESPALIER_DATA_DIR": "", "XDG_DATA_HOME": "/x", "HOME": "/h"]) == "/x/espalier")
    #expect(Dataset.defaultDirectory(environment: ["HOME": "/h"]) == "/h/.local/share/espalier")
  }

  @Test func digitsLieInTheProgram() throws {
    let (train, test) = try Dataset.load(name: "digits", dataDirectory: "/nowhere")
    #expect(train.count == 1437 && test.count == 360)
    #expect(train.shape == [1, 8, 8] && !train.isPartial && !test.isPartial)
    #expect(zip(train.classCounts, test.classCounts).map { $0 + $1 } == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    // Each class gives 360/1797 of its own, rounded up or down.
    for (count, whole) in zip(test.classCounts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]) {
      #expect(abs(Double(count) - Double(whole) * 360 / 1797) < 1)
    }
    let (pixels, labels) = try Digits.values()
    // scikit-learn's load_digits().images[0], a zero.
    #expect(Array(pixels[..<16]) == [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0])
    #expect(Array(labels[..<12]) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])
    #expect(pixels.reduce(0) { $0 + Int($1) } == 561_718)
    let bytes = try Set((0..<train.count).flatMap { try train.image(at: $0) })
    #expect(bytes.sorted() == (0...16).map { UInt8((Double($0) * 255 / 16 + 0.5).rounded(.down)) })
  }

  @Test(arguments: [true, false]) func mnistLayoutLoads(compressed: Bool) throws {
    let folder = try TemporaryFolder()
    try writeMNIST(folder, compressed: compressed)
    let (train, test) = try Dataset.load(name: "mnist", dataDirectory: folder.path)
    #expect(train.count == 5 && test.count == 3)
    #expect(train.labels == [0, 1, 2, 3, 4])
    #expect(try train.image(at: 4).prefix(3) == [4, 5, 6])
    #expect(train.isPartial && train.partialNote == "mnist training: the files hold 5 of the 60000 published examples")
  }

  @Test func emnistIsTurnedUprightAndLettersCountFromOne() throws {
    let folder = try TemporaryFolder()
    // Stored pixel (x, y) of an upright image's pixel (y, x).
    var stored: [UInt8] = []
    for x in 0..<28 {
      for y in 0..<28 { stored.append(UInt8(x * 8 + y / 4)) }
    }
    for part in ["train", "test"] {
      try folder.write("emnist/emnist-letters-\(part)-images-idx3-ubyte.gz", gzipped(idx([1, 28, 28], stored)))
      try folder.write("emnist/emnist-letters-\(part)-labels-idx1-ubyte", idx([1], [26]))
    }
    let (train, _) = try Dataset.load(name: "emnist-letters", dataDirectory: folder.path)
    #expect(train.labels == [25] && train.classNames[25] == "Z")
    let image = try train.image(at: 0)
    for y in 0..<28 {
      for x in 0..<28 { #expect(image[y * 28 + x] == UInt8(x * 8 + y / 4)) }
    }
  }

  @Test func cifarLayoutsLoad() throws {
    let folder = try TemporaryFolder()
    func record(_ labels: [UInt8], _ value: UInt8) -> [UInt8] {
      labels + (0..<3).flatMap { plane in [UInt8](repeating: value + UInt8(plane), count: 1024) }
    }
    for batch in 1...5 {
      try folder.write("cifar-10-batches-bin/data_batch_\(batch).bin", record([UInt8(batch)], UInt8(batch * 10)) + record([9], 200))
    }
    try folder.write("cifar-10-batches-bin/test_batch.bin", record([3], 7))
    let (train, test) = try Dataset.load(name: "cifar-10", dataDirectory: folder.path)
    #expect(train.labels == [1, 9, 2, 9, 3, 9, 4, 9, 5, 9] && test.labels == [3])
    #expect(try train.image(at: 2) == Array(record([], 20)))
    #expect(test.partialNote == "cifar-10 test: the files hold 1 of the 10000 published examples")
    try folder.write("cifar-100-binary/train.bin", record([4, 71], 1) + record([19, 99], 2))
    try folder.write("cifar-100-binary/test.bin", record([0, 0], 3))
    let hundred = try Dataset.load(name: "cifar-100", dataDirectory: folder.path)
    // 71 is the fine label, 4 the coarse one.
    #expect(hundred.train.labels == [71, 99] && hundred.train.classNames[71] == "sea")
    #expect(hundred.test.classNames.first == "apple" && hundred.test.classNames.last == "worm")
  }

  @Test func debianFolderStandsInForFashionMNIST() throws {
    let description = try Dataset.named("fashion-mnist")
    #expect(description.folders.last == "/usr/share/datasets/fashion-mnist")
    guard FileManager.default.fileExists(atPath: "/usr/share/datasets/fashion-mnist") else { return }
    let (train, test) = try Dataset.load(name: "fashion-mnist", dataDirectory: "/nowhere")
    #expect(train.count == 60_000 && test.count == 10_000)
    #expect(train.labels.prefix(5) == [9, 0, 0, 3, 0])
  }
}
