import Foundation
import TestSupport
import Testing
import Torch

/// Thousands of mutations of good files: each one loads or throws one line.
@Suite struct TensorArchiveFuzzTests {
  /// Numbers at the edges of what arithmetic and formats hold.
  private static let numbers = [
    "0", "1", "-1", "4", "255", "65536", "2147483647", "2147483648", "4294967295", "4294967296", "4194305", "211106198978564",
    "4611686018427387904", "9223372036854775807", "9223372036854775808", "18446744073709551615", "99999999999999999999999", "1e5", "0.5",
  ]

  @Test(arguments: 0..<8) func everyMutationLoadsOrThrows(seed: Int) throws {
    var random = RandomStream(seed: UInt64(seed))
    try withTemporaryDirectory { folder throws in
      try exampleArchive().write(to: folder + "/good")
      let good = [
        Array(try Data(contentsOf: URL(fileURLWithPath: folder + "/good"))), Array(try Data(contentsOf: reference("archive.golden"))),
      ]
      var loaded = 0
      for round in 0..<500 {
        let bytes = Self.mutated(good.randomElement(using: &random) ?? [], other: good[round % 2], &random)
        try Data(bytes).write(to: URL(fileURLWithPath: folder + "/mutant"))
        do {
          let archive = try TensorArchive(contentsOf: folder + "/mutant")
          loaded += 1
          for tensor in archive.tensors.values { #expect(try tensor.bytes().count == tensor.byteCount) }
        } catch let error as TensorArchiveError {
          #expect(!error.description.contains("\n"), "seed \(seed), round \(round)")
        }
      }
      // Mutations of the data alone do no harm to the format, so some must load; and most must not.
      #expect(loaded > 5 && loaded < 400, "seed \(seed)")
    }
  }

  private static func mutated(_ good: [UInt8], other: [UInt8], _ random: inout RandomStream) -> [UInt8] {
    var bytes = good
    func place(_ random: inout RandomStream) -> Int { Int.random(in: 0..<max(bytes.count, 1), using: &random) }
    for _ in 0...Int.random(in: 0...2, using: &random) where !bytes.isEmpty {
      switch Int.random(in: 0..<7, using: &random) {
      case 0: bytes[place(&random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
      case 1: bytes[place(&random)] = .random(in: 0...255, using: &random)
      case 2: bytes.removeLast(bytes.count - place(&random))
      case 3:
        let (from, to) = (place(&random), place(&random))
        bytes.removeSubrange(min(from, to)..<max(from, to))
      case 4: bytes.insert(contentsOf: other.suffix(Int.random(in: 0...other.count, using: &random)).prefix(64), at: place(&random))
      case 5:
        let length = UInt64.random(in: 0...UInt64(bytes.count * 2), using: &random)
        withUnsafeBytes(of: length.littleEndian) { for i in 0..<min(8, bytes.count) { bytes[i] = $0[i] } }
      default: bytes = withNumberReplaced(bytes, &random)
      }
    }
    return bytes
  }

  /// One run of digits of the header becomes a hostile number, and the header's length is put right.
  private static func withNumberReplaced(_ bytes: [UInt8], _ random: inout RandomStream) -> [UInt8] {
    guard bytes.count > 8, bytes[2..<8].allSatisfy({ $0 == 0 }) else { return bytes }
    let length = Int(bytes[0]) | Int(bytes[1]) << 8
    guard 8 + length <= bytes.count else { return bytes }
    var header = Array(bytes[8..<8 + length])
    let digits = header.indices.filter { (48...57).contains(header[$0]) }
    guard let start = digits.randomElement(using: &random) else { return bytes }
    let end = header[start...].firstIndex { !(48...57).contains($0) } ?? header.endIndex
    header.replaceSubrange(start..<end, with: Array((numbers.randomElement(using: &random) ?? "").utf8))
    return [UInt8(header.count & 255), UInt8(header.count >> 8), 0, 0, 0, 0, 0, 0] + header + bytes[(8 + length)...]
  }
}
