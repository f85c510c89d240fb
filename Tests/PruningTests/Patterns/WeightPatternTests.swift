import Foundation
import Pruning
import Testing
import Training

/// How patterns are written and read.
@Suite struct WeightPatternTests {
  @Test(arguments: [
    ("block:4x4", WeightPattern.block(rows: 4, columns: 4)), ("block:1x1024", .block(rows: 1, columns: 1024)), ("kernel", .kernel),
    ("nm:2:4", .nm(kept: 2, of: 4)), ("nm:63:64", .nm(kept: 63, of: 64)),
  ])
  func goesThereAndBack(text: String, pattern: WeightPattern) throws {
    #expect(try WeightPattern(text) == pattern)
    #expect(pattern.description == text)
    let json = try JSONEncoder().encode([pattern])
    #expect(String(decoding: json, as: UTF8.self) == "[\"\(text)\"]")
    #expect(try JSONDecoder().decode([WeightPattern].self, from: json) == [pattern])
  }

  @Test(arguments: [
    "block:0x4", "block:4", "block:4x", "block:x4", "block:4x4x4", "block:1025x1", "block:-1x4", "block:+4x4", "block", "block:4x4:2",
  ])
  func refusesBlocks(text: String) {
    #expect(throws: PlanError("--granularity \"\(text)\" is impossible: give rows and columns of 1 to 1024, e.g. block:4x4")) {
      try WeightPattern(text)
    }
  }

  @Test(arguments: ["nm:0:4", "nm:4:4", "nm:5:4", "nm:2:65", "nm:2", "nm:2:4:8", "nm", "nm:a:b", "nm:99999999999999999999:4"])
  func refusesGroups(text: String) {
    #expect(
      throws: PlanError(
        "--granularity \"\(text)\" is impossible: give how many of how many inputs stay, fewer than all of at most 64, e.g. nm:2:4")
    ) { try WeightPattern(text) }
  }

  @Test(arguments: ["", "weights", "kernel:3", "Block:4x4", "2:4"])
  func refusesOtherWords(text: String) {
    let words = "unknown granularity \"\(text)\": choose weight, unit, filter, block:RxC, kernel, nm:N:M"
    #expect(throws: PlanError(words)) { try WeightPattern(text) }
    #expect(throws: DecodingError.self) { try JSONDecoder().decode([WeightPattern].self, from: Data("[\"\(text)\"]".utf8)) }
  }

  @Test func onlyGroupsFixTheSparsity() {
    #expect(WeightPattern.nm(kept: 1, of: 4).sparsity == 0.75 && WeightPattern.nm(kept: 2, of: 4).sparsity == 0.5)
    #expect(WeightPattern.kernel.sparsity == nil && WeightPattern.block(rows: 2, columns: 2).sparsity == nil)
  }
}
