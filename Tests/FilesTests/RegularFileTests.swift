@testable import Files
import Foundation
import TestSupport
import Testing

/// What is read, and which file a path leads to.
@Suite struct RegularFileTests {
  private func words<Value>(_ body: () throws -> Value) -> String {
    do { return "\(try body())" } catch { return "\(error)" }
  }

  @Test func wholeFilesUpToALimit() throws {
    try withTemporaryDirectory { folder throws in
      let path = folder + "/f"
      try AtomicFile.write(Data("grün".utf8), to: path)
      #expect(words { try RegularFile.text(path, limit: 5) } == "grün")
      #expect(
        words { try RegularFile.text(path, limit: 4) } == "cannot read \(path): 5 bytes are too many: at most 4 are possible")
      try AtomicFile.write(Data([0xFF, 0x41]), to: path)
      #expect(words { try RegularFile.text(path, limit: 2) } == "cannot read \(path): it is not text")
      #expect(try RegularFile.read(path, limit: 2) == Data([0xFF, 0x41]))
    }
  }

  /// A sparse file of 20 GB costs no memory, a pipe that nobody writes to no time.
  @Test func whatIsNoFileIsNotRead() throws {
    try withTemporaryDirectory { folder throws in
      let (pipe, link, large) = (folder + "/pipe", folder + "/link", folder + "/large")
      #expect(mkfifo(pipe, 0o600) == 0)
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "pipe")
      #expect(FileManager.default.createFile(atPath: large, contents: nil) && truncate(large, 20 << 30) == 0)
      func reading(_ path: String) -> String { words { try RegularFile.read(path, limit: 1 << 20) } }
      #expect(reading(folder) == "cannot read \(folder): it is a folder")
      #expect(reading(pipe) == "cannot read \(pipe): it is not a file")
      #expect(reading(link) == "cannot read \(link): it is not a file")
      #expect(reading("/dev/zero") == "cannot read /dev/zero: it is not a file")
      #expect(reading(folder + "/none") == "cannot read \(folder)/none: No such file or directory")
      #expect(reading(large) == "cannot read \(large): 21474836480 bytes are too many: at most 1048576 are possible")
      #expect(words { try Folder.names(in: folder + "/none") } == "cannot read \(folder)/none: No such file or directory")
      #expect(words { try Folder.names(in: folder) } == #"["large", "link", "pipe"]"#)
      #expect(words { try Folder.make(large + "/in/it") } == "cannot write \(large)/in/it: Not a directory")
      #expect(words { try Folder.make(large) } == "cannot write \(large): it is not a folder")
      for _ in 0..<2 { try Folder.make(folder + "/new/and//deep/") }
      #expect(try Folder.names(in: folder + "/new/and") == ["deep"])
    }
  }

  @Test func aFileIsTheSameByAnyName() throws {
    try withTemporaryDirectory { folder throws in
      let manager = FileManager.default
      try manager.createDirectory(atPath: folder + "/sub", withIntermediateDirectories: false)
      try manager.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "sub")
      try manager.createSymbolicLink(atPath: folder + "/dangling", withDestinationPath: "sub/f")
      func identity(_ name: String) -> FileIdentity? { FileIdentity(folder + "/" + name) }
      // Before it is there, and after.
      for step in 0..<2 {
        let file = try #require(identity("sub/f"))
        for name in ["link/f", "sub/../link/./f", "dangling"] { #expect(identity(name) == file, "\(name), \(step)") }
        #expect(identity("sub/g") != file)
        #expect(identity("none/f") == nil)
        try AtomicFile.write(Data(), to: folder + "/dangling")
      }
      try manager.linkItem(atPath: folder + "/sub/f", toPath: folder + "/hard")
      #expect(identity("hard") == identity("link/f"))
    }
  }

  @Test func onlyWhatIsRecognisedIsRemoved() throws {
    try withTemporaryDirectory { folder throws in
      let manager = FileManager.default
      func remove(_ name: String, identity: FileIdentity? = nil) -> Bool {
        OwnFile.remove(folder + "/" + name, identity: identity) { file in
          var first: UInt8 = 0
          try withUnsafeMutableBytes(of: &first) { try file.fill($0, at: 0) }
          return first == UInt8(ascii: "o")
        }
      }
      try manager.createDirectory(atPath: folder + "/folder", withIntermediateDirectories: false)
      for (name, text) in [("folder/own", "own"), ("own", "own"), ("other", "mine"), ("empty", ""), ("second", "own")] {
        try AtomicFile.write(Data(text.utf8), to: folder + "/" + name)
      }
      try manager.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "own")
      #expect(mkfifo(folder + "/pipe", 0o600) == 0)
      for name in ["folder", "other", "empty", "pipe", "none"] { #expect(!remove(name), "\(name)") }
      #expect(!remove("second", identity: FileIdentity(folder + "/own")), "another one of its kind")
      #expect(remove("second", identity: FileIdentity(folder + "/second")))
      #expect(remove("link"))
      #expect(try Folder.names(in: folder) == ["empty", "folder", "link", "other", "pipe"])
      #expect(try Folder.names(in: folder + "/folder") == ["own"])
    }
  }

  @Test func whatGrowsIsAFile() throws {
    try withTemporaryDirectory { folder throws in
      let (part, pipe) = (folder + "/deep/f.part", folder + "/pipe")
      func add(_ text: String) throws -> GrowingFile {
        let file = try GrowingFile(appendingTo: part)
        try Data(text.utf8).withUnsafeBytes { try file.write($0) }
        return file
      }
      try withExtendedLifetime(add("a")) {
        #expect(words { try GrowingFile(appendingTo: part) } == "cannot write \(part): another process is writing it")
      }
      let file = try add("b")
      #expect(file.count == 2)
      try file.moved(to: folder + "/f")
      file.discard()
      #expect(try RegularFile.text(folder + "/f", limit: 9) == "ab")
      try add("c").discard()
      #expect(try Folder.names(in: folder + "/deep") == [])
      #expect(mkfifo(pipe, 0o600) == 0)
      #expect(words { try GrowingFile(appendingTo: pipe) } == "cannot write \(pipe): it is not a file")
      #expect(words { try GrowingFile(appendingTo: folder) } == "cannot write \(folder): Is a directory")
    }
  }
}
