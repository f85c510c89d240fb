import Foundation
import TestSupport
import Testing
import Torch

/// What the format's own library (safetensors 0.8.0) reads is read; what it refuses is refused.
@Suite struct TensorArchiveLegalTests {
  private func read(_ header: String, data: Data) throws -> TensorArchive {
    try withTemporaryDirectory { folder throws in
      try (hostile(header) + data).write(to: URL(fileURLWithPath: folder + "/a"))
      return try TensorArchive(contentsOf: folder + "/a")
    }
  }

  private func noted(_ note: String) -> String { #"{"a":{"dtype":"U8","shape":[1],"note":\#(note),"data_offsets":[0,1]}}"# }

  @Test func metadataMayBeNull() throws {
    let archive = try read(#"{"__metadata__":null,"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#, data: Data([3, 4]))
    #expect(archive.metadata.isEmpty)
    #expect(try archive.tensors["a"]?.bytes() == [3, 4])
    for header in [#"{"__metadata__":[]}"#, #"{"__metadata__":{"a":null}}"#, #"{"__metadata__":nul}"#, #"{"__metadata__":{"epoch":3}}"#] {
      #expect(throws: TensorArchiveError.self) { try read(header, data: Data()) }
    }
  }

  @Test(arguments: [
    "1", "0", "-0.5e+10", "1E9", #""text \" \u00e9""#, "true", "false", "null", "[]", "{}", "[1, [2, {\"b\": []}], -3]",
    #"{"a" : {"b":[{}, {"c":null}]}, "d": "e"}"#, String(repeating: "[", count: 125) + String(repeating: "]", count: 125),
  ])
  func otherFieldsArePassedOver(note: String) throws {
    #expect(try read(noted(note), data: Data([7])).tensors["a"]?.bytes() == [7])
  }

  @Test(arguments: [
    "01", "1.", "-", ".5", "1e", "+1", "tru", "nulll", "[1,]", "[1 2]", "{1:2}", "{\"a\":}", "{\"a\" 1}", "[}", "{]", "\"\\q\"", "", "NaN",
    String(repeating: "[", count: 126) + String(repeating: "]", count: 126),
  ])
  func onlyJSONIsPassedOver(note: String) throws {
    #expect(throws: TensorArchiveError.self) { try read(noted(note), data: Data([7])) }
  }

  @Test(arguments: [
    ("F4", 2, 1), ("F6_E2M3", 4, 3), ("F6_E3M2", 8, 6), ("I8", 1, 1), ("F8_E5M2", 2, 2), ("F8_E4M3", 2, 2), ("F8_E8M0", 1, 1),
    ("F8_E4M3FNUZ", 1, 1), ("F8_E5M2FNUZ", 1, 1), ("I16", 1, 2), ("U16", 1, 2), ("U32", 2, 8), ("C64", 1, 8), ("U64", 1, 8),
  ])
  func whatIsNotComputedWithIsNamed(type: String, count: Int, bytes: Int) throws {
    let archive = try read(
      #"{"a":{"dtype":"\#(type)","shape":[\#(count)],"data_offsets":[0,\#(bytes)]},"#
        + #""b":{"dtype":"U8","shape":[1],"data_offsets":[\#(bytes),\#(bytes + 1)]}}"#, data: Data(count: bytes) + [9])
    #expect(archive.unread.mapValues(\.type) == ["a": type] && archive.unread["a"]?.shape == [count])
    #expect(archive.tensors.count == 1)
    #expect(try archive.tensors["b"]?.bytes() == [9])
  }
}
