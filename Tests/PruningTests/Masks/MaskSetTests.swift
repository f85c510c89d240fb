import Networks
import Pruning
import Testing
import Torch
import Training

struct MaskSetTests {
  @Test func countsLayerByLayer() throws {
    var model = try TinyNetworks.mlp([4, 5, 2]).randomModel(seed: 1)
    #expect(try MaskSet(model).sparsity == 0)
    let selection = try Selection(.ofKept(0.5), of: model.weightScores(.magnitude), rule: SelectionRule(scope: .layer))
    try model.prune(selection)
    let masks = try MaskSet(model)
    #expect(masks.layers.map(\.name) == ["fc1", "fc2"])
    #expect(masks.layers.map(\.prunable) == [20, 10] && masks.layers.map(\.kept) == [10, 5])
    #expect(masks.prunable == 30 && masks.kept == 15 && masks.density == 0.5 && masks.sparsity == 0.5)
    // Biases are not prunable, and pruned means exactly 0.
    #expect(model.masks.count == 2)
    #expect(try model.tensor(ParameterName("fc1", .weight)).nonZeroCount() == 10)
  }

  @Test(arguments: 0..<20)
  func roundsAreNestedAndExact(seed: UInt64) throws {
    var random = Seeded(seed)
    var model = try TinyNetworks.sequential(&random).randomModel(seed: seed, type: .float32)
    let total = try MaskSet(model).prunable
    let scope = Scope.allCases[random.below(2)]
    let criterion = [Criterion.magnitude, .random][random.below(2)]
    var before = try MaskSet(model)
    for round in 1...5 {
      let amount = SparsitySchedule.cubic.amount(forEvent: round, of: 5, fraction: 0.83)
      let selection = try Selection(
        amount, of: model.weightScores(criterion, seed: seed, round: round), rule: SelectionRule(scope: scope))
      try model.prune(selection)
      let after = try MaskSet(model)
      #expect(try after.isNested(in: before), "seed \(seed)")
      #expect(before.kept - after.kept == selection.removed && selection.asked == selection.removed, "seed \(seed)")
      before = after
    }
    if scope == .global { #expect(total - before.kept == Rounding.round.count(0.83, of: total), "seed \(seed)") }
    for layer in before.layers where scope == .layer {
      #expect(layer.prunable - layer.kept == Rounding.round.count(0.83, of: layer.prunable), "seed \(seed)")
    }
  }

  @Test func whatCameBackIsNoticed() throws {
    var model = try TinyNetworks.mlp([1, 2, 1]).randomModel(seed: 1)
    let name = ParameterName("fc1", .weight)
    model.masks[name] = try Tensor([true, false], shape: [2, 1])
    let before = try MaskSet(model)
    model.masks[name] = try Tensor([false, true], shape: [2, 1])
    #expect(try !MaskSet(model).isNested(in: before))
    model.masks[name] = nil
    #expect(try !MaskSet(model).isNested(in: before))
  }

  @Test func collapseIsNamed() throws {
    var model = try TinyNetworks.mlp([2, 2, 2, 2]).randomModel(seed: 1)
    #expect(try model.collapsedLayers().isEmpty)
    // fc2 keeps a weight, but only from the unit that fc1 no longer reaches.
    model.masks[ParameterName("fc1", .weight)] = try Tensor([true, true, false, false], shape: [2, 2])
    model.masks[ParameterName("fc2", .weight)] = try Tensor([false, true, false, false], shape: [2, 2])
    try model.applyMasks()
    #expect(try model.collapsedLayers() == ["fc2"])
    model.masks[ParameterName("fc3", .weight)] = try Tensor([false, false, false, false], shape: [2, 2])
    try model.applyMasks()
    #expect(try model.collapsedLayers() == ["fc2", "fc3"])
  }

  @Test func collapseOfABranchOnly() throws {
    let network = try Architecture.parse("resnet-20", input: .image(channels: 3, height: 32, width: 32), classes: 10)
    let model = try network.randomModel(seed: 1, type: .float32)
    #expect(try model.collapsedLayers().isEmpty)
    let second = network.prunableWeights[2]
    try model.tensor(second).fill(0)
    #expect(try model.collapsedLayers() == [second.module])
  }
}
