import Networks
import Pruning
import Testing
import Torch
import Training

/// Networks of 20,000 nodes: whoever goes through all of them for each layer or group comes to no end here.
struct LongNetworkTests {
  enum Work: CaseIterable { case weights, units, sensitivity }

  /// Twice as many layers more, at most twice as many tensors more that are made on the way: scores, choice, masks or cuts, dead units, proofs, evaluations.
  @Test(arguments: Work.allCases, [false, true]) func workGrowsWithTheLayers(work: Work, isResidual: Bool) throws {
    try TorchRuntime.configure(threads: 1)
    let counts = try [100, 200, 400].map { layers in
      let network = try isResidual ? Self.residual(layers) : Self.chain(nodes: layers, layerEvery: 1)
      var model = try Model(network, seed: 1)
      // Small, or the values of so many layers would leave float32.
      for name in network.prunableWeights { model.tensors[name] = try model.tensor(name) * 0.05 }
      let before = TorchRuntime.tensorsMade
      try work.run(on: model)
      return TorchRuntime.tensorsMade - before
    }
    // Give or take: how many units are dead is chance.
    #expect(20 * (counts[2] - counts[1]) <= 42 * (counts[1] - counts[0]) && counts[1] > counts[0], "\(counts)")
  }

  /// Blocks of a layer, a ReLU and a sum.
  private static func residual(_ layers: Int) throws -> Network {
    var builder = NetworkBuilder("residual", input: .vector(4))
    builder.linear("stem", 4)
    for index in 0..<layers {
      let start = builder.last
      builder.linear("in\(index)", 3)
      builder.relu()
      builder.linear("out\(index)", 4)
      builder.add([start, builder.last])
    }
    builder.linear("head", 3)
    return try builder.network()
  }

  /// Linear layers of four units with ReLUs between, one layer in a hundred nodes.
  private static func chain(nodes: Int, layerEvery: Int = 100) throws -> Network {
    var list = [Network.Node(name: "input", operation: .input(.vector(4)), inputs: [])]
    for index in 1..<nodes {
      let isLayer = index % layerEvery == 1 % layerEvery || index == nodes - 1
      list.append(
        .init(
          name: isLayer ? "fc\(index)" : "relu\(index)", operation: isLayer ? .linear(Linear(4, 4)) : .activation(.relu),
          inputs: [list[index - 1].name]))
    }
    return Network(name: "long", nodes: list, outputs: [list[nodes - 1].name])
  }

  @Test func weightsAndDeadUnitsLeave() throws {
    let network = try Self.chain(nodes: 20_000)
    var model = try Model(network, seed: 1)
    for (index, name) in network.prunableWeights.enumerated() {
      // Of every layer unit 1 hears nobody, and nobody hears unit 2.
      let weight = try Tensor(
        (0..<16).map { ($0 / 4 == 1 || $0 % 4 == 2) ? 0 : 0.4 + Float(index + $0) / 1000 }, shape: [4, 4])
      model.tensors[name] = weight
      model.tensors[ParameterName(name.module, .bias)] = try Tensor([0.1, 0.2, 0.3, 0.4] as [Float])
    }
    // What the zeros are not, the ranking adds: the smallest weight of all.
    let selection = try Selection(.count(201 * 7 + 1), of: model.weightScores(.magnitude), rule: SelectionRule(scope: .global))
    try model.prune(selection)
    #expect(try model.collapsedLayers().isEmpty)
    let compaction = try model.compacted(proves: false)
    #expect(compaction.removed.count == 2 * 200)
    #expect(compaction.removed.removals.values.allSatisfy { $0 == [1, 2] } && compaction.stayed.isEmpty)
    #expect(compaction.model.tensors[ParameterName("fc101", .weight)]?.shape == [2, 2])
    let groups = try network.channelGroups(.unit)
    #expect(groups.count == 200)
    #expect(try network.channelGroups(.filter).isEmpty)
  }

  /// Sums that go backwards chain the channels up, each to the one before it.
  @Test func channelsUnitedBackwardsAreOneGroup() throws {
    let count = 2000
    var nodes = [Network.Node(name: "input", operation: .input(.vector(2)), inputs: [])]
    for index in 0..<count { nodes.append(.init(name: "fc\(index)", operation: .linear(Linear(2, 2)), inputs: ["input"])) }
    for index in (1..<count).reversed() {
      nodes.append(.init(name: "sum\(index)", operation: .add, inputs: ["fc\(index - 1)", "fc\(index)"]))
    }
    nodes.append(.init(name: "head", operation: .linear(Linear(2, 3)), inputs: ["sum1"]))
    let (groups, refused) = try Network(name: "backwards", nodes: nodes, outputs: ["head"]).channelGroups()
    #expect(groups.map(\.width) == [2] && groups[0].producers.count == count)
    #expect(refused.map(\.producer) == ["head"])
  }
}

extension LongNetworkTests.Work {
  func run(on model: Model) throws {
    switch self {
    case .weights:
      let pruner = try Pruner(plan(.weight), original: model.network)
      let pruned = try pruner.prune(model, event: 1, of: 1, iteration: 0)
      _ = try pruner.compact(pruned.model, iteration: 0)
    case .units:
      _ = try Pruner(plan(.unit), original: model.network).prune(model, event: 1, of: 1, iteration: 0)
    case .sensitivity:
      // Of one layer; as many layers cost as many times that.
      let scan = SensitivityScan(.l1, granularity: .unit, fractions: [0.5])
      let input = try Tensor.normal([2, 4], generator: Generator(seed: 1))
      _ = try scan.run(model, layers: [model.unitScores(.l1, granularity: .unit)[0]]) { pruned in
        _ = try withoutGradients { try Executor(pruned).forward(input) }
        return Evaluation(loss: 0, correct: 0, count: 2)
      }
    }
  }

  private func plan(_ granularity: Granularity) -> PruningPlan {
    PruningPlan(
      criterion: granularity == .weight ? .magnitude : .l2, granularity: granularity, allocation: .layer, amount: .total(0.5),
      timing: .rounds(1, recovery: .iterations(0)), seed: 1)
  }
}
