import Networks
import Pruning
import Testing
import Torch
import Training

struct GreedyL1Tests {
  private let rule = SelectionRule(granularity: .unit, scope: .layer)

  private func model() throws -> Model {
    var model = try TinyNetworks.mlp([2, 3, 2, 2]).randomModel(seed: 1)
    model.tensors[ParameterName("fc1", .weight)] = try Tensor([0.5, -0.5, 1, 1, -2, 1] as [Double], shape: [3, 2])
    model.tensors[ParameterName("fc2", .weight)] = try Tensor([10, 1, -1, 0, 2, 2] as [Double], shape: [2, 3])
    return model
  }

  @Test func ignoresWeightsFromChosenUnits() throws {
    // fc1: 1, 2, 3, and unit 0 leaves. fc2: 12 and 4; without column 0 it is 2 and 4.
    let (layers, selection) = try model().unitSelection(.ofKept(0.34), by: .greedyL1, rule: rule, granularity: .unit)
    #expect(try layers.map { try $0.scores.array(Double.self) } == [[1, 2, 3], [2, 4]])
    #expect(try selection.removedIndices(from: layers) == ["fc1": [0], "fc2": [0]])
    #expect(selection.asked == 2 && selection.removed == 2)
    let independent = try model().unitSelection(.ofKept(0.34), by: .l1, rule: rule, granularity: .unit)
    #expect(try independent.selection.removedIndices(from: independent.layers) == ["fc1": [0], "fc2": [1]])
    // A layer left alone loses nothing that the next one could miss.
    let second = try model().unitSelection(.ofKept(0.5), by: .greedyL1, rule: rule, granularity: .unit, ignoring: ["fc1"])
    #expect(try second.selection.removedIndices(from: second.layers) == ["fc2": [1]])
  }

  @Test func followsChannelsThroughFlattening() throws {
    var builder = NetworkBuilder("net", input: .image(channels: 1, height: 1, width: 2))
    builder.convolution("conv1", 2, kernel: 1)
    builder.relu()
    builder.flatten()
    builder.linear("fc1", 2)
    builder.relu()
    builder.linear("out", 2)
    var model = try builder.network().randomModel(seed: 1)
    model.tensors[ParameterName("conv1", .weight)] = try Tensor([5, 1] as [Double], shape: [2, 1, 1, 1])
    // Channel 1, which leaves, is features 2 and 3.
    model.tensors[ParameterName("fc1", .weight)] = try Tensor([1, 2, 30, 40, 3, 4, 5, 6] as [Double], shape: [2, 4])
    let (layers, selection) = try model.unitSelection(.ofKept(0.5), by: .greedyL1, rule: rule, granularity: .unit)
    #expect(try layers[1].scores.array(Double.self) == [3, 7])
    #expect(try selection.removedIndices(from: layers) == ["conv1": [1], "fc1": [0]])
  }

  @Test func goesLayerByLayerOnly() throws {
    let scores = #expect(throws: PlanError.self) { try model().unitScores(.greedyL1, granularity: .unit) }
    #expect(
      scores?.description == "criterion li-greedy chooses layer by layer: it has no scores before the choice in earlier layers is made")
    for allocation in [Allocation.global, .erk] {
      let error = #expect(throws: PlanError.self) {
        try model().unitSelection(.ofKept(0.5), by: .greedyL1, rule: SelectionRule(allocation), granularity: .unit)
      }
      #expect(error?.description == "criterion li-greedy chooses layer by layer: it goes with --scope layer, not \(allocation)")
    }
    #expect(throws: PruningError.granularity(criterion: "li-greedy", asked: "weight", possible: ["unit", "filter"])) {
      try model().unitSelection(.ofKept(0.5), by: .greedyL1, rule: rule, granularity: .weight)
    }
  }
}

struct CriterionChecksTests {
  private func message(
    _ criterion: Criterion, _ granularity: Granularity = .unit, _ allocation: Allocation = .layer, isThreshold: Bool = false,
    ignoring: [String] = []
  ) throws -> String? {
    let network = try TinyNetworks.mlp([2, 3, 2, 2])
    do {
      try criterion.check(granularity, of: network, allocation: allocation, isThreshold: isThreshold, ignoring: ignoring)
      return nil
    } catch { return "\(error)" }
  }

  @Test func whatCannotWorkIsSaidBeforeTraining() throws {
    #expect(try message(.l1) == nil && message(.magnitude, .weight, .erk, ignoring: ["*3"]) == nil)
    #expect(try message(.l1, .weight) == "criterion l1 does not score by weight: choose unit or filter")
    #expect(try message(.l1, ignoring: ["fc3"]) == "--ignore \"fc3\" matches no layer: choose from fc1, fc2")
    #expect(try message(.magnitude, .weight, ignoring: ["fc4"]) == "--ignore \"fc4\" matches no layer: choose from fc1, fc2, fc3")
    #expect(try message(.l1, .unit, .scoped([["x"]])) == "--scope \"x\" matches no layer: choose from fc1, fc2")
    #expect(
      try message(.magnitude, .weight, .scoped([["fc1"], ["fc*"]])) == "fc1 is in two scopes, \"fc1\" and \"fc*\": give it one")
    #expect(
      try message(.normScale) == "criterion bn-scale reads the batch norm after a layer, and there is none after fc1, fc2: "
        + "leave such layers alone with --ignore, or choose another criterion")
    #expect(
      try message(.greedyL1, .unit, .global) == "criterion li-greedy chooses layer by layer: it goes with --scope layer, not global")
    #expect(try message(.greedyL1) == nil && message(.greedyL1, .unit, .global, isThreshold: true) == nil)
  }
}

struct UnitSelectionTests {
  @Test func sweptScoresAreTakenByLayer() throws {
    let model = try TinyNetworks.mlp([2, 3, 2, 2]).randomModel(seed: 1)
    func scores(_ swept: [String: Tensor]?) throws -> [ScoredLayer] { try model.unitScores(.activation, granularity: .unit, swept: swept) }
    let layers = try scores(["fc1": Tensor([3, 1, 2] as [Float]), "fc2": Tensor([5, 4] as [Float]), "out": Tensor([0] as [Float])])
    #expect(try layers.map { try $0.scores.array(Float.self) } == [[3, 1, 2], [5, 4]])
    #expect(layers.map(\.dimensions) == [[3, 2], [2, 3]] && layers.map(\.members) == [["fc1"], ["fc2"]])
    let missing = #expect(throws: PruningError.self) { try scores(["fc1": Tensor([3, 1, 2] as [Float])]) }
    #expect(missing?.description == "criterion activation gave no scores for layer fc2")
    let short = #expect(throws: PruningError.self) { try scores(["fc1": Tensor([3, 1] as [Float])]) }
    #expect(short?.description == "fc1: 2 scores for 3 units")
    #expect(throws: PruningError.nothingAccumulated(criterion: "activation")) { try scores(nil) }
  }

  @Test func groupsAreFoundByName() throws {
    let network = try TinyNetworks.mlp([2, 3, 2, 2])
    #expect(try network.channelGroups(.unit).map(\.name) == ["fc1", "fc2"])
    #expect(try network.channelGroups(.unit, ignoring: ["*1"]).map(\.name) == ["fc2"])
    #expect(try network.channelGroups(.filter).isEmpty)
  }

  @Test func notANumberNamesTheLayer() throws {
    let model = try TinyNetworks.mlp([2, 3, 2, 2]).randomModel(seed: 1)
    try model.tensor(ParameterName("fc2", .weight)).fill(.nan)
    for criterion in [Criterion.l1, .l2, .linf, .fpgm, .lamp, .threshold, .greedyL1] {
      let error = #expect(throws: PruningError.self) {
        try model.unitSelection(.ofKept(0.4), by: criterion, rule: SelectionRule(granularity: .unit, scope: .layer), granularity: .unit)
      }
      #expect(error?.description == "fc2: criterion \(criterion) gives a score that is not a number (NaN)")
    }
  }

  /// Every criterion of weights and norms, on random networks: exact counts, no layer without units, and a surgery that proves right.
  @Test(arguments: 0..<40)
  func everyCriterionPrunesRandomNetworks(seed: UInt64) throws {
    var random = Seeded(seed)
    let model = try TinyNetworks.sequential(&random).randomModel(seed: seed)
    let groups = try model.network.channelGroups(.unit)
    let present = groups.map(\.width)
    let fraction = Double(random.below(60)) / 100
    for criterion in [Criterion.l1, .l2, .linf, .fpgm, .lamp, .threshold, .greedyL1, .random, .normScale, .expectedNormOutput] {
      for allocation in [Allocation.layer, .uniform, .erk, .global, .lamp] where criterion != .greedyL1 || allocation == .layer {
        let comment: Comment = "seed \(seed), \(criterion), \(allocation), \(fraction)"
        let rule = SelectionRule(granularity: .unit, allocation: allocation, rounding: .floor, normalization: .l2)
        let chosen: (layers: [ScoredLayer], selection: Selection)
        do {
          chosen = try model.unitSelection(
            .ofKept(fraction), by: criterion, rule: rule, granularity: .unit, reduction: GroupReduction.allCases[random.below(4)],
            seed: seed)
        } catch PruningError.noNorm(_, let layers) {
          let normed = groups.filter { group in
            group.dependents.contains { if case .batchNorm = model.network.node(named: $0.node)?.operation { true } else { false } }
          }
          #expect(layers == groups.map(\.name).filter { name in !normed.contains { $0.name == name } }, comment)
          continue
        } catch PruningError.floors {
          #expect(Rounding.floor.count(fraction, of: present.reduce(0, +)) > present.reduce(0) { $0 + $1 - 1 }, comment)
          continue
        }
        let selection = chosen.selection
        let asked =
          allocation == .layer
          ? present.reduce(0) { $0 + Rounding.floor.count(fraction, of: $1) } : Rounding.floor.count(fraction, of: present.reduce(0, +))
        #expect(selection.removed == asked && selection.asked == asked, comment)
        #expect(selection.layers.allSatisfy { $0.after > 0 } && selection.layers.map(\.before) == present, comment)
        let plan = SurgeryPlan(removals: try selection.removedIndices(from: chosen.layers))
        if criterion == .linf || criterion == .greedyL1 {
          let surgery = try Surgeon.operate(plan, on: model, seed: seed)
          #expect(surgery.proof?.holds ?? (asked == 0), comment)
        }
      }
    }
  }
}
