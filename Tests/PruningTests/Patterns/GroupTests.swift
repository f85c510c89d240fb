import Networks
import Pruning
import Testing
import Torch
import Training

/// N:M groups, by hand and over seeds.
@Suite struct GroupTests {
  private func gone(_ pattern: WeightPattern, _ fraction: Double, _ layers: [ScoredLayer], in network: Network) throws -> [Int] {
    let selection = try pattern.selection(.ofOriginal(fraction), of: layers, in: network, rule: SelectionRule(.layer))
    let kept = try selection.layers[0].kept.contiguous().array(Bool.self)
    let left = kept.indices.filter { !kept[$0] }
    #expect(selection.removed == left.count - (selection.layers[0].kept.count - selection.layers[0].before))
    return left
  }

  /// Four inputs and a last group of three, of which ⌈3·2/4⌉ = 2 stay; the first of equal ones leaves.
  @Test func theHighestOfEachGroupStay() throws {
    let network = try PatternFixtures.linear(7, 2)
    let layers = try PatternFixtures.scored(network, [4, 1, 3, 2, 5, 5, 5, 1, 2, 3, 4, 9, 7, 8])
    #expect(try gone(.nm(kept: 2, of: 4), 0.5, layers, in: network) == [1, 3, 4, 7, 8, 12])
    #expect(try gone(.nm(kept: 1, of: 4), 0.75, layers, in: network) == [1, 2, 3, 4, 5, 7, 8, 9, 12, 13])
    // On the way there each group keeps three.
    #expect(try gone(.nm(kept: 2, of: 4), 0.25, layers, in: network) == [1, 7])
    let ties = try WeightPattern.nm(kept: 2, of: 4).selection(.ofOriginal(0.5), of: layers, in: network, rule: SelectionRule(.layer)).ties
    #expect(ties.decided == 1 && ties.equal == 3 && ties.removed == 6 && ties.ranked == 14)
  }

  /// Channels at one tap, weights 0, 2, 4, 6 and 1, 3, 5, 7.
  @Test func convolutionsGroupChannelsAtOneTap() throws {
    let network = try PatternFixtures.convolution(4, 1, taps: 2)
    let layers = try PatternFixtures.scored(network, [1, 4, 2, 3, 3, 2, 4, 1])
    #expect(try gone(.nm(kept: 2, of: 4), 0.5, layers, in: network) == [0, 2, 5, 7])
    #expect(try gone(.nm(kept: 1, of: 2), 0.5, layers, in: network) == [0, 3, 4, 7])
  }

  /// Nothing more leaves where less is left than may stay.
  @Test func whatLeftBeforeIsCountedInItsGroup() throws {
    let network = try PatternFixtures.linear(8, 1)
    let kept = [false, false, false, true, false, true, true, true]
    let layers = try PatternFixtures.scored(network, [9, 9, 9, 1, 9, 1, 2, 3], kept: kept)
    #expect(try gone(.nm(kept: 2, of: 4), 0.5, layers, in: network) == [0, 1, 2, 4, 5])
  }

  @Test func onlyFractionsOfTheOriginalGo() throws {
    let network = try PatternFixtures.linear(4, 1)
    #expect(throws: PruningError.mismatch("an N:M pattern fixes which fraction of the original leaves")) {
      try WeightPattern.nm(kept: 2, of: 4).selection(
        .count(2), of: PatternFixtures.scored(network, [1, 2, 3, 4]), in: network, rule: SelectionRule(.layer))
    }
  }

  /// Every group of every layer that is not left alone keeps N, a shorter one its share, whatever the criterion and the rounds.
  @Test(arguments: 0..<20)
  func everyGroupKeepsItsShare(seed: UInt64) throws {
    var random = Seeded(seed + 70)
    let network = try TinyNetworks.sequential(&random)
    let model = try network.randomModel(seed: seed)
    let size = 2 + random.below(3)
    let kept = 1 + random.below(size - 1)
    let pattern = WeightPattern.nm(kept: kept, of: size)
    let rounds = 1 + random.below(3)
    let plan = PruningPlan(
      criterion: random.chance(0.5) ? .magnitude : .random, granularity: .weight, pattern: pattern, allocation: .layer,
      amount: .total(try #require(pattern.sparsity)), timing: .rounds(rounds, recovery: .iterations(0)), seed: seed)
    try plan.validate()
    let pruner = try Pruner(plan, original: network)
    var current = model
    for round in 1...rounds { current = try pruner.prune(current, event: round, of: rounds, iteration: 0).model }
    let pruned = try plan.weights(of: network)
    for name in network.prunableWeights {
      let shape = try model.tensor(name).shape
      guard shape[1] >= size else {
        #expect(current.masks[name] == nil && !pruned.contains(name))
        continue
      }
      let values = try current.tensor(name).contiguous().array(Double.self)
      let taps = shape.dropFirst(2).reduce(1, *)
      for output in 0..<shape[0] {
        for tap in 0..<taps {
          for start in stride(from: 0, to: shape[1], by: size) {
            let group = (start..<min(start + size, shape[1])).map { values[(output * shape[1] + $0) * taps + tap] }
            #expect(group.count { $0 != 0 } == (group.count * kept + size - 1) / size, "seed \(seed), \(name), output \(output)")
          }
        }
      }
    }
    // Again nothing leaves.
    #expect(try Pruner(plan, original: network).prune(current, event: 1, of: 1, iteration: 0).event.removed == 0)
  }
}
