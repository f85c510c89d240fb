import Files
import Foundation
import TestSupport
import Testing

@Suite struct FolderClaimTests {
  @Test func aFolderHasOneOwner() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/new/study"
      var claim: FolderClaim? = try FolderClaim(path)
      #expect(claim != nil && FileManager.default.contents(atPath: path + "/.espalier-lock") == Data("espalier \(getpid())\n".utf8))
      let refused = #expect(throws: FolderInUse.self) { try FolderClaim(path) }
      #expect(refused?.description == "\(path) is in use by process \(getpid()): wait until that has ended, or give another folder")
      claim = nil
      #expect(try FileManager.default.contentsOfDirectory(atPath: path) == [])
      _ = try FolderClaim(path)
    }
  }

  /// A killed process leaves its file, and the kernel takes its lock.
  @Test(arguments: ["", "espalier 999999999\n", "espalier what\n"]) func whatAKillLeavesIsTakenOver(content: String) throws {
    try withTemporaryDirectory { folder in
      try content.write(toFile: folder + "/.espalier-lock", atomically: false, encoding: .utf8)
      let claim = try FolderClaim(folder)
      let words = try String(contentsOfFile: folder + "/.espalier-lock", encoding: .utf8)
      withExtendedLifetime(claim) { #expect(words == "espalier \(getpid())\n") }
    }
  }

  /// The owner is gone, and something that it started still holds the lock: it is waited for, but not for ever.
  @Test func whatIsLeftOfADeadOwnerIsWaitedFor() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/.espalier-lock"
      try "espalier 999999999\n".write(toFile: path, atomically: false, encoding: .utf8)
      let held = open(path, O_RDWR | O_CLOEXEC)
      #expect(flock(held, LOCK_EX | LOCK_NB) == 0)
      #expect(throws: FolderInUse.self) { try FolderClaim(folder, patience: 0.1) }
      Thread.detachNewThread {
        usleep(200_000)
        close(held)
      }
      let claim = try FolderClaim(folder, patience: 60)
      withExtendedLifetime(claim) {}
    }
  }

  /// Files of others stay as they are.
  @Test func aFileOfSomebodyElseIsNoLock() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/.espalier-lock"
      func refused() {
        let error = #expect(throws: FileError.self) { try FolderClaim(folder) }
        #expect(error?.description.hasPrefix("cannot write \(path): ") ?? false)
      }
      try "mine\n".write(toFile: path, atomically: false, encoding: .utf8)
      refused()
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine\n")
      try FileManager.default.moveItem(atPath: path, toPath: folder + "/mine")
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "mine")
      refused()
      try FileManager.default.removeItem(atPath: path)
      mkfifo(path, 0o600)
      refused()
      try FileManager.default.removeItem(atPath: path)
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      refused()
      #expect(try String(contentsOfFile: folder + "/mine", encoding: .utf8) == "mine\n")
    }
  }
}
