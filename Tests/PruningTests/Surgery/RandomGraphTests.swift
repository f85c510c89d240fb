import Networks
import Pruning
import Testing
import Torch
import Training

/// Random removals from random graphs, each with its proof in float64.
struct RandomGraphTests {
  @Test(arguments: 0..<20)
  func compactedEqualsMasked(block: UInt64) throws {
    var (cut, loud) = (0, 0)
    for seed in block * 100..<(block + 1) * 100 {
      let network = try RandomGraph.network(seed: seed)
      let groups = try network.channelGroups().groups
      var random = Seeded(seed)
      var removals: [String: [Int]] = [:]
      for group in groups where random.chance(0.7) {
        let stays = random.below(group.width)
        removals[group.name] = (0..<group.width).filter { $0 != stays && random.chance(0.5) }
      }
      let plan = SurgeryPlan(removals: removals)
      let model = try network.randomModel(seed: seed)
      let surgery = try Surgeon.operate(plan, on: model, seed: seed)
      guard !plan.isEmpty else { continue }
      let proof = try #require(surgery.proof)
      #expect(proof.holds && proof.tolerance == 1e-9, "seed \(seed): \(proof)")
      cut += 1
      // What leaves was heard: the masked network is another function than the whole one.
      if (try? Equivalence.prove(masked: model, compacted: Surgeon.masked(plan, model), seed: seed)) == nil { loud += 1 }
      let (before, after) = (try network.cost(), try surgery.model.network.cost())
      #expect(after.parameters < before.parameters && after.macs < before.macs, "seed \(seed)")
    }
    #expect(cut > 60 && loud > cut / 2, "block \(block): \(cut) cut, \(loud) loud")
  }

  /// The groups of what is left are the groups there were, narrower.
  @Test(arguments: 0..<10)
  func groupsPersist(block: UInt64) throws {
    for seed in block * 50..<(block + 1) * 50 {
      let network = try RandomGraph.network(seed: seed)
      let groups = try network.channelGroups().groups
      let removals = Dictionary(uniqueKeysWithValues: groups.filter { $0.width > 1 }.map { ($0.name, [1]) })
      let smaller = try network.removing(removals).network
      let left = Dictionary(uniqueKeysWithValues: try smaller.channelGroups().groups.map { ($0.name, $0.width) })
      for group in groups {
        #expect(left[group.name] == group.width - (removals[group.name]?.count ?? 0), "seed \(seed): \(group)")
      }
    }
  }

  /// Dead units leave random graphs without changing what these compute.
  @Test(arguments: 0..<10)
  func deadUnitsLeave(block: UInt64) throws {
    var removed = 0
    for seed in block * 20..<(block + 1) * 20 {
      let model = try RandomGraph.network(seed: seed).randomModel(seed: seed)
      var random = Seeded(seed)
      for name in model.network.prunableWeights {
        let weight = try model.tensor(name)
        for dimension in 0..<2 {
          let gone = (0..<weight.shape[dimension]).filter { _ in random.chance(0.3) }
          for index in gone { try weight.narrowed(dimension, from: index, length: 1).fill(0) }
        }
        if random.chance(0.5), let bias = model.tensors[ParameterName(name.module, .bias)] { try bias.fill(0) }
      }
      // Throws if the outputs differ.
      removed += try model.compacted(seed: seed).removed.count
    }
    #expect(removed > 20, "block \(block)")
  }
}
