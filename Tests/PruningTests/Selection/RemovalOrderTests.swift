import Networks
import Testing
import Torch
import Training

@testable import Pruning

struct RemovalOrderTests {
  private func plan(_ granularity: Granularity, _ order: RemovalOrder?) -> PruningPlan {
    PruningPlan(
      criterion: granularity == .weight ? .magnitude : .l1, order: order, granularity: granularity, allocation: .layer,
      amount: .perEvent(0.5), timing: .rounds(1, recovery: .epochs(0)), ignored: ["fc2"])
  }

  private func model() throws -> Model {
    let tensors = try [
      ParameterName("fc1", .weight): Tensor([1, -8, 2, 4, -3, 5, 7, -6] as [Float], shape: [4, 2]),
      ParameterName("fc2", .weight): Tensor([1, 2, 3, 4] as [Float], shape: [1, 4]),
    ]
    return try Model(network: TinyNetworks.mlp([2, 4, 1], bias: false), tensors: tensors)
  }

  @Test func theHighestScoresLeaveFirst() throws {
    let model = try model()
    func pruned(_ plan: PruningPlan) throws -> Model {
      try Pruner(plan, original: model.network).prune(model, event: 1, of: 1, iteration: 0).model
    }
    let weight = ParameterName("fc1", .weight)
    #expect(try pruned(plan(.weight, .highest)).tensor(weight).array(Float.self) == [1, 0, 2, 4, -3, 0, 0, 0])
    #expect(try pruned(plan(.weight, nil)).tensor(weight).array(Float.self) == [0, -8, 0, 0, 0, 5, 7, -6])
    // Of the rows, of L1 norms 9, 6, 8 and 13.
    var units = plan(.unit, .highest)
    units.ignored = []
    #expect(try pruned(units).tensor(weight).array(Float.self) == [2, 4, -3, 5])
    units.order = .lowest
    #expect(try pruned(units).tensor(weight).array(Float.self) == [1, -8, 7, -6])
    #expect(plan(.unit, .highest).words.hasPrefix("units by highest l1, ") && plan(.unit, .lowest).words.hasPrefix("units by l1, "))
  }

  @Test func whatDoesNotRankIsRefused() throws {
    func refused(_ words: String, _ change: (inout PruningPlan) throws -> Void) throws {
      var plan = plan(.unit, .highest)
      try change(&plan)
      #expect(throws: PlanError(words)) { try plan.validate() }
    }
    try refused("--order highest ranks scores: it does not go with thresholds, below which scores leave") { $0.amount = .threshold(0.5) }
    try refused("--order highest does not go with --criterion li-greedy, which chooses unit by unit") {
      $0.criterion = try Criterion(named: "li-greedy")
    }
    try refused("--order highest does not go with --method edge-popup, which selects by scores that it trains") {
      ($0.timing, $0.method) = (.everyStep, "edge-popup")
    }
  }
}
