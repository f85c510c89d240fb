import CZlib
import Foundation
import Testing

@testable import Datasets

@Suite struct ArchiveTests {
  private func extract(_ path: String, _ folder: TemporaryFolder, _ members: [String]) throws {
    try Archive.extract(
      path, members: Dictionary(uniqueKeysWithValues: members.map { ($0, "\(folder.path)/out/\(($0 as NSString).lastPathComponent)") }))
  }

  /// A gzip file may be several, one behind the other; what follows the last is padding.
  @Test func membersFollowEachOther() throws {
    let folder = try TemporaryFolder()
    let (first, second) = ((0..<5000).map { UInt8($0 % 251) }, [1, 2, 3] as [UInt8])
    let path = try folder.write("members.gz", gzipped(first) + gzipped(second) + [0, 0, 0, 0])
    var read = [UInt8](repeating: 9, count: 5010)
    let count = try read.withUnsafeMutableBytes { try InflatingReader(path: path).read(into: $0) }
    #expect(count == 5003 && Array(read[..<5003]) == first + second)
  }

  @Test func namesThatLeadElsewhereAreNeverWritten() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      "a/evil.tar.gz", gzipped(tarArchive([("../escaped", [1]), ("/tmp/escaped", [1]), ("pack/one", [7])])))
    try extract(path, folder, ["pack/one"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["a", "out"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/a") == ["evil.tar.gz"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/out") == ["one"])
  }

  @Test func linksAreRefused() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("evil.tar.gz", gzipped(tarArchive([("pack/one", nil)])))
    #expect(message { try extract(path, folder, ["pack/one"]) } == "\(path): pack/one in it is not a file")
  }

  @Test func damagedTarArchives() throws {
    let folder = try TemporaryFolder()
    let whole = tarArchive([("pack/one", [UInt8](repeating: 5, count: 3000))])
    var path = try folder.write("cut.tar.gz", gzipped(Array(whole.prefix(2000))))
    #expect(message { try extract(path, folder, ["pack/one"]) } == "\(path): ends within one")
    var flipped = whole
    flipped[3] ^= 1
    path = try folder.write("flipped.tar.gz", gzipped(flipped))
    #expect(message { try extract(path, folder, ["pack/one"]) } == "\(path): is not a tar archive, or is damaged")
    path = try folder.write("whole.tar.gz", gzipped(whole))
    #expect(message { try extract(path, folder, ["pack/one", "pack/two", "pack/three"]) } == "\(path): lacks pack/three, pack/two")
  }

  /// A zip archive of stored and deflated members.
  private func zipArchive(_ files: [(name: String, content: [UInt8], deflated: Bool)]) throws -> [UInt8] {
    func little(_ number: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
    var body: [UInt8] = []
    var directory: [UInt8] = []
    for file in files {
      // A gzip file is a 10-byte header, deflate's stream, and 8 bytes of sums.
      let packed = file.deflated ? Array(try gzipped(file.content).dropFirst(10).dropLast(8)) : file.content
      let crc = Int(crc32(0, file.content, UInt32(file.content.count)))
      let common =
        little(20, 2) + little(0, 2) + little(file.deflated ? 8 : 0, 2) + little(0, 4) + little(crc, 4) + little(packed.count, 4)
        + little(file.content.count, 4) + little(file.name.utf8.count, 2)
      directory += little(0x0201_4B50, 4) + little(20, 2) + common + little(0, 2) + little(0, 2) + little(0, 8) + little(body.count, 4)
      directory += Array(file.name.utf8)
      body += little(0x0403_4B50, 4) + common + little(0, 2) + Array(file.name.utf8) + packed
    }
    return body + directory + little(0x0605_4B50, 4) + little(0, 4) + little(files.count, 2) + little(files.count, 2)
      + little(directory.count, 4) + little(body.count, 4) + little(3, 2) + Array("end".utf8)
  }

  @Test func zipMembersStoredAndDeflated() throws {
    let folder = try TemporaryFolder()
    let long = (0..<400_000).map { UInt8(truncatingIfNeeded: $0 / 100) }
    let bytes = try zipArchive([("gzip/one", [1, 2, 3], false), ("../two", [4], false), ("gzip/long", long, true)])
    let path = try folder.write("pack.zip", bytes)
    try extract(path, folder, ["gzip/one", "gzip/long"])
    #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/out/long"))) == long)
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/out").sorted() == ["long", "one"])
    #expect(message { try extract(path, folder, ["gzip/none"]) } == "\(path): lacks gzip/none")
    var flipped = bytes
    flipped[30 + 8 + 1] ^= 1
    let damaged = try folder.write("damaged.zip", flipped)
    #expect(message { try extract(damaged, folder, ["gzip/one"]) } == "\(damaged): gzip/one in it is damaged")
    // What was good stays, and nothing of the damaged one is left.
    #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/out/one"))) == [1, 2, 3])
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/out").sorted() == ["long", "one"])
    let cut = try folder.write("cut.zip", Array(bytes.dropLast(30)))
    #expect(message { try extract(cut, folder, ["gzip/one"]) } == "\(cut): is not a zip archive, or is damaged")
    let empty = try folder.write("empty.zip", [])
    #expect(message { try extract(empty, folder, ["gzip/one"]) } == "\(empty): is not a zip archive, or is damaged")
  }

  @Test func mutatedArchivesNeverTrap() throws {
    let folder = try TemporaryFolder()
    let zip = try zipArchive([("gzip/one", Array(1...200), true), ("gzip/two", Array(1...100), false)])
    let tar = tarArchive([("gzip/one", Array(1...200)), ("gzip/two", Array(1...100))])
    for seed in 0..<400 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      var bytes = seed % 2 == 0 ? zip : tar
      for _ in 0...generator.next(below: 4) {
        bytes[Int(generator.next(below: UInt64(bytes.count)))] = UInt8(generator.next(below: 256))
      }
      // A plain tar goes through the same reader as a compressed one.
      let path = try folder.write(seed % 2 == 0 ? "file.zip" : "file.tar", bytes)
      do {
        try extract(path, folder, ["gzip/one", "gzip/two"])
      } catch is DatasetError {
      } catch {
        Issue.record("seed \(seed): \(error)")
      }
    }
  }
}
