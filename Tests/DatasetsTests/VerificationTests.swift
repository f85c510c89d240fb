import Foundation
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
