import Foundation
import TestSupport
import Testing
import Torch

/// A file is written whole or not at all.
@Suite struct TensorArchiveWritingTests {
  private let archive = TensorArchive(metadata: ["a": "b"])

  private func failure(_ path: String, _ archive: TensorArchive? = nil) -> String {
    do {
      try (archive ?? self.archive).write(to: path)
      return "written"
    } catch {
      return "\(error)"
    }
  }

  @Test func theSizeIsKnownBeforehand() throws {
    try withTemporaryDirectory { folder throws in
      let archive = TensorArchive(tensors: ["a": try .ones([3, 5]), "b": try .ones([7], type: .bool)], metadata: ["k": "v\n"])
      try archive.write(to: folder + "/m")
      #expect(try archive.byteCount == Data(contentsOf: URL(fileURLWithPath: folder + "/m")).count)
    }
  }

  @Test func foldersThatCannotHoldIt() throws {
    try withTemporaryDirectory { folder throws in
      #expect(failure(folder) == "cannot write \(folder): it is a folder")
      #expect(failure(folder + "/none/a") == "cannot write \(folder)/none/a: No such file or directory")
      #expect(failure(folder + "/a") == "written")
      #expect(failure(folder + "/a/b") == "cannot write \(folder)/a/b: Not a directory")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a"])
    }
  }

  @Test(.enabled(if: getuid() != 0)) func aFolderWithoutPermission() throws {
    try withTemporaryDirectory { folder throws in
      chmod(folder, 0o500)
      #expect(failure(folder + "/a") == "cannot write \(folder)/a: Permission denied")
    }
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"))) func aFullDevice() throws {
    #expect(failure("/dev/full") == "cannot write /dev/full: No space left on device")
    // A device stays one.
    #expect(failure("/dev/null") == "written")
    var status = stat()
    #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
  }

  #if os(Linux)
    // In a process of its own, because the limit that stands for a full disk holds for all files of a process.
    @Test func aDiskThatFillsHalfWay() async {
      await #expect(processExitsWith: .success) {
        try withTemporaryDirectory { folder throws in
          try Data("old".utf8).write(to: URL(fileURLWithPath: folder + "/a"))
          signal(SIGXFSZ, SIG_IGN)
          var limit = rlimit(rlim_cur: 65536, rlim_max: 65536)
          guard setrlimit(__rlimit_resource_t(1), &limit) == 0 else { exit(3) }  // 1: RLIMIT_FSIZE
          do {
            try TensorArchive(tensors: ["x": .zeros([100_000])]).write(to: folder + "/a")
            exit(4)
          } catch {
            guard "\(error)" == "cannot write \(folder)/a: File too large" else { exit(5) }
          }
          guard try FileManager.default.contentsOfDirectory(atPath: folder) == ["a"] else { exit(6) }
          guard try Data(contentsOf: URL(fileURLWithPath: folder + "/a")) == Data("old".utf8) else { exit(7) }
        }
      }
    }
  #endif

  @Test func anExistingFileIsReplacedAndALinkStaysOne() throws {
    try withTemporaryDirectory { folder throws in
      let manager = FileManager.default
      try manager.createDirectory(atPath: folder + "/sub", withIntermediateDirectories: false)
      try Data("old".utf8).write(to: URL(fileURLWithPath: folder + "/sub/a"))
      try manager.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "sub/a")
      try archive.write(to: folder + "/link")
      #expect(try manager.destinationOfSymbolicLink(atPath: folder + "/link") == "sub/a")
      #expect(try TensorArchive(contentsOf: folder + "/sub/a").metadata == ["a": "b"])
      #expect(try manager.contentsOfDirectory(atPath: folder + "/sub") == ["a"])
      #expect(try manager.contentsOfDirectory(atPath: folder).sorted() == ["link", "sub"])
    }
  }

  @Test func whatTheFormatCannotHold() throws {
    try withTemporaryDirectory { folder throws in
      let path = folder + "/a"
      #expect(
        failure(path, TensorArchive(tensors: ["__metadata__": try .scalar(1)]))
          == "cannot write \(path): no tensor can be named \"__metadata__\"")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }
}
