import Networks
import Pruning
import Testing

/// Random masks of a pattern.
@Suite struct PatternSampleTests {
  private let linear = Operation.linear(Linear(10, 6))
  private let convolution = Operation.convolution(Convolution(4, 3, kernel: Extent(3)))

  /// Of 10 columns the last two are blocks of 4×2, of 6 rows the last two of 2×4 and 2×2.
  @Test func blocksStayWhole() throws {
    let mask = try #require(WeightPattern.block(rows: 4, columns: 4).sample(keeping: 20, of: linear, seed: 1))
    #expect(mask.count == 60)
    for block in [(0..<4, 0..<4), (0..<4, 4..<8), (0..<4, 8..<10), (4..<6, 0..<4), (4..<6, 4..<8), (4..<6, 8..<10)] {
      #expect(Set(block.0.flatMap { row in block.1.map { mask[row * 10 + $0] } }).count == 1)
    }
    // Of few blocks two seeds may choose the same ones.
    #expect(Set((1...8).compactMap { WeightPattern.block(rows: 4, columns: 4).sample(keeping: 20, of: linear, seed: $0) }).count > 1)
  }

  /// Blocks of 1×2, and kernels of 9 weights.
  @Test(arguments: [(0, 0, 0), (1, 2, 0), (4, 4, 0), (5, 6, 9), (9, 10, 9), (13, 14, 9), (14, 14, 18)])
  func asManyStayAsWholeBlocksCome(count: Int, pairs: Int, kernels: Int) {
    #expect(WeightPattern.block(rows: 1, columns: 2).sample(keeping: count, of: linear, seed: 3)?.count { $0 } == pairs)
    #expect(WeightPattern.kernel.sample(keeping: count, of: convolution, seed: 3)?.count { $0 } == kernels)
  }

  /// Six rows of two groups of four and a group of two: two, two and one can stay.
  @Test func groupsGetExactlyAsMany() throws {
    for count in [1, 7, 29, 30] {
      let mask = try #require(WeightPattern.nm(kept: 2, of: 4).sample(keeping: count, of: linear, seed: 4))
      #expect(mask.count { $0 } == count)
      for row in 0..<6 {
        for (group, most) in [(0..<4, 2), (4..<8, 2), (8..<10, 1)] { #expect(group.count { mask[row * 10 + $0] } <= most) }
      }
    }
    #expect(WeightPattern.nm(kept: 2, of: 4).sample(keeping: 31, of: linear, seed: 4) == nil)
  }

  @Test func layersThatAPatternLeavesAloneHaveNone() {
    #expect(WeightPattern.kernel.sample(keeping: 5, of: linear, seed: 1) == nil)
    #expect(WeightPattern.block(rows: 2, columns: 2).sample(keeping: 5, of: .flatten, seed: 1) == nil)
  }
}
