import Foundation
import Networks
import Pruning
import Testing
import Torch
import Training

struct CriterionTests {
  /// Those that differentiate the loss; obd by the Gauss–Newton part of the Hessian asks the network's own outputs.
  @Test func criteriaThatNeedLabels() throws {
    let needy = try PruningCriterion.all.filter { definition in
      try definition.granularities.contains { try Criterion(definition).needsLabels($0) }
    }.map(\.name)
    #expect(needy == ["rs", "mrs", "abs-rs", "abs-mrs", "taylor", "taylor-activation", "gradient-norm", "snip", "grasp"])
    let obd = try Criterion(named: "obd")
    #expect(try !obd.needsLabels(.weight) && !obd.needsLabels(.weight, curvature: HessianProbes(.gaussNewton)))
    #expect(try obd.needsLabels(.weight, curvature: HessianProbes(.hutchinson)))
  }

  private let context = ScoringContext(parameter: ParameterName("fc1", .weight), seed: 7, round: 1)

  @Test func magnitudeIsTheAbsoluteValue() throws {
    let weight = try Tensor([-3, 0, 2, -0.5] as [Float], shape: [2, 2])
    #expect(try Magnitude().weightScores(weight, context).array(Float.self) == [3, 0, 2, 0.5])
    #expect(try Magnitude().unitScores(weight, context).array(Float.self) == [3, 2.5])
  }

  @Test func normsOfUnits() throws {
    let weight = try Tensor([3, -4, 0, 0, 1, -1, 1, -1] as [Float], shape: [2, 1, 2, 2])
    for layout in [weight, try weight.channelsLast()] {
      #expect(try L1().unitScores(layout, context).array(Float.self) == [7, 4])
      #expect(try L2().unitScores(layout, context).array(Float.self) == [5, 2])
    }
  }

  @Test func randomDependsOnSeedNameAndRoundOnly() throws {
    let weight = try Tensor.zeros([3, 4])
    let scores = try RandomScore().weightScores(weight, context).array(Double.self)
    #expect(try RandomScore().weightScores(weight, context).array(Double.self) == scores)
    #expect(scores.allSatisfy { (0..<1).contains($0) })
    for change in [
      ScoringContext(parameter: ParameterName("fc2", .weight), seed: 7, round: 1),
      ScoringContext(parameter: ParameterName("fc1", .weight), seed: 8, round: 1),
      ScoringContext(parameter: ParameterName("fc1", .weight), seed: 7, round: 2),
    ] {
      #expect(try RandomScore().weightScores(weight, change).array(Double.self) != scores)
    }
    #expect(try RandomScore().unitScores(weight, context).shape == [3])
  }

  @Test func theCatalogueIsWhole() throws {
    #expect(
      PruningCriterion.all.map(\.name) == [
        "magnitude", "l1", "l2", "linf", "threshold", "lamp", "fpgm", "bn-scale", "expected-bn", "li-greedy", "random", "activation",
        "weight-norm", "rs", "mrs", "abs-rs", "abs-mrs", "taylor", "taylor-activation", "gradient-norm", "apoz", "entropy", "obd",
        "snip", "grasp", "synflow",
      ])
    #expect(try Criterion(named: "norm") == .l2)
    for method in PruningCriterion.all {
      #expect(!method.granularities.isEmpty && !method.summary.isEmpty && !method.formula.isEmpty, "\(method.name)")
    }
    #expect(Criterion.magnitude.definition.granularities == [.weight, .unit, .filter])
    #expect(Criterion.activation.definition.granularities == [.unit, .filter])
    for criterion in [Criterion.linf, .fpgm, .normScale, .expectedNormOutput, .greedyL1] {
      #expect(criterion.definition.granularities == [.unit, .filter], "\(criterion)")
    }
    for criterion in [Criterion.threshold, .lamp] {
      #expect(criterion.definition.granularities == [.weight, .unit, .filter], "\(criterion)")
    }
  }

  @Test func unknownNamesGetAnAnswer() {
    func message(_ name: String) -> String? { #expect(throws: PruningError.self) { try Criterion(named: name) }?.description }
    #expect(message("magnitud") == "unknown criterion \"magnitud\": did you mean magnitude?")
    #expect(message("weight_norm") == "unknown criterion \"weight_norm\": did you mean weight-norm?")
    let names = PruningCriterion.all.map(\.name).joined(separator: ", ")
    #expect(message("no-such-criterion") == "unknown criterion \"no-such-criterion\": choose one of \(names)")
  }

  @Test func impossibleCombinationsGetAnAnswer() throws {
    let granularity = #expect(throws: PruningError.self) { try Criterion.activation.check(.weight) }
    #expect(granularity?.description == "criterion activation does not score by weight: choose unit or filter")
    let option = #expect(throws: PruningError.self) { try Criterion(named: "weight-norm", options: [.preActivation]) }
    #expect(option?.description == "criterion weight-norm has no option pre-activation: it has normalize")
    let none = #expect(throws: PruningError.self) { try Criterion(named: "l1", options: [.normalize]) }
    #expect(none?.description == "criterion l1 has no option normalize: it has none")
  }

  @Test func jsonKeepsNameAndOptions() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    func text(_ criteria: [Criterion]) throws -> String { String(decoding: try encoder.encode(criteria), as: UTF8.self) }
    let criteria = [Criterion.l2, try Criterion(named: "activation", options: [.preActivation, .normalize])]
    #expect(try text(criteria) == #"["l2",{"name":"activation","options":["normalize","pre-activation"]}]"#)
    #expect(try JSONDecoder().decode([Criterion].self, from: Data(text(criteria).utf8)) == criteria)
    #expect(criteria[1].description == "activation (normalize, pre-activation)")
  }

  @Test func ignoredLayersMustExist() throws {
    let model = try TinyNetworks.mlp([2, 3, 2]).randomModel(seed: 1)
    #expect(try model.weightScores(.magnitude, ignoring: ["fc2"]).map(\.name) == ["fc1"])
    let error = #expect(throws: PruningError.self) { try model.weightScores(.magnitude, ignoring: ["fc9"]) }
    #expect(error?.description == "--ignore \"fc9\" matches no layer: choose from fc1, fc2")
    #expect(try model.weightScores(.magnitude, ignoring: ["*2"]).map(\.name) == ["fc1"])
    #expect(throws: PlanError("--ignore leaves nothing to prune of \"mlp\": all 1 layers match")) {
      try model.unitScores(.l1, granularity: .unit, ignoring: ["f?1"])
    }
    let group = #expect(throws: PruningError.self) { try model.unitScores(.l1, granularity: .unit, ignoring: ["conv9*"]) }
    #expect(group?.description == "--ignore \"conv9*\" matches no layer: choose from fc1")
  }
}
