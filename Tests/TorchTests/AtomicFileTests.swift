import Foundation
import TestSupport
import Testing

@testable import Torch

/// What processes leave beside a file when they are killed while they write it.
@Suite struct AtomicFileTests {
  private let archive = TensorArchive(metadata: ["a": "b"])
  private let past = Date(timeIntervalSince1970: 1_600_000_000)

  private func leave(_ name: String, in folder: String, at date: Date) throws {
    let path = folder + "/" + name
    try Data("half".utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
  }

  private func names(in folder: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }

  @Test func whatAKilledProcessLeftGoes() throws {
    try withTemporaryDirectory { folder throws in
      try leave(".espalier-m-1f.partial", in: folder, at: past)
      try leave(".espalier-m-ffffffffffffffff.partial", in: folder, at: past)
      let others = [
        ".espalier-m-1f-2.partial", ".espalier-m-old.partial", ".espalier-m.checkpoint-1f.partial", ".espalier-m-1f", "m-1f.partial",
        ".espalier-1f.partial",
      ]
      for name in others { try leave(name, in: folder, at: past) }
      try leave(".espalier-m-2f.partial", in: folder, at: Date(timeIntervalSinceNow: 3600))
      try archive.write(to: folder + "/m")
      #expect(try names(in: folder) == (others + ["m", ".espalier-m-2f.partial"]).sorted())
    }
  }

  @Test func whatIsBeingWrittenStays() throws {
    try withTemporaryDirectory { folder throws in
      let file = try AtomicFile(folder + "/m")
      try Data("first".utf8).withUnsafeBytes { bytes throws in try file.write(bytes) }
      let partial = try #require(try names(in: folder).first)
      #expect(partial.wholeMatch(of: /\.espalier-m-[0-9a-f]+\.partial/) != nil)
      try FileManager.default.setAttributes([.modificationDate: past], ofItemAtPath: folder + "/" + partial)
      try archive.write(to: folder + "/m")
      #expect(try names(in: folder) == [partial, "m"])
      try file.commit()
      #expect(try names(in: folder) == ["m"])
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/m")) == Data("first".utf8))
    }
  }

  @Test(arguments: [String(repeating: "n", count: 255), String(repeating: "ü", count: 127), String(repeating: "🌳", count: 63), "m"])
  func longNamesHaveTemporaryOnes(name: String) throws {
    try withTemporaryDirectory { folder throws in
      for _ in 0..<2 { try archive.write(to: folder + "/" + name) }
      #expect(try names(in: folder) == [name])
      let stem = ".espalier-" + name.suffix(50) + "-"
      try leave(stem + "1f.partial", in: folder, at: past)
      try archive.write(to: folder + "/" + name)
      #expect(try names(in: folder) == [name])
      #expect(AtomicFile.temporaryPath(for: folder + "/" + name).hasPrefix(folder + "/" + stem))
      #expect(AtomicFile.temporaryPath(for: name).hasPrefix(stem))
    }
  }
}
