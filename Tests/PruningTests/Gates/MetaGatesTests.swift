import Foundation
import Networks
@testable import Pruning
import TestSupport
import Testing
import Torch
import Training

/// The masks that meta-learning learns.
@Suite struct MetaGatesTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private static func plan(
    _ gates: GatePlan? = GatePlan(), amount: PruningPlan.Amount = .total(0.5), ignored: [String] = [], rounds: Int = 1
  ) -> PruningPlan {
    PruningPlan(
      method: "meta-pruning", criterion: .magnitude, granularity: .weight, allocation: .global, amount: amount,
      timing: .rounds(rounds, recovery: .iterations(3)), ignored: ignored, gates: gates, seed: 7)
  }

  private func model(_ name: String = "mlp:4-3-2") throws -> Model { try Model(Architecture.parse(name), seed: 1) }

  private func gates(_ model: Model, _ plan: PruningPlan = Self.plan(), examples: Int = 100, steps: Int = 10) throws -> MetaGates {
    try MetaGates(plan, model: model, examples: examples, steps: steps)
  }

  @Test func gatesStandOnLinearLayersAlone() throws {
    let lenet = try model("lenet-5")
    let gates = try gates(lenet, Self.plan(ignored: ["fc2"]))
    #expect(gates.gated.map(\.description) == ["fc1.weight"] && gates.logits.shape == [400_000])
    #expect(try MetaGates.ungated(in: lenet.network, ignoring: ["fc2"]) == ["conv1", "conv2", "fc2"])
    #expect(throws: PlanError("this plan trains no gates")) { try self.gates(lenet, Self.plan(nil)) }
  }

  /// Of a step and a pass the gates are always the same, of others they are not; they are as often 0 and 1 as their distribution says.
  @Test func gatesArePureFunctionsOfSeedStepAndPass() throws {
    let model = try model("mlp:100-100-2")
    let gates = try gates(model, Self.plan(GatePlan(dropRate: 0.7)))
    func drawn(_ step: Int, _ passes: Int) throws -> [Double] {
      try gates.begin(step, of: model, gain: 0.5)
      var found: [Double] = []
      for _ in 0..<passes { found = try gates.factors(gates.logits)[0].doubles() }
      return found
    }
    let first = try drawn(3, 1)
    #expect(try drawn(3, 1) == first && drawn(3, 2) != first && drawn(4, 1) != first)
    let logAlpha = HardConcrete.logAlpha(dropRate: 0.7)
    let (open, whole) = (HardConcrete.openness(logAlpha), 1 - HardConcrete.openness(-logAlpha))
    #expect(first.count == 10_000 && first.allSatisfy { (0...1).contains($0) })
    #expect(abs(Double(first.count { $0 > 0 }) / 1e4 - open) < 0.02, "\(open)")
    // By symmetry a gate is 1 as often as one of −ln α is 0.
    #expect(abs(Double(first.count { $0 == 1 }) / 1e4 - whole) < 0.02, "\(whole)")
  }

  /// Gates and penalty are differentiable by ln α, in float64 to the last digits of finite differences.
  @Test func slopesAreThoseOfFiniteDifferences() throws {
    let model = try model().cast(to: .float64)
    let gates = try gates(model)
    let random = try Generator(seed: 2)
    let weights = try gates.gated.map { try Tensor.normal(model.tensor($0).shape, type: .float64, generator: random) }
    func value(_ logits: Tensor) throws -> Tensor {
      try gates.begin(9, of: model, gain: 0.5)
      let sums = try zip(gates.factors(logits), weights).map { try ($0 * $1).sum() }
      return try sums[0] + sums[1] + #require(try gates.penalty(logits))
    }
    try value(gates.logits).backward()
    let slopes = try #require(gates.logits.gradient).doubles()
    let start = try gates.logits.doubles()
    let differences = try start.indices.map { place in
      let sides = try [1e-6, -1e-6].map { shift in
        var moved = start
        moved[place] += shift
        return try value(Tensor(moved)).item()
      }
      return (sides[0] - sides[1]) / 2e-6
    }
    #expect(relativeError(slopes, differences) < 1e-7 && slopes.contains { $0 != 0 })
  }

  /// λ/N·Σ P(z > 0), with λ of layers and the factor that follows what is asked for; scaled by one over the mean square of what is kept.
  @Test func penaltyAndScaleByHand() throws {
    var model = try model()
    let (fc1, fc2) = (ParameterName("fc1", .weight), ParameterName("fc2", .weight))
    model.tensors[fc1] = try Tensor([Float](repeating: 0.5, count: 6) + [Float](repeating: 0, count: 6), shape: [3, 4])
    model.masks[fc1] = try model.tensor(fc1).notEqual(0)
    model.tensors[fc2] = try Tensor([Float](repeating: 0, count: 6), shape: [2, 3])
    let gates = try gates(model, Self.plan(GatePlan(lambda: 3, layerLambdas: [.init(layer: "fc2", lambda: 5)])), examples: 50)
    try gates.begin(0, of: model, gain: 0.5)
    #expect(try gates.scale.doubles() == Array(repeating: 400, count: 12) + Array(repeating: Double(Float(1e10)), count: 6))
    // From ln α ≈ 0: P = σ(β·2.398) = 0.832 are open; 0.1 should be closed after 1 of 10 steps, half of it after 5. Closed by a factor of 1
    // are, of each gate, P(1 − P) times what its ln α moves by; where that is more than 1, the factor is held back.
    let p = HardConcrete.openness(0.0)
    #expect(gates.strength == 0)
    try gates.begin(4, of: model, gain: 1e-6)
    let moves = (fc1: 1e-6 * 400 * 3 / 50 * p * (1 - p), fc2: 1e-6 * 1e10 * 5 / 50 * p * (1 - p))
    let wanted = 18 * (0.5 - (1 - p)) / (p * (1 - p) * (12 * moves.fc1 + 6 * moves.fc2))
    #expect(wanted * moves.fc2 > 1 && abs(gates.strength * moves.fc2 - 1) < 0.01)
    let penalty = try #require(try gates.penalty(gates.logits)).item()
    #expect(abs(penalty / (gates.strength * p * (12 * 3 + 6 * 5) / 50) - 1) < 0.01)
  }

  /// Without a loss of data the expected number of closed gates follows the line, and stays where it has arrived.
  @Test(arguments: [0.5, 0.9]) func thePenaltyKeepsToTheLine(_ fraction: Double) throws {
    let model = try model("mlp:20-30-2")
    let gates = try gates(model, Self.plan(amount: .total(fraction)), steps: 40)
    for step in 0..<40 {
      try gates.begin(step, of: model, gain: 0.3)
      if let penalty = try gates.penalty(gates.logits) {
        try penalty.backward()
        try withoutGradients {
          try gates.logits.detached().accumulate(#require(gates.logits.gradient) * gates.scale, scale: -0.3)
        }
        try gates.logits.clearGradient()
      }
      let closed = try gates.logits.doubles().reduce(0.0) { $0 + 1 - HardConcrete.openness($1) } / 660
      let goal = fraction * min(1, Double(step + 1) / 20)
      #expect(closed > goal - 0.05 && closed < max(goal, 1 - HardConcrete.openness(0.0)) + 0.02, "\(step): \(closed), \(goal)")
    }
  }

  @Test func whereEnoughIsClosedThereIsNoPenalty() throws {
    let model = try model()
    let gates = try gates(model, Self.plan(GatePlan(dropRate: 0.999)))
    try gates.begin(9, of: model, gain: 0.5)
    #expect(try gates.strength == 0 && gates.penalty(gates.logits) == nil)
  }

  /// Whatever has left stays closed and counts as closed; what stays although closed has its mean.
  @Test func removedWeightsStayClosed() throws {
    var model = try model()
    let gates = try gates(model)
    var state = try gates.state()
    state["log-alpha"] = try Tensor([Float(-5), -4, 3, 0] + [Float](repeating: 2, count: 14))
    try gates.restore(state)
    #expect(try gates.closedCount(model) == 2)
    let scores = try gates.scores(model)
    #expect(scores.map(\.name) == ["fc1", "fc2"] && scores[0].scores.shape == [3, 4])
    #expect(try scores[0].scores.doubles()[2] == 3)
    let fc1 = ParameterName("fc1", .weight)
    model.masks[fc1] = try Tensor([Float(0)] + [Float](repeating: 1, count: 11), shape: [3, 4]).notEqual(0)
    try model.applyMasks()
    let (own, folded) = (try model.tensor(fc1).doubles(), try gates.folded(model).tensor(fc1).doubles())
    #expect(folded[0] == 0 && abs(folded[1] / own[1] - Double(HardConcrete.mean(Float(-4)))) < 1e-6)
    #expect(abs(folded[2] / own[2] - 1) < 1e-6 && abs(folded[3] / own[3] - 0.5) < 1e-6)
    try gates.closeRemoved(model)
    #expect(try gates.logits.doubles().prefix(4) == [-40, -4, 3, 0] && gates.closedCount(model) == 1)
    #expect(try gates.factors(gates.logits)[0].doubles()[0] == 0)
  }

  @Test func foreignStatesAreRefused() throws {
    let gates = try gates(model())
    for change: (inout [String: Tensor]) throws -> Void in [
      { $0["log-alpha"] = nil }, { $0["log-alpha"] = try Tensor([Float(1)]) },
      { $0["log-alpha"] = try Tensor.full([18], .nan) },
      { $0["more"] = try .scalar(1) },
    ] {
      var state = try gates.state()
      try change(&state)
      #expect(throws: RecordError.self) { try gates.restore(state) }
    }
  }

  @Test func whatGatesDoNotGoWithIsOneLine() {
    func refusal(_ change: (inout PruningPlan) -> Void) -> String {
      var plan = Self.plan()
      change(&plan)
      do { try plan.validate() } catch { return "\(error)" }
      return "accepted"
    }
    #expect(refusal { _ in } == "accepted" && refusal { $0.amount = .perEvent(0.2) } == "accepted")
    #expect(
      refusal { $0.granularity = .unit } == "--meta masks learns gates on single weights: --granularity unit does not go with it")
    #expect(refusal { $0.amount = .threshold(0.1) } == "--meta masks removes the weights of lowest ln α: give --sparsity or --fraction")
    #expect(refusal { $0.method = "l0" } == "--method l0 removes what has closed in training: it goes with no other time of removal")
    #expect(
      refusal { $0.normalization = .l2 }
        == "--normalization does not go with --meta masks: what leaves is decided by its gates, which weights have learned to do without")
  }
}
