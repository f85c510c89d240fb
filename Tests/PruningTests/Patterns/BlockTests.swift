import Networks
import Pruning
import Testing
import Torch
import Training

/// Blocks and kernels, on matrices small enough to be worked out by hand.
@Suite struct BlockTests {
  /// Three rows of five: whole blocks of 2×2 and smaller ones at both edges, of means 1, 9, 3 and 8, 2, 4.
  private static let matrix: [Float] = [
    1, 1, 9, 9, 3,
    1, 1, 9, 9, 3,
    8, 8, 2, 2, 4,
  ]
  private static let square = WeightPattern.block(rows: 2, columns: 2)

  private func removed(
    _ count: Int, by pattern: WeightPattern = BlockTests.square, rounding: Rounding = .round, reduction: GroupReduction = .mean
  ) throws -> Selection {
    let network = try PatternFixtures.linear(5, 3)
    return try pattern.selection(
      .count(count), of: PatternFixtures.scored(network, Self.matrix), in: network,
      rule: SelectionRule(.global, rounding: rounding), reduction: reduction)
  }

  private func indices(_ selection: Selection) throws -> [Int] {
    let kept = try #require(selection.layers.first).kept.contiguous().array(Bool.self)
    return kept.indices.filter { !kept[$0] }
  }

  /// In the order of their means blocks of 4, 2, 2, 1, 2 and 4 weights leave.
  @Test(arguments: [
    (0, [0, 0, 0]), (1, [0, 0, 4]), (2, [4, 0, 4]), (4, [4, 4, 4]), (5, [6, 4, 6]), (7, [8, 6, 8]), (8, [8, 8, 8]), (9, [9, 9, 9]),
    (10, [11, 9, 11]), (12, [11, 11, 15]), (13, [15, 11, 15]), (15, [15, 15, 15]),
  ])
  func countsAreMetByWholeBlocks(count: Int, gone: [Int]) throws {
    for (rounding, expected) in zip([Rounding.round, .floor, .ceil], gone) {
      let selection = try removed(count, rounding: rounding)
      #expect(selection.removed == expected && selection.asked == count, "\(rounding)")
    }
  }

  @Test func wholeBlocksLeaveWhereverTheyLie() throws {
    #expect(try indices(removed(4)) == [0, 1, 5, 6])
    #expect(try indices(removed(6)) == [0, 1, 5, 6, 12, 13])
    #expect(try indices(removed(9)) == [0, 1, 4, 5, 6, 9, 12, 13, 14])
    // Rows of four and one: means 5, 3, 5, 3, 5, 4.
    #expect(try indices(removed(3, by: .block(rows: 1, columns: 4))) == [4, 9, 14])
    // Columns: two rows and one; means 1, 1, 9, 9, 3, 8, 8, 2, 2, 4.
    #expect(try indices(removed(4, by: .block(rows: 2, columns: 1))) == [0, 1, 5, 6])
  }

  /// Sums are 4, 36, 6, 16, 4, 4: three blocks are equal, and the first is the largest.
  @Test func sumsFavourSmallBlocksAndTiesAreTold() throws {
    let selection = try removed(4, reduction: .sum)
    #expect(try indices(selection) == [0, 1, 5, 6])
    #expect(selection.ties.decided == 4 && selection.ties.equal == 7 && selection.ties.ranked == 15 && selection.ties.score == "4")
    #expect(try indices(removed(6, reduction: .sum)) == [0, 1, 5, 6, 12, 13])
    #expect(try removed(7, reduction: .sum).ties.decided == 0)
    #expect(try removed(4).ties.decided == 0)
  }

  @Test func theLargestScoreCanDecide() throws {
    let network = try PatternFixtures.linear(4, 1)
    let layers = try PatternFixtures.scored(network, [0, 5, 3, 3])
    for (reduction, expected) in [(GroupReduction.mean, [0, 1]), (.max, [2, 3])] {
      let selection = try WeightPattern.block(rows: 1, columns: 2).selection(
        .count(2), of: layers, in: network, rule: SelectionRule(.global), reduction: reduction)
      #expect(try indices(selection) == expected)
    }
  }

  /// What left before counts in no block, and a block of which it was all is not there any more.
  @Test func whatLeftBeforeCountsNoMore() throws {
    let network = try PatternFixtures.linear(6, 1)
    let kept = [false, false, true, false, true, true]
    let layers = try PatternFixtures.scored(network, [0, 0, 5, 0, 4, 4], kept: kept)
    let selection = try WeightPattern.block(rows: 1, columns: 2).selection(
      .ofOriginal(5 / 6), of: layers, in: network, rule: SelectionRule(.layer))
    // Four of six are asked for in all besides those gone: the pair of mean 4, not the single weight of mean 5.
    #expect(selection.asked == 2 && selection.removed == 2 && selection.layers[0].before == 3)
    #expect(try indices(selection) == [0, 1, 3, 4, 5])
  }

  /// Two taps, side by side in memory: channels 0 and 1 at the first tap are weights 0 and 2.
  @Test func convolutionsTakeChannelsAtOneTap() throws {
    let network = try PatternFixtures.convolution(4, 2, taps: 2)
    let layers = try PatternFixtures.scored(network, [1, 5, 1, 5, 6, 2, 6, 2] + Array(repeating: 7, count: 8))
    func gone(_ count: Int, _ pattern: WeightPattern) throws -> [Int] {
      try indices(pattern.selection(.count(count), of: layers, in: network, rule: SelectionRule(.global)))
    }
    #expect(try gone(2, .block(rows: 1, columns: 2)) == [0, 2])
    #expect(try gone(4, .block(rows: 1, columns: 2)) == [0, 2, 5, 7])
    // Kernels are pairs of neighbours: means 3, 3, 4, 4.
    #expect(try gone(2, .kernel) == [0, 1])
    #expect(try gone(6, .kernel) == [0, 1, 2, 3, 4, 5])
    // Both filters: means 4, 6 and 6.5, 4.5.
    #expect(try gone(4, .block(rows: 2, columns: 2)) == [0, 2, 8, 10])
  }

  /// Outputs of two groups read different channels: no block has both.
  @Test func blocksEndWithTheirGroup() throws {
    let network = try PatternFixtures.convolution(4, 6, taps: 1, groups: 2)
    let layers = try PatternFixtures.scored(network, [9, 9, 9, 9, 1, 1, 2, 2, 2, 2, 8, 8])
    func gone(_ count: Int) throws -> [Int] {
      try indices(WeightPattern.block(rows: 2, columns: 2).selection(.count(count), of: layers, in: network, rule: SelectionRule(.global)))
    }
    #expect(try gone(2) == [4, 5])
    #expect(try gone(6) == [4, 5, 6, 7, 8, 9])
  }

  @Test func thresholdsTakeBlocksByTheirMean() throws {
    let network = try PatternFixtures.linear(5, 3)
    var layers = try PatternFixtures.scored(network, Self.matrix)
    func gone(_ amount: RemovalAmount) throws -> Int {
      try Self.square.selection(amount, of: layers, in: network, rule: SelectionRule(.layer)).removed
    }
    #expect(try gone(.below(1)) == 0)
    #expect(try gone(.below(3.5)) == 8)
    #expect(try gone(.below(100)) == 15)
    layers[0].deviation = 2
    #expect(try gone(.belowDeviations(1.25)) == 6)
  }

  /// Half of each layer stays, whatever its scores; the other layer loses what the first must keep.
  @Test func floorsHoldInWholeBlocks() throws {
    var builder = NetworkBuilder("two", input: .vector(4))
    builder.linear("a", 2)
    builder.linear("b", 4)
    let network = try builder.network()
    let layers = [
      ScoredLayer(name: "a", scores: try Tensor((0..<8).map { Float($0 / 2) }, shape: [2, 4])),
      ScoredLayer(name: "b", scores: try Tensor((0..<8).map { Float(10 + $0 / 2) }, shape: [4, 2])),
    ]
    let selection = try WeightPattern.block(rows: 1, columns: 2).selection(
      .count(8), of: layers, in: network, rule: SelectionRule(.global, minimumLayerDensity: 0.5))
    #expect(selection.layers.map(\.removed) == [4, 4])
    let error = #expect(throws: PruningError.self) {
      try WeightPattern.kernel.selection(.count(9), of: layers, in: network, rule: SelectionRule(.global, minimumLayerDensity: 0.5))
    }
    #expect(error?.description == "cannot remove 9 of 16: at least 8 must stay (a 4, b 4)")
  }

  /// Six weights of each layer are asked for: the first gives two blocks, eight, and so the second one.
  @Test func whatALayerRoundsAwayIsAskedOfTheNext() throws {
    var builder = NetworkBuilder("two", input: .vector(4))
    builder.linear("a", 3)
    builder.linear("b", 4)
    let network = try builder.network()
    let layers = [
      ScoredLayer(name: "a", scores: try Tensor((0..<12).map { Float($0 / 4) }, shape: [3, 4])),
      ScoredLayer(name: "b", scores: try Tensor((0..<12).map { Float($0 / 3) }, shape: [4, 3])),
    ]
    let pattern = WeightPattern.block(rows: 1, columns: 4)
    func removed(_ allocation: Allocation) throws -> [Int] {
      try pattern.selection(.ofOriginal(0.5), of: layers, in: network, rule: SelectionRule(allocation)).layers.map(\.removed)
    }
    #expect(try removed(.uniform) == [8, 3])
    #expect(try removed(.layer) == [8, 6])
  }

  @Test func errorsNameTheLayer() throws {
    let network = try PatternFixtures.linear(4, 1)
    let error = #expect(throws: PruningError.self) {
      try Self.square.selection(
        .count(1), of: PatternFixtures.scored(network, [1, .nan, 1, 1]), in: network, rule: SelectionRule(.global), criterion: "magnitude")
    }
    #expect(error?.description == "layer: criterion magnitude gives a score that is not a number (NaN)")
    let other = try PatternFixtures.scored(PatternFixtures.linear(3, 1), [1, 2, 3])
    #expect(throws: PruningError.mismatch("layer: scores of shape [1, 3] and a mask of shape [1, 3] do not fit")) {
      try Self.square.selection(.count(1), of: other, in: network, rule: SelectionRule(.global))
    }
  }

  /// Blocks of one weight are weights, to the last tie and under every distribution over the layers.
  @Test(arguments: 0..<12)
  func blocksOfOneWeightAreWeights(seed: UInt64) throws {
    var random = Seeded(seed + 400)
    let network = try TinyNetworks.sequential(&random)
    let model = try network.randomModel(seed: seed, type: .float32)
    let layers = try model.weightScores(.magnitude)
    let one = WeightPattern.block(rows: 1, columns: 1)
    let amount = RemovalAmount.ofOriginal(Double(random.below(95)) / 100)
    for allocation in [Allocation.layer, .global, .uniform, .erk, .lamp, .scoped([["conv*"], ["fc*", "out"]])] {
      let rule = SelectionRule(allocation, minimumLayerDensity: 0.02, normalization: random.chance(0.5) ? .l2 : .none)
      let whole = try Selection(amount, of: layers, rule: rule)
      let blocks = try one.selection(amount, of: layers, in: network, rule: rule)
      #expect(blocks.asked == whole.asked && blocks.askedInAll == whole.askedInAll && blocks.removed == whole.removed)
      for (a, b) in zip(blocks.layers, whole.layers) {
        #expect(try a.kept.contiguous().array(Bool.self) == b.kept.contiguous().array(Bool.self), "seed \(seed), \(allocation), \(a.name)")
      }
    }
  }

  /// Whole blocks alone leave, and with what is asked nothing nearer was possible in the order of the ranking.
  @Test(arguments: 0..<20)
  func nothingButWholeBlocksLeaves(seed: UInt64) throws {
    var random = Seeded(seed + 900)
    let network = try TinyNetworks.sequential(&random)
    let model = try network.randomModel(seed: seed, type: random.chance(0.5) ? .float32 : .float64)
    let pattern =
      [
        WeightPattern.block(rows: 1 + random.below(4), columns: 1 + random.below(4)), .block(rows: 1, columns: 4),
        .block(rows: 4, columns: 1),
        .kernel,
      ][random.below(4)]
    var plan = PruningPlan(
      criterion: .magnitude, granularity: .weight, pattern: pattern, allocation: [.global, .layer, .erk][random.below(3)],
      amount: .total(Double(1 + random.below(90)) / 100), timing: .rounds(3, recovery: .iterations(0)))
    plan.rounding = random.chance(0.7) ? .round : .floor
    let pruner = try Pruner(plan, original: network)
    var current = model
    for round in 1...3 {
      let pruned = try pruner.prune(current, event: round, of: 3, iteration: 0)
      let counts = try #require(try plan.patternCounts(of: pruned.model))
      #expect(counts.broken == 0, "seed \(seed), \(pattern)")
      let asked = try #require(pruned.event.asked)
      let gone = try #require(pruned.event.prunable) - pruned.event.kept
      // Each layer that counts for itself may miss by half a block, all together by one.
      let largest = 16 * (plan.allocation == .layer ? network.prunableWeights.count : 1)
      #expect(abs(gone - asked) <= largest, "seed \(seed), \(pattern), \(plan.allocation): \(gone) for \(asked)")
      #expect(pruned.event.removed <= asked || plan.rounding == .round)
      current = pruned.model
    }
  }
}
