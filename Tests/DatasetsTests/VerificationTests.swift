import Foundation
import TestSupport
import Testing

@testable import Datasets

@Suite struct VerificationTests {
  @Test func eachFileIsReported() throws {
    let folder = try TemporaryFolder()
    let description = try Dataset.named("mnist")
    #expect(try Dataset.verify(description, in: folder.path).map(\.state) == Array(repeating: .missing, count: 4))
    try writeMNIST(folder)
    try folder.write("mnist/train-labels-idx1-ubyte.gz", gzipped(idx([5], [0, 1, 2, 3, 10])))
    try FileManager.default.removeItem(atPath: "\(folder.path)/mnist/t10k-images-idx3-ubyte.gz")
    let reports = try Dataset.verify(description, in: folder.path)
    #expect(
      reports.map(\.name) == [
        "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz",
      ])
    #expect(
      reports.map(\.state) == [
        .readable("holds 5 of the 60000 published examples"), .corrupt("label 10 at example 4: mnist has 10 classes, 0…9"), .missing,
        .readable("holds 3 of the 10000 published examples"),
      ])
    #expect(reports[0].path == "\(folder.path)/mnist/train-images-idx3-ubyte.gz" && reports[2].path == nil)
    #expect(try Dataset.verify(Dataset.named("digits")).isEmpty)
  }

  /// A sparse file claims any size and costs nothing to make.
  private func sparse(_ path: String, _ size: UInt64, beginning: [UInt8] = []) throws {
    try FileManager.default.createDirectory(atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(beginning).write(to: URL(fileURLWithPath: path))
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.truncate(atOffset: size)
    try file.close()
  }

  @Test func sizesThatCannotBeRightAreRefusedUnread() throws {
    let folder = try TemporaryFolder()
    let before = residentBytes()
    try sparse("\(folder.path)/cifar-10-batches-bin/data_batch_1.bin", 3073 * (1 << 20))
    #expect(
      try Dataset.verify(Dataset.named("cifar-10"), in: folder.path)[0].state
        == .corrupt("3222274048 bytes are too many: the 10000 published examples have 30730000"))
    for name in ["data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"] {
      try folder.write("cifar-10-batches-bin/\(name)", [UInt8](repeating: 0, count: 3073))
    }
    #expect(
      message { _ = try Dataset.load(name: "cifar-10", dataDirectory: folder.path) }
        == "\(folder.path)/cifar-10-batches-bin/data_batch_1.bin: 3222274048 bytes are too many: the 10000 published examples have 30730000"
    )
    try writeMNIST(folder, compressed: false)
    let images = "\(folder.path)/mnist/train-images-idx3-ubyte"
    try sparse(images, 16 + 784 * 4_000_000, beginning: idx([4_000_000, 28, 28], []))
    #expect(
      try Dataset.verify(Dataset.named("mnist"), in: folder.path)[0].state
        == .corrupt("3136000016 bytes are too many: the 60000 published examples have 47040016"))
    #expect(
      message { _ = try Dataset.load(name: "mnist", dataDirectory: folder.path) }
        == "\(images): 3136000016 bytes are too many: the 60000 published examples have 47040016")
    // Small on the disk, large in memory.
    let bomb = try folder.write(
      "mnist/train-images-idx3-ubyte.gz", gzipped(idx([4_000_000, 28, 28], [UInt8](repeating: 0, count: 4_000_000))))
    try FileManager.default.removeItem(atPath: images)
    #expect(
      message { _ = try Dataset.load(name: "mnist", dataDirectory: folder.path) }
        == "\(bomb): says that it holds 4000000 examples, more than the 60000 published ones")
    if let before, let after = residentBytes() { #expect(after - before < 256 << 20) }
  }

  @Test func aDamagedFilesIntactNeighbourIsRead() throws {
    let folder = try TemporaryFolder()
    try writeMNIST(folder, compressed: false)
    try writeMNIST(folder)
    let (whole, _) = try Dataset.load(name: "mnist", dataDirectory: folder.path)
    let names = ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"].map { "\(folder.path)/mnist/\($0)" }
    for name in names {
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: name + ".gz")))
      try Data(bytes.dropLast(12)).write(to: URL(fileURLWithPath: name + ".gz"))
    }
    var notes: [String] = []
    let (train, test) = try Dataset.load(name: "mnist", dataDirectory: folder.path) { notes.append($0) }
    #expect(train.labels == whole.labels && train.count == 5 && test.count == 3)
    let cut = "ends in the middle of its compressed data; the file is cut short"
    #expect(
      notes == [
        "\(names[0]).gz: \(cut); train-images-idx3-ubyte beside it is read instead",
        "\(names[1]).gz: \(cut); t10k-labels-idx1-ubyte beside it is read instead",
      ])
    let report = try Dataset.verify(Dataset.named("mnist"), in: folder.path)[0]
    #expect(report.path == names[0])
    #expect(
      report.state
        == .readable("holds 5 of the 60000 published examples; the compressed file beside it is damaged: \(cut)"))
    // Where neither is whole, the one that was asked for first is told.
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: names[0]))
    notes = []
    #expect(message { _ = try Dataset.load(name: "mnist", dataDirectory: folder.path) { notes.append($0) } } == "\(names[0]).gz: \(cut)")
    #expect(notes.isEmpty)
    #expect(try Dataset.verify(Dataset.named("mnist"), in: folder.path)[0].state == .corrupt(cut))
  }

  @Test func cutCIFARIsCorrupt() throws {
    let folder = try TemporaryFolder()
    try folder.write("cifar-10-batches-bin/data_batch_1.bin", [UInt8](repeating: 0, count: 3072))
    let states = try Dataset.verify(Dataset.named("cifar-10"), in: folder.path).map(\.state)
    #expect(states == [.corrupt("3072 bytes are not whole records of 3073 bytes")] + Array(repeating: .missing, count: 5))
  }

  @Test(.enabled(if: RealData.isThere, "the collection of real data is not at hand")) func realFiles() throws {
    let folder = try RealData.laidOut()
    #expect(try Dataset.verify(Dataset.named("mnist"), in: folder.path).map(\.state) == Array(repeating: .ok, count: 4))
    let kmnist = try Dataset.verify(Dataset.named("kmnist"), in: folder.path).map(\.state)
    #expect(kmnist[0] == .readable("holds 7000 of the 60000 published examples") && kmnist[2] == .ok && kmnist[3] == .ok)
  }

  @Test(.enabled(if: RealData.unpacked != nil, "ESPALIER_UNPACKED_DATA is not set")) func realCIFAR() throws {
    let states = try Dataset.verify(Dataset.named("cifar-10"), in: RealData.unpacked).map(\.state)
    #expect(states == Array(repeating: .ok, count: 5) + [.readable("holds 1000 of the 10000 published examples")])
  }
}
