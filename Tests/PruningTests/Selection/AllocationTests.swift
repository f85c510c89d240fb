import Foundation
import Networks
import Pruning
import Testing
import Torch
import Training

private func layer(_ name: String, _ scores: [Float], shape: [Int]? = nil, kept: [Bool]? = nil) throws -> ScoredLayer {
  ScoredLayer(name: name, scores: try Tensor(scores, shape: shape), kept: try kept.map { try Tensor($0, shape: shape) })
}

/// Layers of these shapes with different scores everywhere.
private func layers(_ shapes: [[Int]]) throws -> [ScoredLayer] {
  var next: Float = 0
  return try shapes.enumerated().map { i, shape in
    try layer(
      "fc\(i + 1)",
      (0..<shape.reduce(1, *)).map { _ in
        next += 1
        return next
      }, shape: shape)
  }
}

struct AllocationTests {
  @Test func uniformAddsUpToTheAskedCount() throws {
    // 0.25·30 = 7.5 → 8; 2.5 of each: the remainders are equal, so the first two give one more.
    let tens = try layers([[10], [10], [10]])
    let selection = try Selection(.ofKept(0.25), of: tens, rule: SelectionRule(.uniform))
    #expect(selection.asked == 8 && selection.layers.map(\.removed) == [3, 3, 2])
    #expect(try selection.removedIndices(from: tens)["fc3"] == [0, 1])
    // The layers' own rounding would take 3 of each.
    #expect(try Selection(.ofKept(0.25), of: tens, rule: SelectionRule(.layer)).layers.map(\.removed) == [3, 3, 3])
    // 0.3·20 = 6: 2.1, 0.9 and 3.0.
    let mixed = try layers([[7], [3], [10]])
    #expect(try Selection(.ofKept(0.3), of: mixed, rule: SelectionRule(.uniform)).layers.map(\.removed) == [2, 1, 3])
  }

  @Test func uniformCountsFromWhatTheAmountSays() throws {
    // 10 of 10 and 2 of 10 are there.
    let uneven = [
      try layer("a", (0..<10).map { Float($0) }),
      try layer("b", (0..<10).map { Float($0) }, kept: (0..<10).map { $0 < 2 }),
    ]
    // A fraction of what is there: 5 and 1. Half of all in the end: of the 10 that stay, b has no more than 2. A fifth: 2 of each.
    #expect(try Selection(.ofKept(0.5), of: uneven, rule: SelectionRule(.uniform)).layers.map(\.removed) == [5, 1])
    #expect(try Selection(.ofOriginal(0.5), of: uneven, rule: SelectionRule(.uniform)).layers.map(\.removed) == [2, 0])
    #expect(try Selection(.ofOriginal(0.8), of: uneven, rule: SelectionRule(.uniform)).layers.map(\.removed) == [8, 0])
  }

  /// What is gone counts neither in a layer's mean score nor in LAMP's sums, however large its score is.
  @Test func whatIsGoneNormalizesNothing() throws {
    let halved = try layer("a", [1, 1, 9, 9], kept: [true, true, false, false])
    // Over their means 1 and 3: 1, 1 and 0.67, 1.33.
    let rule = SelectionRule(.global, normalization: .mean)
    #expect(try Selection(.count(3), of: [halved, layer("b", [2, 4])], rule: rule).layers.map(\.removed) == [2, 1])
    // 1/2, 1/1 and 1/5, 4/4.
    #expect(try Selection(.count(1), of: [halved, layer("b", [1, 2])], rule: SelectionRule(.lamp)).layers.map(\.removed) == [0, 1])
  }

  @Test func erdosRenyiKernelByHand() throws {
    // Σdims 8, 6, 2 share the 16 of 25 that stay: 8, 6 and 2 of the 1 there is. fc3 keeps it, and 8 : 6 share 15: 8.57 and 6.43, so
    // that 7.43 and 1.57 leave: 7 and 1, and one more where the remainder is larger.
    let selection = try Selection(.count(9), of: layers([[4, 4], [2, 4], [1, 1]]), rule: SelectionRule(.erk))
    #expect(selection.layers.map(\.removed) == [7, 2, 0])
    // A convolution's kernel counts: dims 2, 3, 1, 1 sum to 7, 4, 4 to 8: they share the 11 that stay, 5.13 : 5.87.
    #expect(try Selection(.count(11), of: layers([[2, 3, 1, 1], [4, 4]]), rule: SelectionRule(.erk)).layers.map(\.after) == [5, 6])
  }

  @Test func erdosRenyiKernelOfLeNet() throws {
    // 26,620 of 266,200 stay. Σdims 1084, 400, 110; fc3 would get 1,837 of its 1,000 and keeps all; 25,620 are shared as
    // 1084 : 400, 18,714.3 and 6,905.7; of 216,485.7 and 23,094.3 that leave the first rounds up.
    let shapes = [[300, 784], [100, 300], [10, 100]]
    let generator = try Generator(seed: 1)
    let lenet = try shapes.enumerated().map { ScoredLayer(name: "fc\($0 + 1)", scores: try Tensor.uniform($1, generator: generator)) }
    let selection = try Selection(.ofOriginal(0.9), of: lenet, rule: SelectionRule(.erk))
    #expect(selection.layers.map(\.removed) == [216_486, 23_094, 0] && selection.asked == 239_580)
  }

  @Test func erdosRenyiKernelSpreadsUnitsByTheirWeights() throws {
    let units = [
      ScoredLayer(name: "a", scores: try Tensor([1, 2, 3, 4] as [Float]), dimensions: [4, 4]),
      ScoredLayer(name: "b", scores: try Tensor([1, 2, 3, 4] as [Float]), dimensions: [4, 12]),
    ]
    // Densities 8/16 : 16/48 = 3 : 2; 5 units stay.
    #expect(
      try Selection(.count(3), of: units, rule: SelectionRule(granularity: .unit, allocation: .erk)).layers.map(\.after) == [3, 2])
  }

  @Test func lampTakesWhatMattersLittleInItsLayer() throws {
    // LAMP: 1 and 81/181 = 0.45; 0.04/0.13 = 0.31 and 1.
    let pair = [try layer("a", [10, 9]), try layer("b", [0.2, 0.3])]
    func removed(_ allocation: Allocation, _ count: Int) throws -> [String: [Int]] {
      try Selection(.count(count), of: pair, rule: SelectionRule(allocation)).removedIndices(from: pair)
    }
    #expect(try removed(.lamp, 1) == ["b": [0]] && removed(.lamp, 2) == ["a": [1], "b": [0]])
    #expect(try removed(.global, 2) == ["b": [0, 1]])
  }

  @Test(arguments: 0..<30)
  func lampAllocationOfMagnitudesIsTheCriterion(seed: UInt64) throws {
    var random = Seeded(seed)
    var model = try TinyNetworks.mlp([3 + random.below(5), 4 + random.below(5), 4 + random.below(5), 2])
      .randomModel(seed: seed, type: random.chance(0.5) ? .float32 : .float64)
    for round in 0..<2 {
      let amount = RemovalAmount.ofKept(Double(random.below(95)) / 100)
      let allocated = try Selection(amount, of: model.weightScores(.magnitude), rule: SelectionRule(.lamp))
      let scored = try Selection(amount, of: model.weightScores(.lamp), rule: SelectionRule(.global))
      for (a, b) in zip(allocated.layers, scored.layers) {
        #expect(try a.kept.array(Bool.self) == b.kept.array(Bool.self), "seed \(seed), round \(round), \(a.name)")
      }
      try model.prune(scored)
    }
  }

  @Test func setsCompeteWithinThemselves() throws {
    let all = [
      try layer("l1.a", [1, 2, 3, 4]), try layer("l1.b", [10, 20, 30, 40]), try layer("l2.a", [0.1, 0.2]), try layer("fc", [100, 200]),
    ]
    let selection = try Selection(.ofKept(0.5), of: all, rule: SelectionRule(.scoped([["l1.*"], ["l2.*"]])))
    #expect(try selection.removedIndices(from: all) == ["l1.a": [0, 1, 2, 3], "l2.a": [0], "fc": [0]])
    #expect(selection.asked == 6 && selection.removed == 6)
    // A floor shifts the removal within the set only.
    let floored = try Selection(.ofKept(0.5), of: all, rule: SelectionRule(granularity: .unit, allocation: .scoped([["l1.*"], ["l2.*"]])))
    #expect(try floored.removedIndices(from: all) == ["l1.a": [0, 1, 2], "l1.b": [0], "l2.a": [0], "fc": [0]])
  }

  @Test func setsThatDoNotFitGetAnAnswer() throws {
    let all = [try layer("l1.a", [1]), try layer("l1.b", [2]), try layer("l2.a", [3])]
    let unknown = #expect(throws: PruningError.self) {
      try Selection(.ofKept(0.5), of: all, rule: SelectionRule(.scoped([["l9.*"]])))
    }
    #expect(unknown?.description == "--scope \"l9.*\" matches no layer: choose from l1.a, l1.b, l2.a")
    let twice = #expect(throws: PlanError.self) {
      try Selection(.ofKept(0.5), of: all, rule: SelectionRule(.scoped([["l1.*"], ["l2.a", "*.b"]])))
    }
    #expect(twice?.description == "l1.b is in two scopes, \"l1.*\" and \"l2.a, *.b\": give it one")
  }

  /// Which two layers are meant, where no pattern names both: the channels of residual sums leave together.
  @Test func setsThatPartWhatLeavesTogether() throws {
    let network = try Architecture.parse("resnet-20")
    let error = #expect(throws: PlanError.self) {
      try Criterion.l2.check(.unit, of: network, allocation: .scoped([["layer1.*", "conv1"], ["layer2.*"]]))
    }
    #expect(
      error?.description
        == "the channels of conv1, layer1.0.conv2, layer1.1.conv2, layer1.2.conv2 leave together with those of layer2.0.conv2, "
        + "layer2.1.conv2, layer2.2.conv2, and the scopes \"layer1.*, conv1\" and \"layer2.*\" separate them: name all of them in one set")
    let joined = Allocation.scoped([["conv1", "layer?.?.conv2"], ["layer?.?.conv1"]])
    #expect(throws: Never.self) { try Criterion.l2.check(.unit, of: network, allocation: joined) }
  }

  /// What the help shows.
  @Test(arguments: [Granularity.weight, .unit]) func theExampleWorks(granularity: Granularity) throws {
    let criterion = granularity == .weight ? Criterion.magnitude : .l2
    try criterion.check(
      granularity, of: Architecture.parse("lenet-5"), allocation: .scoped([["conv1", "conv2"], ["fc*"]]))
  }

  @Test func layersOfDifferentSizeCompareWhenNormalized() throws {
    let pair = [try layer("a", [256, 512]), try layer("b", [1, 4])]
    func removed(_ normalization: LayerNormalization, _ allocation: Allocation = .global, _ count: Int = 2) throws -> [String: [Int]] {
      try Selection(.count(count), of: pair, rule: SelectionRule(allocation, normalization: normalization)).removedIndices(from: pair)
    }
    #expect(try removed(.none) == ["b": [0, 1]])
    // Over the means 384 and 2.5: 0.67, 1.33 and 0.4, 1.6. Over the norms 572 and 4.1: 0.45, 0.89 and 0.24, 0.97.
    for normalization in [LayerNormalization.mean, .l2] {
      #expect(try removed(normalization) == ["a": [0], "b": [0]])
      #expect(try removed(normalization, .global, 3) == ["a": [0, 1], "b": [0]])
      #expect(try removed(normalization, .scoped([["a", "b"]])) == ["a": [0], "b": [0]])
    }
    // Only what is there counts; signs and layers of zeros stay as they are.
    let masked = [try layer("a", [-9, 3, 1e6], kept: [true, true, false]), try layer("b", [-1, 0.5]), try layer("c", [0, 0])]
    let rule = SelectionRule(.global, normalization: .mean)
    #expect(try Selection(.count(1), of: masked, rule: rule).removedIndices(from: masked) == ["a": [0]])
    #expect(try Selection(.count(3), of: masked, rule: rule).removedIndices(from: masked) == ["a": [0], "b": [0], "c": [0]])
  }

  @Test func aFractionThatWouldEmptyALayerIsRefused() throws {
    let pair = [try layer("conv1", [1, 2, 3, 4]), try layer("fc1", [5, 6])]
    func select(_ fraction: Double, _ rule: SelectionRule) throws -> Selection { try Selection(.ofKept(fraction), of: pair, rule: rule) }
    let ceiled = SelectionRule(granularity: .unit, scope: .layer, rounding: .ceil)
    let error = #expect(throws: PruningError.self) { try select(0.6, ceiled) }
    #expect(
      error?.description == "the fraction would empty fc1: it asks for 2 of its 2 units, and a layer keeps at least one: "
        + "ask for less, or leave it alone with --ignore fc1")
    #expect(try select(0.6, SelectionRule(granularity: .unit, scope: .layer, rounding: .floor)).layers.map(\.removed) == [2, 1])
    // A density to keep is a wish of its own: the layer stops there. Weights may all go.
    #expect(
      try select(0.9, SelectionRule(granularity: .unit, scope: .layer, rounding: .floor, minimumLayerDensity: 0.5)).layers.map(\.removed)
        == [2, 1])
    #expect(try select(0.9, SelectionRule(granularity: .weight, scope: .layer, rounding: .ceil)).layers.map(\.removed) == [4, 2])
    // A layer that has come down to its last unit stays.
    let last = [try layer("fc1", [5])]
    let stopped = try Selection(.ofKept(0.5), of: last, rule: ceiled)
    #expect(stopped.asked == 1 && stopped.removed == 0)
    // Where layers count together, only what no layer can give is refused.
    #expect(try select(0.6, SelectionRule(granularity: .unit, allocation: .uniform)).removed == 4)
    for allocation in [Allocation.uniform, .erk, .global, .lamp] {
      let floors = #expect(throws: PruningError.self) { try select(0.9, SelectionRule(granularity: .unit, allocation: allocation)) }
      #expect(floors?.description == "cannot remove 5 of 6: at least 2 must stay (conv1 1, fc1 1)", "\(allocation)")
    }
  }

  @Test func jsonIsTheNameOrTheSets() throws {
    let encoder = JSONEncoder()
    let all: [Allocation] = [.layer, .uniform, .erk, .global, .lamp, .scoped([["layer1.*", "conv1"], ["layer2.*"]])]
    let text = String(decoding: try encoder.encode(all), as: UTF8.self)
    #expect(text == #"["layer","uniform","erk","global","lamp",{"scoped":[["layer1.*","conv1"],["layer2.*"]]}]"#)
    #expect(try JSONDecoder().decode([Allocation].self, from: Data(text.utf8)) == all)
    #expect(all.last?.description == "scoped (layer1.*, conv1; layer2.*)")
    #expect(Allocation.names == all.dropLast().map(\.name))
    // What plans with a scope have written is read.
    for scope in Scope.allCases {
      #expect(try JSONDecoder().decode([Allocation].self, from: encoder.encode([scope])) == [Allocation(scope)])
    }
    let error = #expect(throws: DecodingError.self) { try JSONDecoder().decode([Allocation].self, from: Data(#"["even"]"#.utf8)) }
    guard case .dataCorrupted(let context) = error else { return #expect(Bool(false), "\(String(describing: error))") }
    #expect(context.debugDescription == "unknown allocation \"even\": choose one of layer, uniform, erk, global, lamp")
  }

  /// 60 + 30 + 10 things of which 50 stay, densities as 1 : 2 : 4: 0.357·(60, 60, 40) = (21.4, 21.4, 14.3), of which the last layer has but
  /// 10; so the others share 40: a third each of 1·60 and 2·30.
  @Test func sharesSayHowDensitiesCompare() throws {
    let all = try [("a", 60), ("b", 30), ("c", 10)].map { try layer($0, (0..<$1).map { Float($0) }, shape: [$1]) }
    func kept(_ shares: [String: Double]) throws -> [Int] {
      try Selection(.ofOriginal(0.5), of: all, rule: SelectionRule(granularity: .weight, allocation: .shares(shares))).layers.map(\.after)
    }
    #expect(try kept(["b": 2, "c": 4]) == [20, 20, 10])
    #expect(try kept([:]) == [30, 15, 5] && kept(["a": 1e-9, "c": 1]) == [10, 30, 10])
    let allocation = Allocation.shares(["fc2": 3, "fc1": 0.5])
    #expect("\(allocation)" == "shares (fc1 0.5, fc2 3.0)")
    #expect(try JSONDecoder().decode(Allocation.self, from: JSONEncoder().encode(allocation)) == allocation)
    #expect(try JSONDecoder().decode(Allocation.self, from: Data(#"{"shares": {"a": 2}}"#.utf8)) == .shares(["a": 2]))
    var plan = PruningPlan(
      criterion: .magnitude, granularity: .weight, allocation: .shares(["a": 1, "b": 0]), amount: .total(0.5),
      timing: .rounds(1, recovery: .iterations(0)))
    #expect(throws: PlanError("the share of b is impossible: shares of layers are numbers above 0")) { try plan.validate() }
    plan.allocation = .shares(["a": 1, "b": 1e-9])
    try plan.validate()
  }

  @Test(arguments: 0..<150)
  func everyAllocationIsExact(seed: UInt64) throws {
    var random = Seeded(seed)
    let structured = random.chance(0.5)
    let all = try (0...random.below(6)).map { i in
      let shape = structured ? [1 + random.below(40)] : [1 + random.below(8), 1 + random.below(8)] + (random.chance(0.5) ? [1, 3] : [])
      let count = shape.reduce(1, *)
      let levels = random.chance(0.5) ? 3 : 10_000
      let kept = structured || random.chance(0.5) ? nil : (0..<count).map { _ in random.chance(0.6) }
      var layer = try layer("l\(i % 3).\(i)", (0..<count).map { _ in Float(random.below(levels)) }, shape: shape, kept: kept)
      if structured { layer.dimensions = [count, 1 + random.below(30), 3, 3] }
      if structured, random.chance(0.5) { layer.original = count + random.below(10) }
      return layer
    }
    let present = try all.map { try $0.kept?.array(Bool.self).count(where: { $0 }) ?? $0.scores.count }
    let (total, original) = (present.reduce(0, +), all.reduce(0) { $0 + $1.original })
    let fraction = Double(random.below(100)) / 100
    let amount = [RemovalAmount.ofKept(fraction), .ofOriginal(fraction), .count(random.below(total + 1))][random.below(3)]
    let density = random.chance(0.4) ? 0.2 : 0
    for allocation in [Allocation.uniform, .erk, .global, .lamp, .layer, .scoped([["l0.*"]]), .shares(["l0.0": 3, "l1.1": 0.2])] {
      for rounding in Rounding.allCases {
        let comment: Comment = "seed \(seed), \(allocation), \(rounding), \(amount)"
        let rule = SelectionRule(
          granularity: structured ? .unit : .weight, allocation: allocation, rounding: rounding, minimumLayerDensity: density)
        let floors = all.map { max(Rounding.ceil.count(density, of: $0.original), structured ? 1 : 0) }
        let capacity = zip(present, floors).map { max($0 - $1, 0) }
        let asked = try #require(amount.count(kept: total, original: original, rounding: rounding))
        let selection: Selection
        do { selection = try Selection(amount, of: all, rule: rule) } catch let error as PruningError {
          switch error {
          case .floors: #expect(allocation != .layer, comment)
          case .emptied: #expect(allocation == .layer && structured, comment)
          default: Issue.record("\(error), \(comment)")
          }
          if case .layer = allocation { continue }
          if case .scoped = allocation { continue }
          #expect(asked > capacity.reduce(0, +), comment)
          continue
        }
        for (layer, (there, most)) in zip(selection.layers, zip(present, capacity)) {
          #expect(layer.before == there && layer.removed <= most, comment)
          #expect(try layer.kept.array(Bool.self).count(where: { $0 }) == layer.after, comment)
          #expect(!structured || layer.after > 0, comment)
        }
        #expect(zip(selection.layers, all).allSatisfy { $0.name == $1.name }, comment)
        switch allocation {
        case .layer: #expect(selection.removed <= selection.asked, comment)
        case .scoped: #expect(selection.removed == selection.asked, comment)
        default: #expect(selection.removed == asked && selection.asked == asked, comment)
        }
      }
    }
  }
}
