import Foundation
import Results
import Testing

@Suite struct InputReadsTests {
  /// Two channels of two rows of three pixels: 1 + 10, 2 + 20, … in the order of the image.
  @Test func channelsAreCountedTogether() {
    let reads = InputReads(layer: "fc1", elements: [1, 2, 0, 4, 0, 6, 10, 20, 0, 40, 0, 0], height: 2, width: 3)
    #expect(reads.counts == [[11, 22, 0], [44, 0, 6]] && reads.pixels == 6 && reads.read == 4)
  }

  /// A line for each row of the image.
  @Test func coding() throws {
    let reads = InputReads(layer: "fc1", counts: [[0, 12], [3, 0]])
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let text = String(decoding: try encoder.encode(reads), as: UTF8.self)
    #expect(text == #"{"counts":["0 12","3 0"],"layer":"fc1"}"#)
    #expect(try JSONDecoder().decode(InputReads.self, from: Data(text.utf8)) == reads)
  }

  @Test(arguments: ["\"0 1\", \"2\"", "\"-1\"", "\"1.5\"", "\"9223372036854775807\"", "\"a\"", "7"]) func whatIsNoPictureIsRefused(
    counts: String
  ) {
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(InputReads.self, from: Data("{\"layer\": \"fc1\", \"counts\": [\(counts)]}".utf8))
    }
  }
}
