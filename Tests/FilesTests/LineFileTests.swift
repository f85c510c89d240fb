import Files
import Foundation
import TestSupport
import Testing

@Suite struct LineFileTests {
  private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  @Test func linesAreThereAtOnceAndGoOnAfterThoseThatAreKept() throws {
    try withTemporaryDirectory { folder throws in
      let path = folder + "/lines"
      let file = try LineFile(path, keeping: 5)
      #expect(file.count == 0 && !file.isStream)
      for line in ["one", "zwei ü", "three"] { try file.append(line) }
      try file.synchronize()
      #expect(try text(path) == "one\nzwei ü\nthree\n" && file.count == 3)
      let again = try LineFile(path, keeping: 2)
      #expect(again.count == 2)
      try again.append("four")
      #expect(try text(path) == "one\nzwei ü\nfour\n")
      // A line that a kill left unfinished was never one.
      try Data("one\ntw".utf8).write(to: URL(fileURLWithPath: path))
      #expect(try LineFile(path, keeping: 2).count == 1)
      #expect(try text(path) == "one\n")
      #expect(try LineFile(path, keeping: 0).count == 0)
      #expect(try text(path).isEmpty)
    }
  }

  /// More than the buffer that looks for their ends.
  @Test func manyLinesAreCounted() throws {
    try withTemporaryDirectory { folder throws in
      let path = folder + "/lines"
      let line = String(repeating: "x", count: 99) + "\n"
      try Data(String(repeating: line, count: 2000).utf8).write(to: URL(fileURLWithPath: path))
      #expect(try LineFile(path, keeping: 1500).count == 1500)
      #expect(try text(path).utf8.count == 150_000)
    }
  }

  @Test func whatIsNoFileGetsItsLinesOrIsRefused() throws {
    try withTemporaryDirectory { folder throws in
      #expect(throws: FileError(.write, folder, code: EISDIR)) { try LineFile(folder, keeping: 0) }
      #expect(throws: FileError(.write, folder + "/none/lines", code: ENOENT)) { try LineFile(folder + "/none/lines", keeping: 0) }
      let file = try LineFile("/dev/null", keeping: 3)
      try file.append("gone")
      #expect(file.isStream && file.count == 1)
      try file.synchronize()
    }
  }
}
