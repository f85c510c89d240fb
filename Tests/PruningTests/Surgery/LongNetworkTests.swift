import Networks
import Pruning
import Testing
import Torch
import Training

/// Networks of 20,000 nodes: whoever goes through all of them for each layer or group comes to no end here.
struct LongNetworkTests {
  /// Linear layers of four units with ReLUs between, one layer in a hundred nodes.
  private static func chain(nodes: Int) throws -> Network {
    var list = [Network.Node(name: "input", operation: .input(.vector(4)), inputs: [])]
    for index in 1..<nodes {
      let isLayer = index % 100 == 1 || index == nodes - 1
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
