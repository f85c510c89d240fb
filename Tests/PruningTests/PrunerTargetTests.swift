import Datasets
import Networks
import Pruning
import Testing
import Torch
import Training

/// Costs that are asked for, and repairs, as the pruner carries them out.
struct PrunerTargetTests {
  private func plan(
    _ target: CostTarget, allocation: Allocation = .global, rounds: Int = 1, schedule: SparsitySchedule = .linear
  ) throws -> PruningPlan {
    PruningPlan(
      criterion: .l2, granularity: .unit, allocation: allocation, amount: .cost(target), timing: .rounds(rounds, recovery: .iterations(0)),
      schedule: schedule, seed: 1)
  }

  /// Met, and missed with one unit more.
  @Test(arguments: [CostTarget.Measure.parameters, .macs, .bytes], 0..<6)
  func theLargestNetworkThatMeetsTheTarget(measure: CostTarget.Measure, seed: UInt64) throws {
    let network = try RandomGraph.network(seed: seed + 7)
    let model = try network.randomModel(seed: seed)
    let plan = try plan(CostTarget(measure, .less(0.3)))
    let pruned = try Pruner(plan, original: network).prune(model, event: 1, of: 1, iteration: 0)
    let target = try #require(pruned.event.target)
    #expect(target.measure == measure && target.achieved <= target.asked && target.asked == target.original * 0.7, "seed \(seed)")
    let layers = try model.unitScores(.l2, granularity: .unit)
    let rule = SelectionRule(granularity: .unit, allocation: .global)
    guard pruned.event.removed > 0 else { return }
    let before = try Selection(.count(pruned.event.removed - 1), of: layers, rule: rule)
    let cost = try network.removing(before.removedIndices(from: layers)).network.cost()
    let wider: Double =
      switch measure {
      case .parameters: Double(cost.parameters)
      case .macs: Double(cost.macs)
      case .bytes: Double(cost.bytes)
      case .latency: 0
      }
    #expect(wider > target.asked, "seed \(seed): \(pruned.event.removed) units")
  }

  @Test func roundsGoDownInSteps() throws {
    let network = try TinyNetworks.mlp([20, 30, 30, 5])
    let model = try network.randomModel(seed: 1)
    let pruner = try Pruner(plan(CostTarget(.macs, .less(0.6)), allocation: .layer, rounds: 3), original: network)
    var current = model
    for (round, share) in [(1, 0.2), (2, 0.4), (3, 0.6)] {
      let pruned = try pruner.prune(current, event: round, of: 3, iteration: 0)
      let target = try #require(pruned.event.target)
      #expect(target.original == 1650.0)
      let goal: Double = 1650 * (1 - share)
      #expect(abs(target.asked - goal) < 1e-9)
      #expect(target.achieved <= target.asked)
      current = pruned.model
    }
    #expect(try current.network.cost().macs <= 660)
  }

  /// What the last removal leaves of a network is no matter of how the goal is worded, and each removal takes its share of it.
  @Test(arguments: [CostTarget.Measure.parameters, .macs, .bytes, .latency], [Allocation.layer, .global])
  func eachRemovalTakesItsShare(measure: CostTarget.Measure, allocation: Allocation) throws {
    let network = try TinyNetworks.mlp([20, 60, 40, 5], bias: false)
    let model = try network.randomModel(seed: 1)
    func cost(_ network: Network) throws -> Double {
      let cost = try network.cost()
      return switch measure {
      case .parameters: Double(cost.parameters)
      case .macs, .latency: Double(cost.macs)
      case .bytes: Double(cost.bytes)
      }
    }
    let original = try cost(network)
    for amount in [CostTarget.Amount.less(0.75), .most(original / 4)] {
      let pruner = try Pruner(
        plan(CostTarget(measure, amount), allocation: allocation, rounds: 2, schedule: .exponential), original: network)
      pruner.latency = cost
      let first = try pruner.prune(model, event: 1, of: 2, iteration: 0)
      let second = try pruner.prune(first.model, event: 2, of: 2, iteration: 0)
      for (pruned, part) in [(first, 0.5), (second, 0.25)] {
        let target = try #require(pruned.event.target)
        #expect(abs(target.asked - original * part) < 1e-6 * original)
        // Two layers have about 40 units: one of them costs no more than a twentieth.
        #expect(target.achieved <= target.asked && target.achieved > target.asked - original / 20)
      }
    }
  }

  /// A narrow layer that a small step rounds away follows in a later one: all have the same part of their units in the end.
  @Test func narrowLayersFollowAGoalThatComesDownSlowly() throws {
    let network = try TinyNetworks.mlp([20, 6, 200, 5])
    let pruner = try Pruner(plan(CostTarget(.macs, .less(0.75)), allocation: .layer, rounds: 20), original: network)
    var model = try network.randomModel(seed: 1)
    for round in 1...20 { model = try pruner.prune(model, event: round, of: 20, iteration: 0).model }
    #expect(try model.network.channelGroups().groups.map(\.width) == oneShot())
    func oneShot() throws -> [Int] {
      let pruner = try Pruner(plan(CostTarget(.macs, .less(0.75)), allocation: .layer), original: network)
      return try pruner.prune(network.randomModel(seed: 1), event: 1, of: 1, iteration: 0).model.network.channelGroups().groups.map(\.width)
    }
  }

  @Test func aGoalThatIsAWholeNumberIsMet() throws {
    // 0.29 of 100 MACs gone: 71, in floating point 70.99999999999999 or 71.
    let network = try TinyNetworks.mlp([1, 100, 9], bias: false)
    for percent in 1..<100 {
      let pruner = try Pruner(plan(CostTarget(.macs, .less(Double(percent) / 100))), original: network)
      let pruned = try pruner.prune(network.randomModel(seed: 1), event: 1, of: 1, iteration: 0)
      #expect(pruned.event.removed == percent)
    }
  }

  @Test func latencyIsWhatTheClockSays() throws {
    let network = try TinyNetworks.mlp([4, 40, 5])
    let pruner = try Pruner(plan(CostTarget(.latency, .most(0.25))), original: network)
    // A second for each hundred weights.
    pruner.latency = { try Double($0.cost().macs) / 100 }
    let pruned = try pruner.prune(network.randomModel(seed: 1), event: 1, of: 1, iteration: 0)
    // 9 weights a unit: two units take 0.18 s, three 0.27.
    #expect(try pruned.model.network.shapes()["fc1"] == .vector(2))
    let target = try #require(pruned.event.target)
    #expect(target.original == 3.6 && target.asked == 0.25 && target.achieved == 0.18)
    #expect(pruned.event.target?.words == "latency 3600.0 ms → 180.0 ms (asked 250.0 ms)")
  }

  @Test func whatCannotBeReached() throws {
    let network = try TinyNetworks.mlp([4, 40, 5])
    let model = try network.randomModel(seed: 1)
    for allocation in [Allocation.global, .layer] {
      let pruner = try Pruner(plan(CostTarget(.macs, .most(8)), allocation: allocation), original: network)
      #expect(throws: PruningError.unreachable(measure: .macs, asked: 8, least: 9)) {
        try pruner.prune(model, event: 1, of: 1, iteration: 0)
      }
    }
    #expect(
      PruningError.unreachable(measure: .macs, asked: 8, least: 9).description
        == "macs of at most 8 cannot be reached by this ranking: the least found is 9")
    #expect(
      PruningError.unreachable(measure: .latency, asked: 0.0015, least: 0.002).description
        == "latency of at most 1.5 ms cannot be reached by this ranking: the least found is 2.0 ms")
  }

  /// Layers that are left alone keep nobody else from going down to one unit.
  @Test func theLeastBesideIgnoredLayers() throws {
    let network = try TinyNetworks.mlp([4, 10, 10, 5])
    var plan = try plan(CostTarget(.macs, .most(55)))
    plan.ignored = ["fc1"]
    let pruned = try Pruner(plan, original: network).prune(network.randomModel(seed: 1), event: 1, of: 1, iteration: 0)
    // 4·10 + 10·1 + 1·5.
    #expect(pruned.event.target?.achieved == 55 && pruned.event.kept == 1)
  }

  /// The records of several removals, one of which made a bias, lead from the original network to the last one.
  @Test(arguments: 0..<10)
  func histories(seed: UInt64) throws {
    // The first, of a few, in which a layer has no bias.
    let network = try #require(
      (seed * 20..<seed * 20 + 20).map { try RandomGraph.network(seed: $0) }.first { network in
        network.prunableWeights.contains { !network.modulesWithBias.contains($0.module) }
      })
    let original = try network.randomModel(seed: seed)
    let pruner = try Pruner(
      PruningPlan(
        criterion: .random, granularity: .unit, scope: .global, amount: .perEvent(0.2), timing: .rounds(3, recovery: .iterations(0)),
        seed: seed),
      original: network)
    var (current, history) = (original, [RemovalEvent]())
    for round in 1...3 {
      let pruned = try pruner.prune(current, event: round, of: 3, iteration: 0)
      current = pruned.model
      history.append(pruned.removal)
    }
    let unbiased = try #require(network.prunableWeights.first { original.tensors[ParameterName($0.module, .bias)] == nil }).module
    history.append(RemovalEvent(step: 0, method: "", criterion: "", biased: [unbiased]))
    let replayed = try original.replaying(history)
    #expect(replayed.network == current.network.addingBias(to: unbiased), "seed \(seed)")
    for (name, tensor) in current.tensors {
      #expect(try replayed.tensor(name).array(Double.self) == tensor.array(Double.self), "seed \(seed): \(name)")
    }
  }

  /// Six times 5 %: 64 → 50, 128 → 96, 256 → 190 and 512 → 379 units, as multiples of 16 48, 96, 192 and 384.
  @Test func roundedWidthsFollowTheUnroundedCourse() throws {
    let network = try TinyNetworks.mlp([3, 64, 128, 256, 512, 2])
    for (multiple, expected) in [(1, [50, 96, 190, 379]), (16, [48, 96, 192, 384])] {
      let plan = PruningPlan(
        criterion: .l2, granularity: .unit, scope: .layer, rounding: .floor, amount: .perEvent(0.05),
        timing: .rounds(6, recovery: .iterations(0)), widthMultiple: multiple)
      let pruner = try Pruner(plan, original: network)
      var model = try network.randomModel(seed: 1)
      for round in 1...6 { model = try pruner.prune(model, event: round, of: 6, iteration: 0).model }
      #expect(try model.network.channelGroups().groups.map(\.width) == expected)
    }
  }

  /// Twenty times 2 %: 20·0.98^20 = 13.35 and 50·0.98^20 = 33.38 units stay, whatever each step alone would round to.
  @Test func smallStepsOnNarrowLayersAddUp() throws {
    let network = try TinyNetworks.mlp([3, 20, 50, 2])
    for (rounding, expected, asked) in [(Rounding.round, [13, 33], 24), (.floor, [20, 49], 1), (.ceil, [1, 30], 40)] {
      let plan = PruningPlan(
        criterion: .l2, granularity: .unit, scope: .layer, rounding: rounding, amount: .perEvent(0.02),
        timing: .rounds(20, recovery: .iterations(0)))
      let pruner = try Pruner(plan, original: network)
      var (model, last) = (try network.randomModel(seed: 1), PruningEvent?.none)
      for round in 1...20 {
        let pruned = try pruner.prune(model, event: round, of: 20, iteration: 0)
        (model, last) = (pruned.model, pruned.event)
      }
      #expect(try model.network.channelGroups().groups.map(\.width) == expected, "\(rounding)")
      #expect(last?.asked == asked, "\(rounding)")
    }
  }

  /// 1 % of 100 stays 100 with multiples of 64, and so on until 64 is nearer: 82 after twenty times.
  @Test func aWidthThatIsNearerStays() throws {
    let network = try TinyNetworks.mlp([3, 300, 100, 2])
    let plan = PruningPlan(
      criterion: .l2, granularity: .unit, scope: .layer, amount: .perEvent(0.01), timing: .rounds(20, recovery: .iterations(0)),
      widthMultiple: 64)
    let pruner = try Pruner(plan, original: network)
    var (model, widths) = (try network.randomModel(seed: 1), [[Int]]())
    for round in 1...20 {
      model = try pruner.prune(model, event: round, of: 20, iteration: 0).model
      widths.append(try model.network.channelGroups().groups.map(\.width))
    }
    #expect(widths[0] == [300, 100])
    // 300·0.99^8 = 276.8 is nearer to 256 than to 300; 100·0.99^20 = 81.8.
    #expect(widths[6] == [300, 100] && widths[7] == [256, 100] && widths[18] == [256, 100] && widths[19] == [256, 64])
  }

  /// What an earlier run has pruned is not taken for what this one is to take.
  @Test func fractionsOfAModelThatWasPrunedBefore() throws {
    let network = try TinyNetworks.mlp([10, 10, 2], bias: false)
    var model = try network.randomModel(seed: 1)
    try model.prune(Selection(.ofOriginal(0.5), of: model.weightScores(.magnitude), rule: SelectionRule(scope: .layer)))
    let plan = PruningPlan(
      criterion: .magnitude, granularity: .weight, scope: .layer, amount: .perEvent(0.1), timing: .rounds(3, recovery: .iterations(0)))
    let pruner = try Pruner(plan, original: network, weights: ["fc1": 50, "fc2": 10])
    var kept: [[Int]] = []
    for round in 1...3 {
      let pruned = try pruner.prune(model, event: round, of: 3, iteration: 0)
      model = pruned.model
      kept.append(try MaskSet(model).layers.map(\.kept))
      #expect(pruned.event.asked == 120 - kept[round - 1].reduce(0, +))
    }
    // 50·0.9 = 45, 40.5 (as many leave as stay: 9.5 → 10), 36.45; 10·0.9 = 9, 8.1, 7.29.
    #expect(kept == [[45, 9], [40, 8], [36, 7]])
  }

  /// A criterion that is ranked together by normalised scores is so through the pruner, unless the plan says otherwise.
  @Test func theCriterionsOwnNormalizationIsTaken() throws {
    let network = try TinyNetworks.mlp([64, 12, 8, 10])
    var model = try network.randomModel(seed: 2, type: .float32)
    // Scores g·a of fc1 are a hundredth of what they would be: without a norm nearly all that leaves is of one layer.
    let name = ParameterName("fc2", .weight)
    model.tensors[name] = try model.tensor(name) * 0.01
    let set = try Dataset.load(name: "digits").train.subset(50, seed: 1)
    let batches = try set.batches(of: 50, normalization: Dataset.named("digits").normalization)
    func widths(_ normalization: LayerNormalization?) throws -> [String: Int] {
      let plan = PruningPlan(
        criterion: try Criterion(named: "taylor-activation"), granularity: .unit, allocation: .global, normalization: normalization,
        amount: .perEvent(0.4), timing: .rounds(1, recovery: .iterations(0)), seed: 1)
      let pruner = try Pruner(plan, original: network)
      pruner.examples = { batches }
      return try pruner.prune(model, event: 1, of: 1, iteration: 0).event.widths
    }
    #expect(try widths(nil) == widths(.l2))
    #expect(try widths(.l2) != widths(LayerNormalization.none), "else nothing tells one from the other")
  }

  /// A unit leaves, its mean moves into the next bias, and the record says who has one now.
  @Test func repairsAreCarriedOutAndRecorded() throws {
    let network = try TinyNetworks.mlp([64, 6, 10], bias: false)
    let model = try network.randomModel(seed: 2, type: .float32)
    let set = try Dataset.load(name: "digits").train.subset(50, seed: 1)
    let batches = try set.batches(of: 20, normalization: Dataset.named("digits").normalization)
    let plan = PruningPlan(
      criterion: try Criterion(named: "abs-mrs"), granularity: .unit, allocation: .layer, amount: .perEvent(0.5),
      timing: .rounds(1, recovery: .iterations(0)), repairs: [.meanReplacement(MeanReplacement())], seed: 1)
    let pruner = try Pruner(plan, original: network)
    #expect(throws: PruningError.needsData(criterion: "abs-mrs")) { try pruner.prune(model, event: 1, of: 1, iteration: 0) }
    pruner.examples = { batches }
    var seen: [Model] = []
    pruner.evaluate = { model, isLast in
      #expect(isLast)
      seen.append(model)
      return try Executor(model).evaluate(batches)
    }
    let pruned = try pruner.prune(model, event: 1, of: 1, iteration: 0)
    #expect(pruned.event.removed == 3 && seen.count == 1)
    #expect(seen.first?.tensors[ParameterName("fc2", .bias)] == nil)
    let bias = try pruned.model.tensor(ParameterName("fc2", .bias)).array(Float.self)
    #expect(pruned.removal.biased == ["fc2"])
    // By hand: the mean of what the removed units say, through the weights that heard them.
    let removed = try #require(pruned.removal.removed["fc1"])
    var mean = [Double](repeating: 0, count: 6)
    try batches.forEach { batch in
      _ = try Executor(model).forward(batch.inputs, mode: .evaluation, observing: ["relu1"]) { _, value in
        for (unit, sum) in try value.cast(to: .float64).sum(0).array(Double.self).enumerated() { mean[unit] += sum / 50 }
      }
    }
    let weight = try model.tensor(ParameterName("fc2", .weight)).array(Float.self)
    for output in 0..<10 {
      let expected = removed.reduce(0.0) { $0 + mean[$1] * Double(weight[output * 6 + $1]) }
      #expect(abs(Double(bias[output]) - expected) < 1e-4 * max(abs(expected), 1))
    }
  }
}
