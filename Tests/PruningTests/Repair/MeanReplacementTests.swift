import Networks
import Pruning
import Testing
import Torch
import Training

struct MeanReplacementTests {
  /// The mean over examples of nodes' values, [channels, …].
  private func means(_ model: Model, _ batch: Tensor, _ nodes: Set<String>) throws -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    _ = try Executor(model).forward(batch, mode: .evaluation, observing: nodes) { result[$0] = try $1.mean(0) }
    return result
  }

  private func batch(_ network: Network, examples: Int, seed: UInt64) throws -> Tensor {
    try Tensor.normal([examples] + network.inputShape.dimensions, type: .float64, generator: Generator(seed: seed))
  }

  /// Two inputs, two units, two outputs: unit 1 leaves.
  @Test func aLinearLayerByHand() throws {
    let network = try TinyNetworks.mlp([2, 2, 2])
    let model = try Model(
      network: network,
      tensors: [
        ParameterName("fc1", .weight): Tensor([1, 0, 0, 1] as [Double], shape: [2, 2]),
        ParameterName("fc1", .bias): Tensor([0, 1] as [Double]),
        ParameterName("fc2", .weight): Tensor([10, 20, 30, 40] as [Double], shape: [2, 2]),
        ParameterName("fc2", .bias): Tensor([5, 6] as [Double]),
      ])
    // Unit 1 says relu(x₂ + 1): 3, 0 and 6, on average 3.
    let data = try Tensor([7, 2, 8, -4, 9, 5] as [Double], shape: [3, 2])
    let groups = try network.channelGroups().groups
    let replacement = MeanReplacement()
    #expect(replacement.observedNodes(of: groups, in: network) == ["relu1"])
    let plan = SurgeryPlan(removals: ["fc1": [1]])
    let small = try Surgeon.operate(plan, on: model, seed: 1).model
    let repaired = try replacement.applied(
      to: small, removing: plan, of: model, groups: groups, means: means(model, data, ["relu1"]))
    #expect(try repaired.tensor(ParameterName("fc2", .bias)).array(Double.self) == [5 + 20 * 3, 6 + 40 * 3])
    #expect(try small.tensor(ParameterName("fc2", .bias)).array(Double.self) == [5, 6])
  }

  /// A bias that was pruned stays 0, with whatever its unit no longer hears.
  @Test func aPrunedBiasTakesNothing() throws {
    let network = try TinyNetworks.mlp([2, 2, 2])
    var model = try network.randomModel(seed: 1)
    let name = ParameterName("fc2", .bias)
    model.masks[name] = try Tensor([false, true])
    try model.applyMasks()
    let before = try model.tensor(name).array(Double.self)
    let plan = SurgeryPlan(removals: ["fc1": [1]])
    let repaired = try MeanReplacement().applied(
      to: Surgeon.operate(plan, on: model, seed: 1).model, removing: plan, of: model, groups: network.channelGroups().groups,
      means: ["relu1": Tensor([1, 3] as [Double])])
    let after = try repaired.tensor(name).array(Double.self)
    #expect(before[0] == 0 && after[0] == 0 && after[1] != before[1])
  }

  /// Two nodes share a listener's weights and hear means 3 and 5 of what left: the bias they share moves by the mean of both.
  @Test func sharedListenersShareTheMean() throws {
    var builder = NetworkBuilder("shared", input: .vector(2))
    func append(_ name: String, _ operation: Networks.Operation, _ inputs: [String], module: String? = nil) -> Network.Node {
      Network.Node(name: name, operation: operation, inputs: inputs, module: module)
    }
    builder.linear("a", 2, from: "input")
    builder.relu("relu-a")
    builder.linear("b", 2, from: "input")
    builder.relu("relu-b")
    var nodes = try builder.network().nodes
    nodes += [
      append("first", .linear(Linear(2, 1)), ["relu-a"], module: "shared"),
      append("second", .linear(Linear(2, 1)), ["relu-b"], module: "shared"), append("sum", .add, ["first", "second"]),
    ]
    let network = Network(name: "shared", nodes: nodes, outputs: ["sum"])
    let zeros = try Tensor.zeros([2, 2], type: .float64)
    let model = try Model(
      network: network,
      tensors: [
        ParameterName("a", .weight): zeros, ParameterName("a", .bias): Tensor([1, 3] as [Double]),
        ParameterName("b", .weight): zeros, ParameterName("b", .bias): Tensor([2, 5] as [Double]),
        ParameterName("shared", .weight): Tensor([10, 100] as [Double], shape: [1, 2]),
        ParameterName("shared", .bias): Tensor([7] as [Double]),
      ])
    let groups = try network.channelGroups().groups
    let plan = SurgeryPlan(removals: ["a": [1]])
    let small = try Surgeon.operate(plan, on: model, seed: 1).model
    let replacement = MeanReplacement()
    let data = try batch(network, examples: 4, seed: 1)
    let repaired = try replacement.applied(
      to: small, removing: plan, of: model, groups: groups,
      means: means(model, data, replacement.observedNodes(of: groups, in: network)))
    #expect(try repaired.tensor(ParameterName("shared", .bias)).array(Double.self) == [7 + 100 * (3 + 5) / 2])
  }

  /// A 3×3 window over a padded 2×2 image sees 4 of 9 taps: the paper's form counts all nine.
  @Test func paddingByHand() throws {
    var builder = NetworkBuilder("padded", input: .image(channels: 1, height: 2, width: 2))
    builder.convolution("conv1", 2, kernel: 1)
    builder.relu()
    builder.convolution("conv2", 1, kernel: 3, padding: 1)
    let network = try builder.network()
    let model = try Model(
      network: network,
      tensors: [
        ParameterName("conv1", .weight): Tensor([1, 1] as [Double], shape: [2, 1, 1, 1]),
        ParameterName("conv1", .bias): Tensor([0, 1] as [Double]),
        ParameterName("conv2", .weight): Tensor(Array(repeating: 1, count: 18) as [Double], shape: [1, 2, 3, 3]),
        ParameterName("conv2", .bias): Tensor([0] as [Double]),
      ])
    // Unit 1 says x + 1: the map 2 3 / 4 5, whose mean is 3.5 and whose sum is 14.
    let data = try Tensor([1, 2, 3, 4] as [Double], shape: [1, 1, 2, 2])
    let groups = try network.channelGroups().groups
    let plan = SurgeryPlan(removals: ["conv1": [1]])
    let small = try Surgeon.operate(plan, on: model, seed: 1).model
    for (form, expected) in [(MeanReplacement.Form.exact, 14.0), (.paper, 9 * 3.5)] {
      let repaired = try MeanReplacement(form: form).applied(
        to: small, removing: plan, of: model, groups: groups, means: means(model, data, ["relu1"]))
      #expect(try repaired.tensor(ParameterName("conv2", .bias)).array(Double.self) == [expected])
    }
  }

  /// Unit 1 says x + 1, the map 2 3 / 4 5; behind the flatten, and an activation, its four weights 1, 2, 3 and 4 hear 40, or ten times 3.5.
  @Test func flattenedMapsByHand() throws {
    var builder = NetworkBuilder("flat", input: .image(channels: 1, height: 2, width: 2))
    builder.convolution("conv1", 2, kernel: 1)
    builder.flatten()
    builder.relu()
    builder.linear("fc", 1)
    let network = try builder.network()
    let model = try Model(
      network: network,
      tensors: [
        ParameterName("conv1", .weight): Tensor([1, 1] as [Double], shape: [2, 1, 1, 1]),
        ParameterName("conv1", .bias): Tensor([0, 1] as [Double]),
        ParameterName("fc", .weight): Tensor([7, 7, 7, 7, 1, 2, 3, 4] as [Double], shape: [1, 8]),
        ParameterName("fc", .bias): Tensor([0] as [Double]),
      ])
    let data = try Tensor([1, 2, 3, 4] as [Double], shape: [1, 1, 2, 2])
    let groups = try network.channelGroups().groups
    let plan = SurgeryPlan(removals: ["conv1": [1]])
    let small = try Surgeon.operate(plan, on: model, seed: 1).model
    for place in MeanPlace.allCases {
      let exact = place == .consumer ? 40.0 : 35.0
      for (form, expected) in [(MeanReplacement.Form.exact, exact), (.paper, 35.0)] {
        let replacement = MeanReplacement(form: form, place: place)
        let nodes = replacement.observedNodes(of: groups, in: network)
        let repaired = try replacement.applied(
          to: small, removing: plan, of: model, groups: groups, means: means(model, data, nodes))
        #expect(try repaired.tensor(ParameterName("fc", .bias)).array(Double.self) == [expected], "\(form), \(place)")
      }
    }
  }

  /// Two flattened maps side by side, of 2 and 4 positions: each has a mean of its own.
  @Test func flattenedMapsOfTwoBranchesKeepTheirMeans() throws {
    var builder = NetworkBuilder("branches", input: .image(channels: 1, height: 2, width: 2))
    builder.convolution("conv1", 2, kernel: 1, bias: false)
    let stem = builder.relu()
    builder.append("pool", .maxPool(Pooling(kernel: Extent(1, 2))), from: [stem])
    let pooled = builder.flatten()
    builder.append("flat", .flatten, from: [stem])
    builder.concat([pooled, "flat"])
    builder.linear("fc", 1)
    let network = try builder.network()
    let model = try Model(
      network: network,
      tensors: [
        ParameterName("conv1", .weight): Tensor([3, 1] as [Double], shape: [2, 1, 1, 1]),
        ParameterName("fc", .weight): Tensor([7, 7, 1, 2, 7, 7, 7, 7, 10, 20, 30, 40] as [Double], shape: [1, 12]),
        ParameterName("fc", .bias): Tensor([0] as [Double]),
      ])
    // Unit 1 says 1 2 / 3 4, of which the maxima are 2 / 4: means 2.5 and 3.
    let data = try Tensor([1, 2, 3, 4] as [Double], shape: [1, 1, 2, 2])
    let groups = try network.channelGroups().groups
    let plan = SurgeryPlan(removals: ["conv1": [1]])
    let small = try Surgeon.operate(plan, on: model, seed: 1).model
    // 1·2 + 2·4 + 10·1 + 20·2 + 30·3 + 40·4, or 3·3 + 100·2.5.
    for (form, expected) in [(MeanReplacement.Form.exact, 310.0), (.paper, 259.0)] {
      let replacement = MeanReplacement(form: form)
      let repaired = try replacement.applied(
        to: small, removing: plan, of: model, groups: groups, means: means(model, data, replacement.observedNodes(of: groups, in: network)))
      #expect(try repaired.tensor(ParameterName("fc", .bias)).array(Double.self) == [expected], "\(form)")
    }
  }

  /// Maxima of a pooled unit average 4, the unit itself 2.
  @Test func pooledUnitsByHand() throws {
    var builder = NetworkBuilder("pooled", input: .image(channels: 2, height: 1, width: 2))
    builder.convolution("conv1", 2, kernel: 1, bias: false)
    builder.relu()
    builder.append("pool", .maxPool(Pooling(kernel: Extent(1, 2))), from: [builder.last])
    builder.flatten()
    builder.linear("fc", 1, bias: false)
    let network = try builder.network()
    let model = try Model(
      network: network,
      tensors: [
        ParameterName("conv1", .weight): Tensor([1, 0, 0, 1] as [Double], shape: [2, 2, 1, 1]),
        ParameterName("fc", .weight): Tensor([1, 10] as [Double], shape: [1, 2]),
      ])
    let data = try Tensor([1, 1, 4, 0] as [Double], shape: [1, 2, 1, 2])
    let groups = try network.channelGroups().groups
    let plan = SurgeryPlan(removals: ["conv1": [1]])
    let small = try Surgeon.operate(plan, on: model, seed: 1).model
    for (place, expected) in [(MeanPlace.consumer, 40.0), (.output, 20)] {
      let replacement = MeanReplacement(place: place)
      let nodes = replacement.observedNodes(of: groups, in: network)
      let repaired = try replacement.applied(
        to: small, removing: plan, of: model, groups: groups, means: means(model, data, nodes))
      // There was no bias: one is made.
      #expect(try repaired.tensor(ParameterName("fc", .bias)).array(Double.self) == [expected])
      #expect(repaired.network.node(named: "fc")?.operation == .linear(Linear(1, 1)))
    }
  }

  /// Whatever the graph: the mean over examples and positions of what each listener says stays what it was.
  @Test(arguments: 0..<10)
  func meansStay(block: UInt64) throws {
    var heard = 0
    for seed in block * 30..<(block + 1) * 30 {
      let network = try RandomGraph.network(seed: seed)
      guard network.inputShapes.count == 1 else { continue }
      let model = try network.randomModel(seed: seed)
      let groups = try network.channelGroups().groups
      var random = Seeded(seed)
      guard let group = groups.filter({ $0.width > 1 }).randomElement(using: &random) else { continue }
      let shared = group.consumers.contains { member in network.nodes.contains { $0.module == member.module && $0.name != member.node } }
      // Behind a norm over channels means depend on each other, and weights at two places share one bias.
      let norms = group.dependents.contains { ["groupNorm", "channelNorm"].contains(network.node(named: $0.node)?.operation.kind) }
      guard !shared, !norms else { continue }
      let plan = SurgeryPlan(removals: [group.name: [random.below(group.width)]])
      let data = try batch(network, examples: 5, seed: seed)
      let replacement = MeanReplacement()
      let maps = try means(model, data, replacement.observedNodes(of: [group], in: network))
      let small = try Surgeon.operate(plan, on: model, seed: seed).model
      let repaired = try replacement.applied(to: small, removing: plan, of: model, groups: groups, means: maps)
      // A listener whose norm took the change is looked at behind it.
      let ears = group.consumers.map { member in
        let changed = repaired.tensors[ParameterName(member.module, .bias)] != nil
        return changed ? member.node : network.consumers(of: member.node).first?.name ?? member.node
      }
      let before = try means(model, data, Set(ears))
      let after = try means(repaired, data, Set(ears))
      for (ear, member) in zip(ears, group.consumers) where ears.filter({ $0 == ear }).count == 1 {
        // A listener that lost units of its own has others at other places.
        guard let old = before[ear], let new = after[ear], old.shape == new.shape, !readsItself(member.node, group, network) else {
          continue
        }
        func perUnit(_ mean: Tensor) throws -> Tensor { mean.rank > 1 ? try mean.flattened(from: 1).mean(1) : mean }
        let difference: Double = try (perUnit(old) - perUnit(new)).absolute().max().item()
        let size: Double = try perUnit(old).absolute().max().item()
        #expect(difference <= 1e-12 * max(size, 1), "seed \(seed): \(ear) in \(group)")
        heard += 1
      }
    }
    #expect(heard > 10, "block \(block)")
  }

  /// Whether a listener's mean also depends on other listeners that changed.
  private func readsItself(_ node: String, _ group: ChannelGroup, _ network: Network) -> Bool {
    var changed: Set<String> = Set(group.consumers.map(\.node))
    for candidate in network.nodes {
      if candidate.name == node { return candidate.inputs.contains { changed.contains($0) } }
      if candidate.inputs.contains(where: { changed.contains($0) }) { changed.insert(candidate.name) }
    }
    return false
  }

  @Test func aMissingMeanIsNamed() throws {
    let network = try TinyNetworks.mlp([2, 2, 2])
    let model = try network.randomModel(seed: 1)
    let plan = SurgeryPlan(removals: ["fc1": [1]])
    let small = try Surgeon.operate(plan, on: model, seed: 1).model
    #expect(throws: PruningError.mismatch("mean replacement needs the mean of relu1")) {
      try MeanReplacement().applied(to: small, removing: plan, of: model, groups: network.channelGroups().groups, means: [:])
    }
  }
}
