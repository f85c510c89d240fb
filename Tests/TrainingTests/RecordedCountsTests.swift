import Foundation
import Testing
import Training

@Suite struct RecordedCountsTests {
  @Test func whatRecordsHold() throws {
    try RecordedCounts.check(Data(#"{"a": 0, "b": [1, 2.5, -0.5, 1e300, true, null, "9223372036854775807"], "c": {"seed": 7}}"#.utf8))
    // Each fits by itself, both together are too many to add up.
    try RecordedCounts.check(Data("[\(1 << 49)]".utf8))
    #expect(throws: PlanError("1 cannot be 1")) { try RecordedCounts.check(Data("[\(1 << 49), 1]".utf8)) }
  }

  @Test(arguments: [
    (#"{"phase": -1}"#, "phase cannot be -1"), (#"{"a": {"b": [3, -2]}}"#, "a.b.1 cannot be -2"),
    (#"{"units": 9223372036854775807}"#, "units cannot be 9223372036854775807"), (#"{"loss": 012.5}"#, "it is not JSON"),
    ("", "it is not JSON"),
  ])
  func numbersThatAreNoCounts(json: String, words: String) {
    #expect(throws: PlanError(words)) { try RecordedCounts.check(Data(json.utf8)) }
  }

  @Test func seedsAreNoCounts() throws {
    try RecordedCounts.check(Data(#"{"seed": 18446744073709551615, "round": 1}"#.utf8), except: ["seed"])
    try RecordedCounts.check(Data(#"{"seed": 9223372036854775807, "round": 1}"#.utf8), except: ["seed"])
  }
}
