import Networks
import Pruning
import Testing
import Torch
import Training

@Suite struct SensitivityScanTests {
  private func model() throws -> Model { try TinyNetworks.mlp([4, 8, 3]).randomModel(seed: 2) }

  private func values(_ model: Model) throws -> [ParameterName: [Double]] {
    try model.tensors.mapValues { try $0.detached().cast(to: .float64).array(Double.self) }
  }

  /// The loss tells the non-zero weights of both layers, so that each point shows what was evaluated.
  private func count(_ model: Model) throws -> Evaluation {
    let kept = try ["fc1", "fc2"].map { try model.tensor(ParameterName($0, .weight)).detached().nonZeroCount() }
    return Evaluation(loss: Double(100 * kept[0] + kept[1]), correct: kept[0], count: 64)
  }

  @Test func weightsOfOneLayerAtATime() throws {
    let model = try model()
    let before = try values(model)
    let scan = SensitivityScan(.magnitude, granularity: .weight, fractions: [0.25, 0.5, 0.75])
    var reported: [SensitivityScan.Point] = []
    let points = try scan.run(model, layers: model.weightScores(.magnitude), evaluate: count) { reported.append($0) }
    #expect(points.map(\.layer) == ["fc1", "fc1", "fc1", "fc2", "fc2", "fc2"])
    #expect(points.map(\.fraction) == [0.25, 0.5, 0.75, 0.25, 0.5, 0.75])
    // 32 and 24 weights; the other layer is whole.
    #expect(points.map(\.removed) == [8, 16, 24, 6, 12, 18] && points.map(\.total) == [32, 32, 32, 24, 24, 24])
    #expect(points.map(\.loss) == [2424, 1624, 824, 3218, 3212, 3206])
    #expect(points.map(\.accuracy) == [24, 16, 8, 32, 32, 32].map { $0 / 64 })
    #expect(reported == points)
    #expect(try values(model) == before && model.masks.isEmpty, "the model stays as it was")
  }

  @Test func theLowestWeightsLeave() throws {
    let model = try model()
    let scan = SensitivityScan(.magnitude, granularity: .weight, fractions: [0.5])
    let name = ParameterName("fc1", .weight)
    let weights = try model.tensor(name).detached().cast(to: .float64).array(Double.self)
    let middle = weights.map(abs).sorted()[16]
    var seen: [[Double]] = []
    _ = try scan.run(model, layers: [model.weightScores(.magnitude)[0]]) { pruned in
      seen.append(try pruned.tensor(name).detached().cast(to: .float64).array(Double.self))
      return Evaluation(loss: 0, correct: 0, count: 1)
    }
    #expect(seen == [weights.map { abs($0) < middle ? 0 : $0 }])
  }

  @Test func unitsAreCutOut() throws {
    let model = try model()
    let before = try values(model)
    let scan = SensitivityScan(.l2, granularity: .unit, fractions: [0.25, 0.5])
    var widths: [FeatureShape?] = []
    let points = try scan.run(model, layers: model.unitScores(.l2, granularity: .unit)) { pruned in
      widths.append(try pruned.network.shapes()["fc1"])
      return Evaluation(loss: 1, correct: 1, count: 2)
    }
    #expect(widths == [.vector(6), .vector(4)])
    #expect(points.map(\.removed) == [2, 4] && points.map(\.total) == [8, 8] && points.map(\.layer) == ["fc1", "fc1"])
    #expect(try values(model) == before)
  }

  /// Of 8 units 0.9 and more would be all: one stays. The same number of units is the same network, and is evaluated once.
  @Test func oneUnitStays() throws {
    let model = try model()
    let scan = SensitivityScan(.l2, granularity: .unit, fractions: [0.5, 0.85, 0.95, 0.99, 0.02])
    var widths: [FeatureShape?] = []
    let points = try scan.run(model, layers: model.unitScores(.l2, granularity: .unit)) { pruned in
      widths.append(try pruned.network.shapes()["fc1"])
      return Evaluation(loss: Double(widths.count), correct: 1, count: 2)
    }
    #expect(points.map(\.removed) == [4, 7, 7, 7, 0])
    #expect(widths == [.vector(4), .vector(1), .vector(8)] && points.map(\.loss) == [1, 2, 2, 2, 3])
  }
}
