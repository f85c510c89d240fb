import Networks
import Pruning
import Testing
import Torch
import Training

/// What pruning counts and cuts in networks whose layers change their kind on the way.
struct LineageTests {
  private static let names = ["group-norm", "grouped", "depthwise-x2"]

  private func network(_ name: String) throws -> Network {
    var builder = NetworkBuilder(name, input: .image(channels: 3, height: 6, width: 6))
    switch name {
    case "group-norm":
      builder.convolution("conv1", 32, kernel: 3, padding: 1)
      builder.groupNorm("gn", groups: 8)
      builder.relu()
      builder.convolution("conv2", 16, kernel: 3, padding: 1)
    case "grouped":
      builder.convolution("conv1", 32, kernel: 3, padding: 1)
      builder.relu()
      builder.convolution("conv2", 32, kernel: 3, padding: 1, groups: 4)
      builder.batchNorm("bn2")
      builder.relu()
      builder.convolution("conv3", 16, kernel: 1)
    default:
      builder.convolution("conv1", 8, kernel: 3, padding: 1)
      builder.relu()
      builder.append("dw", .convolution(Convolution(8, 16, kernel: Extent(3), padding: Extent(1), groups: 8)), from: [builder.last])
      builder.batchNorm("bn")
      builder.relu()
      builder.convolution("pw", 12, kernel: 1)
    }
    builder.relu()
    builder.adaptiveAveragePool(1)
    builder.flatten()
    builder.linear("fc", 10)
    return try builder.network()
  }

  private func run(
    _ model: Model, _ amount: PruningPlan.Amount, _ scope: Scope, rounds: Int
  ) throws -> (model: Model, events: [PruningEvent], history: [RemovalEvent]) {
    let plan = PruningPlan(
      criterion: .l1, granularity: .filter, scope: scope, amount: amount, timing: .rounds(rounds, recovery: .iterations(0)), seed: 1)
    var (current, events, history) = (model, [PruningEvent](), [RemovalEvent]())
    for round in 1...rounds {
      // Anew each time, as a run that is taken up again makes it.
      let pruner = try Pruner(
        plan, original: model.network, current: current.network, events: events.count,
        present: events.first.map { $0.kept + $0.removed })
      let pruned = try pruner.prune(current, event: round, of: rounds, iteration: 0)
      current = pruned.model
      events.append(pruned.event)
      history.append(pruned.removal)
    }
    return (current, events, history)
  }

  /// Asked is achieved, in one fixed count, over any number of rounds, and the history leads to the same tensors.
  @Test(arguments: names, 1...6)
  func oneCount(name: String, rounds: Int) throws {
    let network = try network(name)
    let model = try network.randomModel(seed: UInt64(rounds))
    let groups = try network.channelGroups().groups
    for scope in [Scope.layer, .global] {
      for sparsity in [0.3, 0.5, 0.8] {
        let (pruned, events, history) = try run(model, .total(sparsity), scope, rounds: rounds)
        let asked =
          scope == .global
          ? Rounding.round.count(sparsity, of: groups.units)
          : groups.reduce(0) { $0 + min(Rounding.round.count(sparsity, of: $1.width), $1.width - 1) }
        #expect(events.last?.kept == groups.units - asked, "\(scope) \(sparsity)")
        #expect(events.reduce(0) { $0 + $1.removed } == asked && events.allSatisfy { $0.prunable == groups.units })
        #expect(try pruned.network.channelGroups().groups.units == groups.units - asked)
        let replayed = try model.replaying(history)
        #expect(replayed.network == pruned.network)
        for (name, tensor) in pruned.tensors {
          #expect(try replayed.tensor(name).array(Double.self) == tensor.array(Double.self), "\(name)")
        }
      }
      let (_, events, _) = try run(model, .perEvent(0.3), scope, rounds: rounds)
      for (before, after) in zip(events, events.dropFirst()) { #expect(after.kept == before.kept - after.removed && after.removed >= 0) }
    }
  }

  /// What fractions of each round reach, a target of that cost reaches as well.
  @Test(arguments: names)
  func targetsReachWhatFractionsReach(name: String) throws {
    let model = try network(name).randomModel(seed: 3)
    let fractions = try run(model, .perEvent(0.5), .layer, rounds: 6).model.network.cost().macs
    for rounds in 1...6 {
      let (pruned, events, _) = try run(model, .cost(CostTarget(.macs, .most(Double(fractions)))), .global, rounds: rounds)
      #expect(try pruned.network.cost().macs <= fractions)
      #expect(events.last.map { $0.kept > 0 } == true)
    }
  }

  /// Random graphs over several removals: every tensor is the original's at the features that are left.
  @Test(arguments: 0..<10)
  func keptFeaturesAreWhereTheWeightsCameFrom(block: UInt64) throws {
    for seed in block * 20..<(block + 1) * 20 {
      let original = try RandomGraph.network(seed: seed).randomModel(seed: seed)
      var random = Seeded(seed)
      var model = original
      for _ in 0..<4 {
        let groups = try model.network.channelGroups().groups
        var removals: [String: [Int]] = [:]
        for group in groups where random.chance(0.6) {
          let stays = random.below(group.width)
          removals[group.name] = (0..<group.width).filter { $0 != stays && random.chance(0.4) }
        }
        model = try Surgeon.operate(SurgeryPlan(removals: removals), on: model, groups: groups, seed: seed, proves: false).model
      }
      guard let kept = try model.network.keptFeatures() else { continue }
      for node in original.network.nodes {
        guard let features = kept[node.name] else { continue }
        for role in ParameterName.Role.allCases {
          let name = ParameterName(node.module, role)
          guard var expected = original.tensors[name] else { continue }
          expected = try expected.indexed(0, features.outputs)
          // Learned positions have no inputs.
          if expected.rank > 1, expected.rank != 3 {
            // A weight counts its inputs within their group.
            var inputs = features.inputs
            if case .convolution(let layer) = node.operation, layer.groups > 1 {
              let size = layer.inputs / layer.groups
              inputs = Set(inputs.map { $0 % size }).sorted()
            }
            expected = try expected.indexed(1, inputs)
          }
          #expect(try model.tensor(name).array(Double.self) == expected.contiguous().array(Double.self), "seed \(seed): \(name)")
        }
      }
    }
  }

  /// Also of a layer's second group, which is not called after a node.
  @Test func unitsThatStayAreNamedInEveryGroup() throws {
    var builder = NetworkBuilder("split", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("conv", 6, kernel: 1)
    let part = builder.append("part", .narrow(start: 1, count: 4), from: ["conv"])
    builder.convolution("one", 2, kernel: 3, padding: 1, from: part)
    builder.convolution("two", 2, kernel: 3, padding: 1, from: "conv")
    builder.add(["one", "two"])
    let model = try builder.network().randomModel(seed: 1)
    try model.tensor(ParameterName("conv", .weight)).narrowed(0, from: 2, length: 1).fill(0)
    #expect(try model.compacted().notes == ["conv:2: 1 unit without input stays: one pads its input"])
  }

  /// Weights of a grouped convolution with one input a group are weights, not a filter of what came before: its units are alive.
  @Test func unitsOfANarrowGroupedConvolutionAreAlive() throws {
    let model = try network("grouped").randomModel(seed: 5)
    let narrow = try Surgeon.operate(SurgeryPlan(removals: ["conv1": Array(0..<7)]), on: model, seed: 1).model
    #expect(try narrow.compacted().removed.isEmpty)
  }
}
