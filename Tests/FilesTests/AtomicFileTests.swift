@testable import Files
import Foundation
import TestSupport
import Testing

/// What processes leave beside a file when they are killed while they write it.
@Suite struct AtomicFileTests {
  private let data = Data("whole".utf8)
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
      try AtomicFile.write(data, to: folder + "/m")
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
      try AtomicFile.write(data, to: folder + "/m")
      #expect(try names(in: folder) == [partial, "m"])
      try file.commit()
      #expect(try names(in: folder) == ["m"])
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/m")) == Data("first".utf8))
    }
  }

  private func mode(_ path: String) throws -> Int {
    try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
  }

  @Test(arguments: [0o600, 0o640, 0o644, 0o200, 0o666])
  func whatIsReplacedKeepsItsPermissions(permissions: Int) throws {
    try withTemporaryDirectory { folder throws in
      let path = folder + "/m"
      try AtomicFile.write(data, to: path)
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

  @Test func whatNobodyMayWriteIsNotReplaced() throws {
    try withTemporaryDirectory { folder throws in
      try AtomicFile.write(data, to: folder + "/m")
      try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: folder + "/m")
      try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "m")
      for name in ["m", "link"] {
        #expect(throws: FileError(.write, "\(folder)/\(name)", "it is write-protected")) {
          try AtomicFile.write(Data("text".utf8), to: "\(folder)/\(name)")
        }
      }
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/m")) == data && names(in: folder) == ["link", "m"])
    }
  }

  @Test func onlyWhatIsNoFileIsAStream() throws {
    try withTemporaryDirectory { folder throws in
      try AtomicFile.write(data, to: folder + "/m")
      #expect(mkfifo(folder + "/pipe", 0o600) == 0)
      try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "pipe")
      #expect(["m", "none", "", "pipe", "link"].map { AtomicFile.isStream("\(folder)/\($0)") } == [false, false, false, true, true])
    }
  }

  @Test func aNewFileIsAsPublicAsNewFilesAre() throws {
    try withTemporaryDirectory { folder throws in
      try AtomicFile.write(Data(), to: folder + "/m")
      #expect(try Data().write(to: URL(fileURLWithPath: folder + "/n")) == () && mode(folder + "/m") == mode(folder + "/n"))
      // A checkpoint of what is private is private.
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder + "/m")
      try AtomicFile.write(data, to: folder + "/m.checkpoint", asPrivateAs: folder + "/m")
      #expect(try mode(folder + "/m.checkpoint") == 0o600)
      try AtomicFile.write(data, to: folder + "/other.checkpoint", asPrivateAs: folder + "/none")
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
      #expect(throws: FileError(.write, folder + "/loop", code: ELOOP)) {
        try AtomicFile.write(Data(), to: folder + "/loop")
      }
      #expect(try names(in: folder) == ["far", "first", "loop"])
    }
  }

  @Test(arguments: [String(repeating: "n", count: 255), String(repeating: "ü", count: 127), String(repeating: "🌳", count: 63), "m"])
  func longNamesHaveTemporaryOnes(name: String) throws {
    try withTemporaryDirectory { folder throws in
      for _ in 0..<2 { try AtomicFile.write(data, to: folder + "/" + name) }
      #expect(try names(in: folder) == [name])
      let stem = ".espalier-" + name.suffix(50) + "-"
      try leave(stem + "1f.partial", in: folder, at: past)
      try AtomicFile.write(data, to: folder + "/" + name)
      #expect(try names(in: folder) == [name])
      #expect(AtomicFile.temporaryPath(for: folder + "/" + name).hasPrefix(folder + "/" + stem))
      #expect(AtomicFile.temporaryPath(for: name).hasPrefix(stem))
    }
  }

  /// Another process may take a file for remains between its making and its locking: it is made once more.
  @Test func whatIsTakenForRemainsIsMadeAgain() throws {
    try withTemporaryDirectory { folder throws in
      nonisolated(unsafe) var taken = 0
      try AtomicFile.$beforeLock.withValue({ name in
        taken += 1
        if taken < 4 { unlink(name) }
      }) { try AtomicFile.write(data, to: folder + "/m") }
      #expect(taken == 4)
      #expect(try names(in: folder) == ["m"])
    }
  }

  /// Every one of many writers ends well, whoever removes what it takes for remains meanwhile.
  @Test func manyWritersOfOneFile() async throws {
    let folder = try TemporaryDirectory()
    let (path, past) = (folder.file("m"), past)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          for round in 0..<50 {
            // As old as what another process would have left.
            try AtomicFile.$beforeLock.withValue({ name in
              try? FileManager.default.setAttributes([.modificationDate: past], ofItemAtPath: name)
            }) { try AtomicFile.write(Data("\(writer) \(round)".utf8), to: path) }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try names(in: folder.path) == ["m"])
  }

  /// What is no file is written to and stays what it is; what cannot take anything is refused, and nothing waits.
  @Test func streamsAreWrittenThrough() throws {
    try withTemporaryDirectory { folder throws in
      let (pipe, link) = (folder + "/pipe", folder + "/link")
      #expect(mkfifo(pipe, 0o600) == 0)
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "pipe")
      #expect(throws: FileError(.write, link, "it is a pipe, and nobody reads it")) { try AtomicFile.write(data, to: link) }
      let reader = open(pipe, O_RDONLY | O_NONBLOCK)
      defer { close(reader) }
      let file = try AtomicFile(link)
      #expect(file.isStream)
      try data.withUnsafeBytes { try file.write($0) }
      try file.commit()
      var bytes = [UInt8](repeating: 0, count: 9)
      #expect(read(reader, &bytes, 9) == data.count && Data(bytes.prefix(data.count)) == data)
      try AtomicFile.write(data, to: "/dev/null")
      #expect(try names(in: folder) == ["link", "pipe"])
      var status = stat()
      #expect(lstat(pipe, &status) == 0 && status.kind == S_IFIFO)
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "pipe")
      let socket = folder + "/s"
      guard socket.utf8.count < 100 else { return }
      let listener = try unixSocket(socket)
      defer { close(listener) }
      #expect(throws: FileError(.write, socket, "it is neither a file nor a stream")) { try AtomicFile.write(data, to: socket) }
    }
  }

  private func unixSocket(_ path: String) throws -> Int32 {
    #if os(Linux)
      let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    #else
      let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
    #endif
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
    try #require(bound == 0)
    return descriptor
  }
}
