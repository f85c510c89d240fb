import Foundation
import TestSupport
import Testing
import Torch

/// A damaged or hostile file gets one exact line, quickly, and no memory of its own making.
@Suite struct TensorArchiveHostileTests {
  /// What reading these bytes says, without the path.
  private func problem(_ bytes: Data) throws -> String {
    try withTemporaryDirectory { folder throws in
      let path = folder + "/a.safetensors"
      try bytes.write(to: URL(fileURLWithPath: path))
      do {
        let read = try TensorArchive(contentsOf: path)
        return "read \(read.tensors.count) tensors"
      } catch let error as TensorArchiveError {
        let text = error.description
        #expect(text.hasPrefix("cannot read \(path): ") && !text.contains("\n"))
        return String(text.dropFirst("cannot read \(path): ".count))
      }
    }
  }

  private func problem(_ header: String, data: Int = 0) throws -> String { try problem(hostile(header) + Data(count: data)) }

  private func entry(_ shape: String, _ offsets: String, type: String = "F32") -> String {
    #"{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}"#
  }

  @Test func lengths() throws {
    #expect(try problem(Data()) == "0 bytes are too few for a safetensors file")
    #expect(try problem(Data(count: 7)) == "7 bytes are too few for a safetensors file")
    #expect(try problem(hostile("{}", claiming: 3)) == "it is cut short: its header has 3 bytes, but only 2 follow")
    #expect(
      try problem(hostile("{}", claiming: 100_000_001))
        == "not a safetensors file: its header would have 100000001 bytes, and at most 100000000 are allowed")
    #expect(
      try problem(hostile("{}", claiming: .max))
        == "not a safetensors file: its header would have 18446744073709551615 bytes, and at most 100000000 are allowed")
    #expect(try problem("") == #"not a safetensors file: its header does not begin with "{""#)
    #expect(try problem("[1]") == #"not a safetensors file: its header does not begin with "{""#)
  }

  /// Files have a handful of texts: a header full of them is refused when there are too many, not after all were read.
  @Test func tooManyTexts() throws {
    func header(_ count: Int, _ end: String) -> String {
      #"{"__metadata__":{"# + (0..<count).map { "\"\($0)\":\"\"" }.joined(separator: ",") + end
    }
    let most = TensorArchive.maximumCount
    #expect(try problem(header(most, "}}")) == "read 0 tensors")
    #expect(try problem(header(most + 1, " and no end")) == "its metadata hold more than 65536 texts")
    let archive = TensorArchive(metadata: Dictionary(uniqueKeysWithValues: (0...most).map { ("\($0)", "") }))
    let error = #expect(throws: TensorArchiveError.self) { try archive.byteCount }
    #expect(error?.problem == "65537 texts are too many, at most 65536 are allowed")
  }

  @Test func headers() throws {
    #expect(try problem("{}") == "read 0 tensors")
    #expect(try problem("{}  \n ") == "read 0 tensors")
    #expect(try problem("{") == #"the header is damaged at byte 1: expected a string"#)
    #expect(try problem("{}}") == "the header is damaged at byte 2: more text after the end")
    #expect(try problem(#"{"a":{},}"#) == #"entry "a": dtype is missing"#)
    #expect(try problem(#"{"__metadata__":{},}"#) == #"the header is damaged at byte 19: expected a string"#)
    #expect(try problem(#"{"__metadata__":{"a":1}}"#) == #"the header is damaged at byte 21: expected a string"#)
    #expect(try problem(#"{"__metadata__":{"a":"1","a":"2"}}"#) == #"the metadata hold "a" twice"#)
    #expect(try problem(#"{"__metadata__":{},"__metadata__":{}}"#) == #"two entries are named "__metadata__""#)
    #expect(try problem(#"{"a" {}}"#) == #"the header is damaged at byte 5: expected ":""#)
    #expect(try problem("{\"a\u{1}\":{}}") == "the header is damaged at byte 3: a control character in a string")
    #expect(try problem(#"{"abc"#) == "the header is damaged at byte 5: a string without end")
    #expect(try problem(#"{"\x":{}}"#) == "the header is damaged at byte 4: an unknown escape in a string")
    #expect(try problem(#"{"\ud800":{}}"#) == "the header is damaged at byte 8: half of a surrogate pair")
    #expect(try problem(#"{"\ud800\u0041":{}}"#) == "the header is damaged at byte 14: half of a surrogate pair")
    #expect(try problem(#"{"\udc00":{}}"#) == "the header is damaged at byte 8: half of a surrogate pair")
    var bytes = hostile(#"{"a":{}}"#)
    bytes[10] = 0xFF
    #expect(try problem(bytes) == "the header is damaged at byte 3: a string is not UTF-8")
    // Cut in the middle of a character, an overlong form, and a surrogate in UTF-8.
    for sequence: [UInt8] in [[0xC3], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82]] {
      let text: [UInt8] = Array("{\"".utf8) + sequence + Array("\":{}}".utf8)
      let data = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) } + Data(text)
      #expect(try problem(data).hasSuffix("a string is not UTF-8"), "\(sequence)")
    }
  }

  @Test func entries() throws {
    #expect(try problem(#"{"a":{"dtype":"F32"}}"#) == #"entry "a": shape is missing"#)
    #expect(try problem(#"{"a":{"dtype":"F32","shape":[]}}"#) == #"entry "a": data_offsets is missing"#)
    #expect(try problem(#"{"a":{"dtype":"F32","dtype":"F32"}}"#) == #"entry "a": dtype occurs twice"#)
    #expect(try problem(#"{"a":{"size":3}}"#) == #"entry "a": dtype is missing"#)
    #expect(
      try problem(#"{"a":\#(entry("[1]", "[0,1]", type: "F9"))}"#, data: 1)
        == #"entry "a": unknown element type "F9"; known: BOOL, F4, F6_E2M3, F6_E3M2, U8, I8, F8_E5M2, F8_E4M3, F8_E8M0, F8_E4M3FNUZ, "#
        + "F8_E5M2FNUZ, I16, U16, F16, BF16, I32, U32, F32, C64, F64, I64, U64")
    #expect(
      try problem(#"{"a":\#(entry("[3]", "[0,1]", type: "F4"))}"#, data: 1)
        == #"entry "a": F4 of shape [3] does not end with a whole byte"#)
    #expect(
      try problem(#"{"a":\#(entry("[3]", "[0,2]", type: "I8"))}"#, data: 2)
        == #"entry "a": I8 of shape [3] needs 3 bytes, but its data_offsets span 2"#)
    #expect(try problem(#"{"a":\#(entry("[-1]", "[0,4]"))}"#, data: 4).hasSuffix("expected a whole number"))
    #expect(try problem(#"{"a":\#(entry("[1.5]", "[0,4]"))}"#, data: 4).hasSuffix("expected a whole number"))
    #expect(try problem(#"{"a":\#(entry("[1e9]", "[0,4]"))}"#, data: 4).hasSuffix("expected a whole number"))
    #expect(try problem(#"{"a":\#(entry("[01]", "[0,4]"))}"#, data: 4).hasSuffix("a number begins with 0"))
    #expect(try problem(#"{"a":\#(entry("[9223372036854775808]", "[0,4]"))}"#, data: 4).hasSuffix("the number is too large"))
    #expect(
      try problem(#"{"a":\#(entry("[4194305,4194305,211106198978564]", "[0,4]"))}"#, data: 4)
        == #"entry "a": the shape [4194305, 4194305, 211106198978564] is larger than any machine can hold"#)
    #expect(
      try problem(#"{"a":\#(entry("[0,4611686018427387904,4611686018427387904]", "[0,0]"))}"#)
        == #"entry "a": the shape [0, 4611686018427387904, 4611686018427387904] is larger than any machine can hold"#)
    #expect(
      try problem(#"{"a":\#(entry("[1000000000000]", "[0,4000000000000]"))}"#, data: 4)
        == #"entry "a" lies at bytes 0 to 4000000000000 of 4 bytes of data"#)
    #expect(
      try problem(#"{"a":\#(entry("[2]", "[0,4]"))}"#, data: 4)
        == #"entry "a": F32 of shape [2] needs 8 bytes, but its data_offsets span 4"#)
    #expect(try problem(#"{"a":\#(entry("[1]", "[4,0]"))}"#, data: 4) == #"entry "a": data_offsets [4, 0] run backwards"#)
    #expect(try problem(#"{"a":\#(entry("[1]", "[0]"))}"#, data: 4) == #"entry "a": data_offsets must be two numbers"#)
    #expect(try problem(#"{"a":\#(entry("[1]", "[0,4,8]"))}"#, data: 4) == #"entry "a": data_offsets must be two numbers"#)
    let many = "[" + Array(repeating: "1", count: 33).joined(separator: ",") + "]"
    #expect(try problem(#"{"a":\#(entry(many, "[0,4]"))}"#, data: 4) == #"entry "a": more than 32 dimensions"#)
    #expect(
      try problem(hostile(#"{"a":\#(entry("[1]", "[0,1]", type: "BOOL"))}"#) + Data([2]))
        == #"entry "a": a BOOL element is neither 0 nor 1"#)
  }

  @Test func places() throws {
    let (first, second) = (entry("[1]", "[0,4]"), entry("[1]", "[4,8]"))
    #expect(try problem(#"{"b":\#(second),"a":\#(first)}"#, data: 8) == "read 2 tensors")
    #expect(try problem(#"{"a":\#(first),"b":\#(entry("[1]", "[2,6]"))}"#, data: 6) == #"entry "b" overlaps the entry before it"#)
    #expect(try problem(#"{"a":\#(first),"b":\#(first)}"#, data: 4) == #"entry "b" overlaps the entry before it"#)
    #expect(try problem(#"{"a":\#(second)}"#, data: 8) == #"4 bytes before entry "a" belong to no entry"#)
    #expect(try problem(#"{"a":\#(first)}"#, data: 9) == "the last 5 bytes belong to no entry")
    #expect(try problem(#"{"a":\#(first)}"#, data: 3) == #"entry "a" lies at bytes 0 to 4 of 3 bytes of data"#)
    #expect(try problem(#"{"a":\#(first),"a":\#(second)}"#, data: 8) == #"two entries are named "a""#)
    // Two spellings of one name.
    #expect(try problem(#"{"a":\#(first),"\u0061":\#(second)}"#, data: 8) == #"two entries are named "a""#)
  }

  @Test func namesCannotForgeALine() throws {
    #expect(try problem(#"{"a\nerror: b\u001b[2J":{}}"#) == #"entry "a\nerror: b\u001b[2J": dtype is missing"#)
    #expect(try problem(#"{"a\u202eb":{}}"#) == #"entry "a\u202eb": dtype is missing"#)
    let long = String(repeating: "x", count: 1000)
    #expect(try problem(#"{"\#(long)":{}}"#) == "entry \"\(long.prefix(77))...\": dtype is missing")
  }

  @Test func nestingAndNumbersOfEntriesAreBounded() throws {
    let deep = String(repeating: "[", count: 1_000_000)
    #expect(try problem(#"{"a":"# + deep) == #"the header is damaged at byte 5: expected "{""#)
    #expect(try problem(#"{"a":{"shape":"# + deep).hasSuffix("expected a whole number"))
    #expect(try problem(String(repeating: #"{"a":"#, count: 200_000)) == "the header is damaged at byte 636: it nests deeper than 125")
    let entries = (0..<100_000).map { #""\#($0)":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}"# }.joined(separator: ",")
    #expect(try problem("{" + entries + "}") == "it has more than 65536 entries")
    let numbers = String(repeating: "1,", count: 500_000) + "1"
    #expect(try problem(#"{"a":{"shape":[\#(numbers)]}}"#) == #"entry "a": more than 32 dimensions"#)
  }

  @Test func memoryDoesNotGrowByWhatAFileClaims() throws {
    let gigabytes = entry("[1073741824]", "[0,4294967296]")
    _ = try problem(#"{"a":\#(gigabytes)}"#, data: 16)
    let before = residentBytes()
    for _ in 0..<10 {
      #expect(try problem(#"{"a":\#(gigabytes)}"#, data: 16) == #"entry "a" lies at bytes 0 to 4294967296 of 16 bytes of data"#)
    }
    if let before, let after = residentBytes() { #expect(after - before < 64 << 20) }
  }

  @Test func whatIsNoFile() throws {
    try withTemporaryDirectory { folder throws in
      #expect(throws: TensorArchiveError.reading(path: folder, problem: "it is a folder")) { try TensorArchive(contentsOf: folder) }
      let missing = folder + "/missing"
      #expect(throws: TensorArchiveError.reading(path: missing, problem: "No such file or directory")) {
        try TensorArchive(contentsOf: missing)
      }
      // A pipe that nobody writes to must not hold us.
      let pipe = folder + "/pipe"
      #expect(mkfifo(pipe, 0o600) == 0)
      #expect(throws: TensorArchiveError.reading(path: pipe, problem: "it is not a file")) { try TensorArchive(contentsOf: pipe) }
    }
  }
}
