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

  private func mode(_ path: String) throws -> Int {
    try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
  }

  @Test(arguments: [0o600, 0o640, 0o644, 0o400, 0o666])
  func whatIsReplacedKeepsItsPermissions(permissions: Int) throws {
    try withTemporaryDirectory { folder throws in
      let path = folder + "/m"
      try archive.write(to: path)
      try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: path)
      let file = try AtomicFile(path)
      let partial = try #require(try names(in: folder).first { $0 != "m" })
      #expect(try mode(folder + "/" + partial) == permissions, "while it is written, too")
      try file.commit()
      #expect(try mode(path) == permissions)
      try AtomicFile.write(Data("text".utf8), to: path)
      #expect(try mode(path) == permissions)
      #expect(try names(in: folder) == ["m"])
    }
  }

  @Test func aNewFileIsAsPublicAsNewFilesAre() throws {
    try withTemporaryDirectory { folder throws in
      try AtomicFile.write(Data(), to: folder + "/m")
      #expect(try Data().write(to: URL(fileURLWithPath: folder + "/n")) == () && mode(folder + "/m") == mode(folder + "/n"))
      // A checkpoint of what is private is private.
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder + "/m")
      try archive.write(to: folder + "/m.checkpoint", asPrivateAs: folder + "/m")
      #expect(try mode(folder + "/m.checkpoint") == 0o600)
      try archive.write(to: folder + "/other.checkpoint", asPrivateAs: folder + "/none")
      #expect(try mode(folder + "/other.checkpoint") == mode(folder + "/n"))
    }
  }

  @Test func linksStayLinks() throws {
    try withTemporaryDirectory { folder throws in
      let manager = FileManager.default
      try manager.createDirectory(atPath: folder + "/far", withIntermediateDirectories: false)
      try manager.createSymbolicLink(atPath: folder + "/far/second", withDestinationPath: "target")
      try manager.createSymbolicLink(atPath: folder + "/first", withDestinationPath: "far/second")
      // The second time there is something at the end.
      for text in ["one", "two"] {
        try AtomicFile.write(Data(text.utf8), to: folder + "/first")
        #expect(try manager.destinationOfSymbolicLink(atPath: folder + "/first") == "far/second")
        #expect(try manager.destinationOfSymbolicLink(atPath: folder + "/far/second") == "target")
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/far/target")) == Data(text.utf8))
      }
      try manager.createSymbolicLink(atPath: folder + "/loop", withDestinationPath: "loop")
      #expect(throws: TensorArchiveError.writing(path: folder + "/loop", problem: "Too many levels of symbolic links")) {
        try AtomicFile.write(Data(), to: folder + "/loop")
      }
      #expect(try names(in: folder) == ["far", "first", "loop"])
    }
  }

  @Test func theSizeIsKnownBeforehand() throws {
    try withTemporaryDirectory { folder throws in
      let archive = TensorArchive(tensors: ["a": try .ones([3, 5]), "b": try .ones([7], type: .bool)], metadata: ["k": "v\n"])
      try archive.write(to: folder + "/m")
      #expect(try archive.byteCount == Data(contentsOf: URL(fileURLWithPath: folder + "/m")).count)
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
