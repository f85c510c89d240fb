import Foundation
import Testing

@testable import Datasets

@Suite struct BadInputTests {
  private func loading(_ folder: TemporaryFolder, _ name: String = "mnist") -> String {
    message { _ = try Dataset.load(name: name, dataDirectory: folder.path) }
  }

  @Test func missingFilesAreListedWithTheCommandThatFetchesThem() throws {
    let folder = try TemporaryFolder()
    #expect(
      loading(folder)
        == "mnist is not in \(folder.path): looked for mnist/train-images-idx3-ubyte.gz, mnist/train-labels-idx1-ubyte.gz, "
        + "mnist/t10k-images-idx3-ubyte.gz, mnist/t10k-labels-idx1-ubyte.gz; "
        + "run \"espalier data fetch mnist --data-dir \(folder.path)\"")
    try writeMNIST(folder)
    try FileManager.default.removeItem(atPath: "\(folder.path)/mnist/t10k-labels-idx1-ubyte.gz")
    #expect(
      loading(folder)
        == "mnist is incomplete in \(folder.path): missing mnist/t10k-labels-idx1-ubyte.gz; "
        + "run \"espalier data fetch mnist --data-dir \(folder.path)\"")
  }

  @Test func truncatedAndCorruptGzip() throws {
    let folder = try TemporaryFolder()
    try writeMNIST(folder)
    let whole = try gzipped(idx([5, 28, 28], (0..<3920).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }))
    let path = try folder.write("mnist/train-images-idx3-ubyte.gz", Array(whole.dropLast(40)))
    #expect(loading(folder) == "\(path): ends in the middle of its compressed data; the file is cut short")
    var flipped = whole
    flipped[whole.count - 6] ^= 0x40
    try folder.write("mnist/train-images-idx3-ubyte.gz", flipped)
    #expect(loading(folder) == "\(path): its compressed data are corrupt (incorrect data check)")
    try folder.write("mnist/train-images-idx3-ubyte.gz", Array(whole.prefix(1)))
    #expect(loading(folder) == "\(path): is too short for an IDX file: 1 bytes")
  }

  @Test func everyTruncationIsAnError() throws {
    let folder = try TemporaryFolder()
    let whole = try gzipped(idx([2, 3, 3], Array(1...18)))
    for length in 0..<whole.count {
      let path = try folder.write("images.gz", Array(whole.prefix(length)))
      #expect(throws: DatasetError.self, "\(length) bytes") { try IDX(path: path, rank: 3).elements() }
    }
  }

  @Test func wrongMagic() throws {
    let folder = try TemporaryFolder()
    try writeMNIST(folder)
    let path = try folder.write("mnist/train-images-idx3-ubyte.gz", gzipped(idx([5], [0, 1, 2, 3, 4])))
    #expect(loading(folder) == "\(path): is not an IDX file of images: it begins 00 00 08 01, not 00 00 08 03")
  }

  @Test func sizesThatDoNotFit() throws {
    let folder = try TemporaryFolder()
    try writeMNIST(folder)
    let images = "mnist/train-images-idx3-ubyte.gz"
    let path = "\(folder.path)/\(images)"
    try folder.write(images, gzipped(idx([5, 27, 28], [UInt8](repeating: 1, count: 5 * 27 * 28))))
    #expect(loading(folder) == "\(path): images of 27×28 pixels: mnist has 28×28")
    try folder.write(images, gzipped(idx([4, 28, 28], [UInt8](repeating: 1, count: 4 * 784))))
    #expect(loading(folder) == "\(folder.path)/mnist/train-labels-idx1-ubyte.gz: 5 labels for the 4 images of \(path)")
    try folder.write(images, gzipped(idx([5, 28, 28], [UInt8](repeating: 1, count: 3919))))
    #expect(loading(folder) == "\(path): ends after 3919 of the 3920 bytes that its header promises")
    try folder.write(images, gzipped(idx([5, 28, 28], [UInt8](repeating: 1, count: 3921))))
    #expect(loading(folder) == "\(path): goes on after the 3920 bytes that its header promises")
    try folder.write(images, Array(idx([5, 28, 28], []).prefix(9)))
    #expect(loading(folder) == "\(path): ends within its header; the file is cut short")
  }

  @Test func hugeCountsAllocateNothing() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("huge", idx([0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF], [1, 2, 3]))
    let problem = "says that it holds 4294967295×4294967295×4294967295 bytes, more than a file of 19 bytes can"
    #expect(message { _ = try IDX(path: path, rank: 3).elements() } == "\(path): \(problem)")
    let packed = try folder.write("huge.gz", gzipped(idx([0xFFFF_FFFF, 28, 28], [1, 2, 3])))
    #expect(message { _ = try IDX(path: packed, rank: 3).elements() }.contains("says that it holds 4294967295×28×28 bytes, more than"))
  }

  @Test func labelsOutsideTheClasses() throws {
    let folder = try TemporaryFolder()
    try writeMNIST(folder, count: 20)
    let path = try folder.write(
      "mnist/train-labels-idx1-ubyte.gz", gzipped(idx([20], (0..<20).map { $0 == 17 ? 10 : UInt8($0 % 10) })))
    #expect(loading(folder) == "\(path): label 10 at example 17: mnist has 10 classes, 0…9")
    for part in ["train", "test"] {
      try folder.write("emnist/emnist-letters-\(part)-images-idx3-ubyte.gz", idx([1, 28, 28], [UInt8](repeating: 0, count: 784)))
      try folder.write("emnist/emnist-letters-\(part)-labels-idx1-ubyte.gz", idx([1], [0]))
    }
    #expect(
      loading(folder, "emnist-letters")
        == "\(folder.path)/emnist/emnist-letters-train-labels-idx1-ubyte.gz: label 0 at example 0: emnist-letters has 26 classes, 1…26")
  }

  @Test func damagedCIFAR() throws {
    let folder = try TemporaryFolder()
    for batch in 1...5 { try folder.write("cifar-10-batches-bin/data_batch_\(batch).bin", [UInt8](repeating: 1, count: 3073)) }
    try folder.write("cifar-10-batches-bin/test_batch.bin", [UInt8](repeating: 1, count: 3073))
    let path = try folder.write("cifar-10-batches-bin/data_batch_3.bin", [UInt8](repeating: 1, count: 3000))
    #expect(loading(folder, "cifar-10") == "\(path): 3000 bytes are not whole records of 3073 bytes")
    try folder.write(
      "cifar-10-batches-bin/data_batch_3.bin", [1] + [UInt8](repeating: 0, count: 3072) + [10] + [UInt8](repeating: 0, count: 3072))
    #expect(loading(folder, "cifar-10") == "\(path): label 10 at example 1: cifar-10 has 10 classes, 0…9")
  }

  /// Mutations of good files: an error or a set, never a trap.
  @Test func mutatedFilesNeverTrap() throws {
    let folder = try TemporaryFolder()
    let plain = idx([3, 4, 4], (0..<48).map { UInt8($0) })
    let packed = try gzipped(plain)
    for seed in 0..<600 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      var bytes = seed % 2 == 0 ? plain : packed
      for _ in 0...generator.next(below: 3) { bytes[Int(generator.next(below: UInt64(bytes.count)))] = UInt8(generator.next(below: 256)) }
      let path = try folder.write("file", Array(bytes.prefix(Int(generator.next(below: UInt64(bytes.count) + 1)) + 8)))
      do {
        let file = try IDX(path: path, rank: 3)
        #expect(try file.elements().count == file.dimensions.reduce(1, *), "seed \(seed)")
      } catch is DatasetError {
      } catch {
        Issue.record("seed \(seed): \(error)")
      }
    }
  }

  @Test func folderInPlaceOfAFile() throws {
    let folder = try TemporaryFolder()
    try writeMNIST(folder)
    let path = "\(folder.path)/mnist/train-images-idx3-ubyte.gz"
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    #expect(loading(folder) == "\(path): can't be read: it is a folder")
  }

  /// A pipe would never begin, a link to a device never end.
  @Test func pipesAndDevicesInPlaceOfFiles() throws {
    for name in ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"] {
      for kind in ["pipe", "device"] {
        let folder = try TemporaryFolder()
        try writeMNIST(folder)
        let path = "\(folder.path)/mnist/\(name)"
        try FileManager.default.removeItem(atPath: path)
        if kind == "pipe" {
          #expect(mkfifo(path, 0o600) == 0)
        } else {
          try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/zero")
        }
        #expect(loading(folder) == "\(path): can't be read: it is not a file", "\(kind)")
        let report = try Dataset.verify(Dataset.named("mnist"), in: folder.path).first { $0.path == path }
        #expect(report?.state == .corrupt("can't be read: it is not a file"), "\(kind)")
      }
    }
  }

  @Test func impossibleSets() {
    #expect(
      message { _ = try ExampleSet(bytes: [1, 2, 3], labels: [0], channels: 1, height: 2, width: 2, classNames: ["a"]) }
        == "1 images of 1×2×2 need 4 bytes, not 3")
    #expect(
      message { _ = try ExampleSet(bytes: [1], labels: [1], channels: 1, height: 1, width: 1, classNames: ["a"]) }
        == "label 1 at example 0: images has 1 classes")
    #expect(
      message {
        _ = try ExampleSet(bytes: [], labels: [], channels: 4_194_305, height: 4_194_305, width: 211_106_198_978_564, classNames: [])
      }
        == "images of 4194305×4194305×211106198978564 are impossible")
  }
}
