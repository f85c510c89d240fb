import Foundation
import Networks
import Pruning
import Testing
import Training

/// Plans with patterns: words, JSON, and what they refuse.
@Suite struct PatternPlanTests {
  private func plan(
    _ pattern: WeightPattern?, _ amount: PruningPlan.Amount = .total(0.5), _ allocation: Allocation = .layer, rounds: Int = 1
  ) -> PruningPlan {
    PruningPlan(
      criterion: .magnitude, granularity: .weight, pattern: pattern, allocation: allocation, amount: amount,
      timing: .rounds(rounds, recovery: .epochs(2)))
  }

  @Test func saysInWordsWhatItDoes() {
    #expect(
      plan(.block(rows: 4, columns: 4), .total(0.9), .global, rounds: 5).words
        == "blocks of 4×4 weights by magnitude, 90 % over all layers in all, 5 rounds (exponential), 2ep of recovery each")
    #expect(plan(.kernel).words == "kernels by magnitude, 50 % of each layer in all, one-shot, 2ep of recovery")
    #expect(
      plan(.nm(kept: 2, of: 4)).words
        == "weights (2 of each 4 inputs stay) by magnitude, 50 % of each group in all, one-shot, 2ep of recovery")
  }

  /// Plans of earlier versions have no pattern, and those without one are written as before.
  @Test func earlierPlansAreRead() throws {
    let old = try JSONEncoder().encode(plan(nil))
    #expect(!String(decoding: old, as: UTF8.self).contains("pattern"))
    #expect(try JSONDecoder().decode(PruningPlan.self, from: old) == plan(nil))
    let new = try JSONEncoder().encode(plan(.block(rows: 4, columns: 1)))
    #expect(String(decoding: new, as: UTF8.self).contains("\"pattern\":\"block:4x1\""))
    #expect(try JSONDecoder().decode(PruningPlan.self, from: new) == plan(.block(rows: 4, columns: 1)))
  }

  @Test func refusesWhatContradictsThePattern() throws {
    for (change, words): ((inout PruningPlan) -> Void, String) in [
      ({ $0.amount = .total(0.9) }, "--granularity nm:2:4 keeps 2 of each 4 inputs, a sparsity of 0.5: give that or no amount at all"),
      ({ $0.amount = .perEvent(0.5) }, "--granularity nm:2:4 keeps 2 of each 4 inputs, a sparsity of 0.5: give that or no amount at all"),
      ({ $0.allocation = .global }, "--scope global does not go with --granularity nm:2:4: each group of 4 inputs counts for itself"),
      ({ $0.rounding = .floor }, "--rounding floor does not go with --granularity nm:2:4: each group of 4 inputs counts for itself"),
      (
        { $0.minimumLayerDensity = 0.1 },
        "--minimum-layer-density does not go with --granularity nm:2:4: each group of 4 inputs counts for itself"
      ),
      ({ $0.reduction = .first }, "--reduction first goes with units and filters of several layers, not --granularity nm:2:4"),
      ({ $0.granularity = .unit }, "nm:2:4 is no pattern in which units can be removed"),
      ({ $0.pattern = .block(rows: 0, columns: 1) }, "block:0x1 is no pattern in which weights can be removed"),
      (
        {
          $0.timing = .everyStep
          $0.method = "edge-popup"
        }, "--method edge-popup chooses among single weights: --granularity nm:2:4 does not go with it"
      ),
    ] {
      var changed = plan(.nm(kept: 2, of: 4))
      change(&changed)
      #expect(throws: PlanError(words)) { try changed.validate() }
    }
    try plan(.nm(kept: 2, of: 4)).validate()
    try plan(.kernel, .perEvent(0.2), .global).validate()
  }

  @Test func networksWithoutAnythingToRemove() throws {
    let small = try TinyNetworks.mlp([3, 2])
    for (pattern, words) in [
      (
        WeightPattern.nm(kept: 2, of: 4),
        "no groups of 4 inputs of mlp can be removed: fc1: 3 inputs are fewer than 4; give --granularity weight"
      ),
      (.kernel, "no kernels of mlp can be removed: fc1: no convolution; give --granularity weight"),
    ] {
      let error = #expect(throws: PruningError.self) { try Pruner(plan(pattern), original: small) }
      #expect(error?.description == words)
    }
    _ = try Pruner(plan(.block(rows: 4, columns: 4)), original: small)
  }

  /// Layers that a pattern leaves alone are not counted.
  @Test func countsLeaveOutWhatIsLeftAlone() throws {
    var builder = NetworkBuilder("small", input: .image(channels: 3, height: 6, width: 6))
    builder.convolution("conv1", 4, kernel: 3)
    builder.convolution("conv2", 5, kernel: 3)
    builder.flatten()
    builder.linear("fc", 2)
    let network = try builder.network()
    #expect(try plan(.nm(kept: 2, of: 4)).countedNames(in: network) == ["conv2", "fc"])
    #expect(try plan(.kernel).countedNames(in: network) == ["conv1", "conv2"])
    #expect(try plan(.kernel).leftAlone(in: network).map(\.layer) == ["fc"])
    let model = try network.randomModel(seed: 3)
    let pruned = try Pruner(plan(.nm(kept: 2, of: 4)), original: network).prune(model, event: 1, of: 1, iteration: 0)
    // 5·4·9 weights in groups of 4, and 2·20: half of each.
    #expect(pruned.event.prunable == 220 && pruned.event.removed == 110 && pruned.event.asked == 110)
    let counts = try #require(try plan(.nm(kept: 2, of: 4)).patternCounts(of: pruned.model))
    #expect(counts.words == "at most 2 of 4 inputs are left in each of 55 groups; conv1 is left alone: 3 inputs are fewer than 4")
    let kernels = try Pruner(plan(.kernel), original: network).prune(model, event: 1, of: 1, iteration: 0)
    #expect(
      try #require(try plan(.kernel).patternCounts(of: kernels.model)).words
        == "16 of 32 kernels are left; fc is left alone: no convolution")
    let blocks = plan(.block(rows: 4, columns: 4), .total(0.5), .global)
    let cut = try Pruner(blocks, original: network).prune(model, event: 1, of: 1, iteration: 0)
    // Cells: 1·1·9, 2·1·9 and 1·5; smaller are 9 of 3 inputs, 9 of one filter, and 5 of two outputs.
    #expect(
      try #require(try blocks.patternCounts(of: cut.model)).words.hasSuffix(
        " of 32 blocks of 4×4 weights are left, counting 23 smaller ones at edges"))
  }

  @Test func onlyKernelsAreCutOutWithDeadUnits() {
    #expect(plan(.kernel).cutsDeadUnits && plan(nil).cutsDeadUnits)
    #expect(!plan(.nm(kept: 2, of: 4)).cutsDeadUnits && !plan(.block(rows: 4, columns: 4)).cutsDeadUnits)
  }
}
