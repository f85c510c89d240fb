import Foundation
import Testing

@testable import Datasets

@Suite(.enabled(if: RealData.isThere, "the collection of real data is not at hand")) struct RealDataTests {
  @Test func mnist() throws {
    let folder = try RealData.laidOut()
    let (train, test) = try Dataset.load(name: "mnist", dataDirectory: folder.path)
    #expect(train.count == 60_000 && test.count == 10_000 && !train.isPartial && !test.isPartial)
    #expect(train.labels.prefix(10) == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
    #expect(test.labels.prefix(10) == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9])
    #expect(train.classCounts == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])
    let computed = try train.meanAndDeviation()
    #expect(abs(computed.mean[0] - 0.130660) < 1e-6 && abs(computed.deviation[0] - 0.308108) < 1e-6)
    let (training, validation) = try train.split(validation: 5000, seed: 1)
    #expect(training.count == 55_000 && validation.count == 5000)
  }

  @Test func kmnistIsPartial() throws {
    let folder = try RealData.laidOut()
    let (train, test) = try Dataset.load(name: "kmnist", dataDirectory: folder.path)
    #expect(test.count == 10_000 && !test.isPartial)
    #expect(train.count < 60_000 && train.isPartial)
    #expect(train.partialNote == "kmnist training: the files hold \(train.count) of the 60000 published examples")
  }

  @Test func emnistByMergeIsUpright() throws {
    let folder = try RealData.laidOut()
    let (train, test) = try Dataset.load(name: "emnist-bymerge", dataDirectory: folder.path)
    #expect(train.classes == 47 && train.isPartial && test.isPartial)
    #expect(train.classCounts.allSatisfy { $0 > 0 })
    // The mapping file gives each class's character code.
    let mapping = try String(contentsOfFile: "\(folder.path)/emnist/emnist-bymerge-mapping.txt", encoding: .utf8)
    let names = try mapping.split(whereSeparator: \.isNewline).map { line in
      String(UnicodeScalar(try #require(UInt8(line.split(separator: " ")[1]))))
    }
    #expect(train.classNames == names)
    let stored = try IDX(path: "\(folder.path)/emnist/emnist-bymerge-train-images-idx3-ubyte.gz", rank: 3).elements()
    let raw = stored.withBytes { Array($0) }
    let upright = try train.image(at: 5)
    for y in 0..<28 {
      for x in 0..<28 { #expect(upright[y * 28 + x] == raw[5 * 784 + x * 28 + y]) }
    }
    // An upright capital I or digit 1 is taller than wide.
    let ones = train.examplesByClass()[1].prefix(50)
    var rows = 0
    var columns = 0
    for example in ones {
      let image = try train.image(at: example)
      rows += (0..<28).count { y in (0..<28).contains { image[y * 28 + $0] > 127 } }
      columns += (0..<28).count { x in (0..<28).contains { image[$0 * 28 + x] > 127 } }
    }
    #expect(rows > columns * 3 / 2)
  }

  @Test(.enabled(if: RealData.unpacked != nil, "ESPALIER_UNPACKED_DATA is not set")) func cifar10() throws {
    let (train, test) = try Dataset.load(name: "cifar-10", dataDirectory: RealData.unpacked)
    #expect(train.count == 50_000 && !train.isPartial)
    #expect(train.classCounts == Array(repeating: 5000, count: 10))
    #expect(train.labels.prefix(10) == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3])
    #expect(test.labels.prefix(10) == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1])
    let computed = try train.meanAndDeviation()
    for (value, expected) in zip(computed.mean + computed.deviation, [0.4914, 0.4822, 0.4465, 0.2470, 0.2435, 0.2616] as [Float]) {
      #expect(abs(value - expected) < 1e-4)
    }
  }
}
