import Datasets
import Testing

@Suite struct FingerprintTests {
  private func images(_ bytes: [UInt8], _ labels: [Int64], height: Int = 1, classes: Int = 2) throws -> ExampleSet {
    try ExampleSet(
      bytes: bytes, labels: labels, channels: 1, height: height, width: 2 / height, classNames: (0..<classes).map { "\($0)" })
  }

  /// By Python: `hashlib.sha256(struct.pack("<5Q", 1, 1, 2, 2, 2) + bytes([1, 2, 3, 4]) + struct.pack("<2q", 0, 1)).hexdigest()`.
  @Test func isThatOfTheBytes() throws {
    let set = try images([1, 2, 3, 4], [0, 1])
    #expect(try set.fingerprint == "7974a49f855bc30334c4272afcf73b9060dae87afe53515a213b228895a8a0d7")
    #expect(try set.selecting([0, 1]).fingerprint == set.fingerprint)
  }

  @Test func everythingCounts() throws {
    let set = try images([1, 2, 3, 4], [0, 1])
    let others = try [
      images([1, 2, 3, 5], [0, 1]), images([1, 2, 3, 4], [1, 1]), images([1, 2, 3, 4], [0, 1], height: 2),
      images([1, 2, 3, 4], [0, 1], classes: 3), set.selecting([1, 0]), set.selecting([0]), set.selecting([0, 1, 1]),
      set.withoutLabels(), images([1, 2, 3, 4], [0, 0]),
    ]
    #expect(try Set((others + [set]).map { try $0.fingerprint }).count == 10)
  }
}
