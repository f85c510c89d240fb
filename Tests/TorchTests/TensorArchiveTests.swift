import Foundation
import TestSupport
import Testing
import Torch

/// Whether Python can read safetensors files here.
private let pythonReadsSafetensors = run("python3", "-c", "import numpy, safetensors").status == 0

private func run(_ arguments: String...) -> (status: Int32, output: String) {
  let process = Process()
  let pipe = Pipe()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = arguments
  process.standardOutput = pipe
  process.standardError = pipe
  do { try process.run() } catch { return (-1, "\(error)") }
  let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  return (process.terminationStatus, output)
}

/// One tensor of each kind, with a channels-last one and names and texts that need escapes.
func exampleArchive() throws -> TensorArchive {
  TensorArchive(
    tensors: [
      "bool": try Tensor([true, false, true]),
      "empty": try .zeros([0, 2]),
      "float32": try Tensor([1.5, -2, 3, 4] as [Float], shape: [2, 2]),
      "float64": try Tensor([1.0 / 3]),
      "int32": try Tensor([-1, 2] as [Int32]),
      "int64": try Tensor([.min, .max] as [Int64], shape: [2, 1]),
      "scalar": try .scalar(42),
      "uint8": try Tensor([0, 255] as [UInt8]),
      "é 🌳": try Tensor.range(16, type: .float32).reshaped([1, 2, 2, 4]).permuted([0, 3, 1, 2]),
    ],
    metadata: ["key": "value \"quoted\" \\ \n\t\u{1} é 🌳", "empty": ""])
}

@Suite struct TensorArchiveTests {
  @Test func whatIsWrittenIsRead() throws {
    try withTemporaryDirectory { folder throws in
      let archive = try exampleArchive()
      try archive.write(to: folder + "/a")
      let read = try TensorArchive(contentsOf: folder + "/a")
      #expect(read.metadata == archive.metadata)
      #expect(read.tensors.keys.sorted() == archive.tensors.keys.sorted())
      for (name, tensor) in archive.tensors {
        let found = try #require(read.tensors[name])
        #expect(found.shape == tensor.shape && found.elementType == tensor.elementType, "\(name)")
        #expect(try found.bytes() == tensor.bytes(), "\(name)")
      }
    }
  }

  @Test func bytesAreDeterminedAndAligned() throws {
    try withTemporaryDirectory { folder throws in
      let archive = TensorArchive(
        tensors: ["b": try Tensor([true]), "a": try Tensor([2] as [Float]), "c": try Tensor([1] as [Float])],
        metadata: ["z": "1", "y": "2"])
      try archive.write(to: folder + "/a")
      let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/a"))
      let header =
        #"{"__metadata__":{"y":"2","z":"1"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
        + #""c":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"b":{"dtype":"BOOL","shape":[1],"data_offsets":[8,9]}}"#
      let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
      #expect(data.count == 8 + padded.utf8.count + 9)
      #expect(data.prefix(8).elementsEqual([UInt8(padded.utf8.count), 0, 0, 0, 0, 0, 0, 0]))
      #expect(String(decoding: data.dropFirst(8).dropLast(9), as: UTF8.self) == padded)
      #expect(data.suffix(9).elementsEqual([0, 0, 0, 0x40, 0, 0, 0x80, 0x3F, 1]))

      try TensorArchive(contentsOf: folder + "/a").write(to: folder + "/b")
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/b")) == data)
    }
  }

  @Test func anEmptyArchive() throws {
    try withTemporaryDirectory { folder throws in
      try TensorArchive().write(to: folder + "/a")
      let read = try TensorArchive(contentsOf: folder + "/a")
      #expect(read.tensors.isEmpty && read.metadata.isEmpty)
    }
  }

  @Test func readsWhatPythonWrote() throws {
    let archive = try TensorArchive(contentsOf: reference("archive.golden").path)
    #expect(archive.metadata == ["format": "pt", "note": "line 1\nline 2 \u{1F} é 🌳"])
    #expect(archive.tensors.count == 11)
    func array<Element: TensorElement>(_ name: String, _ shape: [Int]) throws -> [Element] {
      let tensor = try #require(archive.tensors[name])
      #expect(tensor.shape == shape, "\(name)")
      return try tensor.array()
    }
    // The tests run with denormals flushed or not, so they compare bits.
    #expect(
      try array("float32", [2, 3]).map(\Float.bitPattern) == [1.5, -2.25, 0, 3e38, .leastNonzeroMagnitude, -0.0].map(\Float.bitPattern))
    #expect(try array("float64", [2]) == [1.0 / 3, -1e300])
    #expect(try array("int64", [1, 2]) == [Int64.min, .max])
    #expect(try array("int32", [2]) == [Int32.min, 7])
    #expect(try array("uint8", [3]) == [0, 127, 255] as [UInt8])
    #expect(try array("bool", [3]) == [true, false, true])
    #expect(try array("half", [6]) == [1, -65504, 5.9604645e-08, 0.33325195, .infinity, 6.1035156e-05] as [Float])
    #expect(try array("bfloat16", [3]) == [1, -3.140625, Float(bitPattern: 0x7E96_0000)])
    #expect(try array("scalar", []) == [42] as [Float])
    #expect(try array("empty", [0, 3]) == [] as [Float])
    #expect(try array("naïve \"name\" ✂", [1]) == [8] as [Float])
  }

  @Test(.enabled(if: pythonReadsSafetensors)) func pythonReadsWhatIsWritten() throws {
    try withTemporaryDirectory { folder throws in
      try exampleArchive().write(to: folder + "/a")
      let (status, output) = run("python3", reference("archives.py").path, "check", folder + "/a")
      #expect(status == 0 && output == "ok\n", "\(output)")
    }
  }

  @Test func everyHalfIsWidenedExactly() throws {
    // All 65,536 of them, against the definition: (−1)^s · 2^(e−15) · 1.f, below 2^−14 · 0.f.
    let halves = (0...UInt16.max).map { $0 }
    try withTemporaryDirectory { folder throws in
      var file = hostile(#"{"h":{"dtype":"F16","shape":[65536],"data_offsets":[0,131072]}}"#)
      halves.withUnsafeBytes { file.append(contentsOf: $0) }
      try file.write(to: URL(fileURLWithPath: folder + "/a"))
      let found = try #require(TensorArchive(contentsOf: folder + "/a").tensors["h"]).array(Float.self)
      for (half, value) in zip(halves, found) {
        let (negative, exponent, fraction) = (half >> 15 == 1, Int(half >> 10 & 31), Double(half & 1023) / 1024)
        let size = exponent == 0 ? fraction / 16384 : (1 + fraction) * exp2(Double(exponent - 15))
        let expected = exponent == 31 ? (fraction == 0 ? Double.infinity : .nan) : size
        #expect(
          expected.isNaN ? value.isNaN : value.bitPattern == Float(negative ? -expected : expected).bitPattern, "half \(half)")
      }
    }
  }

  /// More of them than are read at once.
  @Test func manyHalvesComeInOrder() throws {
    let halves = (0..<150_000).map { UInt16($0 * 7 % 31_744) }
    try withTemporaryDirectory { folder throws in
      var file = hostile(#"{"h":{"dtype":"F16","shape":[150000],"data_offsets":[0,300000]}}"#)
      halves.withUnsafeBytes { file.append(contentsOf: $0) }
      try file.write(to: URL(fileURLWithPath: folder + "/a"))
      let found = try #require(TensorArchive(contentsOf: folder + "/a").tensors["h"]).array(Float.self)
      func value(_ half: UInt16) -> Double {
        let fraction = Double(half & 1023) / 1024
        return half < 1024 ? fraction / 16384 : (1 + fraction) * exp2(Double(half >> 10) - 15)
      }
      let wrong = halves.indices.first { Double(found[$0]) != value(halves[$0]) }
      #expect(found.count == 150_000 && wrong == nil, "the first wrong one is \(wrong ?? 0)")
    }
  }
}

/// The bytes of a file with this header, without its data.
func hostile(_ header: String, claiming length: UInt64? = nil) -> Data {
  var data = withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) { Data($0) }
  data.append(contentsOf: header.utf8)
  return data
}
