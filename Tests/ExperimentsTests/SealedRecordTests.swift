@testable import Experiments
import Foundation
import TestSupport
import Testing
import Training

@Suite struct SealedRecordTests {
  /// By `printf '{\\n  "a" : 1\\n}\\n' | sha256sum`.
  private static let checksum = "ba41100c292ae66e2571f891d1de89930f2c3ff88e82f446dd8816c7233f8985"

  @Test func theChecksumIsThatOfTheOtherLines() throws {
    try withTemporaryDirectory { folder in
      let (path, json) = (folder + "/a.json", "{\n  \"a\" : 1\n}\n")
      try SealedRecord.write(json, to: path)
      #expect(
        try String(contentsOfFile: path, encoding: .utf8) == "{\n  \"checksum\" : \"\(Self.checksum)\",\n  \"a\" : 1\n}\n")
      #expect(try SealedRecord.read(path) == Data(json.utf8))
      // As earlier versions wrote it.
      try json.write(toFile: path, atomically: false, encoding: .utf8)
      #expect(try SealedRecord.read(path) == Data(json.utf8))
    }
  }

  @Test func noBitCanChange() throws {
    try withTemporaryDirectory { folder in
      let (path, json) = (folder + "/a.json", "{\n  \"a\" : 1,\n  \"b\" : \"c\"\n}\n")
      try SealedRecord.write(json, to: path)
      let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      let name = try #require(good.firstRange(of: Array("\"checksum\"".utf8)))
      for place in good.indices {
        for bit in 0..<8 {
          var bytes = good
          bytes[place] ^= 1 << UInt8(bit)
          try Data(bytes).write(to: URL(fileURLWithPath: path))
          // A field of another name says nothing of the others, which are as they were.
          if name.contains(place) {
            #expect(try SealedRecord.read(path) == Data(bytes))
          } else {
            #expect(throws: RecordError("\(path) has changed since it was written: its checksum does not match")) {
              try SealedRecord.read(path)
            }
          }
        }
      }
      for count in [1, 20, 90, good.count - 1] {
        try Data(good.prefix(count)).write(to: URL(fileURLWithPath: path))
        if count > 20 { #expect(throws: RecordError.self) { try SealedRecord.read(path) } }
      }
    }
  }

  @Test func onlyFilesOfThatSizeAreRead() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/round-00.json"
      func refused(_ words: String) {
        let error = #expect(throws: (any Error).self) { try SealedRecord.read(path) }
        #expect(error.map { "\($0)" } == "cannot read \(path): \(words)")
      }
      refused("No such file or directory")
      mkfifo(path, 0o600)
      refused("it is not a file")
      try FileManager.default.removeItem(atPath: path)
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      refused("it is a folder")
      try FileManager.default.removeItem(atPath: path)
      try Data().write(to: URL(fileURLWithPath: path))
      truncate(path, 20 << 30)
      refused("21474836480 bytes are too many: at most 64000000 are possible")
    }
  }
}
