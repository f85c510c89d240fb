import Networks
import Pruning
import Testing
import Torch
import Training

private let context = ScoringContext(parameter: ParameterName("fc1", .weight))

struct LInfinityTests {
  @Test func theLargestWeightOfAUnit() throws {
    let weight = try Tensor([3, -4, 0, 1, 0.5, -1, 1, -1] as [Float], shape: [2, 1, 2, 2])
    for layout in [weight, try weight.channelsLast()] {
      #expect(try LInfinity().unitScores(layout, context).array(Float.self) == [4, 1])
    }
    #expect(try LInfinity().unitScores(Tensor([-2, 1, 0, 0] as [Double], shape: [2, 2]), context).array(Double.self) == [2, 0])
  }
}

struct FilterGeometricMedianTests {
  @Test func theMiddleOfThreeScoresLowest() throws {
    // On a line: 0, 5 and 10 from the first; the one in the middle is 5 from both.
    let weight = try Tensor([0, 0, 3, 4, 6, 8] as [Float], shape: [3, 2])
    let scores = try FilterGeometricMedian().unitScores(weight, context).array(Double.self)
    #expect(zip(scores, [15, 10, 15]).allSatisfy { abs($0 - $1) < 1e-12 }, "\(scores)")
  }

  @Test func memoryLayoutDoesNotMatter() throws {
    // Filters of two channels with two taps: (1, 2; 3, 4), zeros, (1, 2; 3, 0). ‖·‖: √30; √14; 4.
    let weight = try Tensor([1, 2, 3, 4, 0, 0, 0, 0, 1, 2, 3, 0] as [Float], shape: [3, 2, 2, 1])
    let (root30, root14) = (Double(30).squareRoot(), Double(14).squareRoot())
    let expected = [root30 + 4, root30 + root14, root14 + 4]
    for layout in [weight, try weight.channelsLast()] {
      let scores = try FilterGeometricMedian().unitScores(layout, context).array(Double.self)
      #expect(zip(scores, expected).allSatisfy { abs($0 - $1) < 1e-12 }, "\(scores)")
    }
  }

  @Test func equalUnitsHaveNoDistance() throws {
    // Far from 0, where the products cancel.
    let weight = try Tensor.full([5, 3], 1000.1)
    #expect(try FilterGeometricMedian().unitScores(weight, context).array(Double.self) == [0, 0, 0, 0, 0])
    #expect(try FilterGeometricMedian().unitScores(Tensor.ones([1, 4]), context).array(Double.self) == [0])
  }

  @Test func manyUnitsInBlocks() throws {
    // w_u = u: Σ_j |u − j| = u(u + 1)/2 + (n − 1 − u)(n − u)/2.
    let n = 1100
    let weight = try Tensor.range(n, type: .float64).reshaped([n, 1])
    let scores = try FilterGeometricMedian().unitScores(weight, context).array(Double.self)
    for u in [0, 1, 550, 1023, 1024, 1099] {
      let distance = u * (u + 1) / 2 + (n - 1 - u) * (n - u) / 2
      #expect(abs(scores[u] - Double(distance)) < 1e-6, "\(u)")
    }
    #expect(scores.count == n)
  }
}

struct LAMPTests {
  @Test func squaresOverThoseNotSmaller() throws {
    // 9/9, 1/(9 + 4 + 1), 4/(9 + 4), 0.
    let scores = try LAMP().weightScores(Tensor([3, -1, 2, 0] as [Float], shape: [2, 2]), context)
    let expected: [Double] = [1, 1 / 14, 4 / 13, 0]
    #expect(try scores.array(Double.self) == expected && scores.shape == [2, 2])
  }

  @Test func equalOnesInTheOrderOfTheirIndices() throws {
    // As the paper's index map: 1/3, 1/2, 1/1, so that one weight of a layer stands above all.
    let expected: [Double] = [1 / 3, 1 / 2, 1]
    #expect(try LAMP().weightScores(Tensor([1, -1, 1] as [Float]), context).array(Double.self) == expected)
    #expect(try LAMP().weightScores(Tensor([0, -0.0] as [Float]), context).array(Double.self) == [0, 0])
  }

  @Test func unitsByTheirSquaredNorms() throws {
    // 2, 4 and 1: 2/6, 1 and 1/7.
    let weight = try Tensor([1, 1, 0, -2, 1, 0] as [Float], shape: [3, 2])
    let expected: [Double] = [2 / 6, 1, 1 / 7]
    #expect(try LAMP().unitScores(weight, context).array(Double.self) == expected)
  }

  @Test func rowMajorWhateverTheMemoryLayout() throws {
    let weight = try Tensor([4, 3, 2, 1] as [Float], shape: [1, 2, 2, 1])
    let scores = try LAMP().weightScores(weight.channelsLast(), context).array(Double.self)
    let expected: [Double] = [1, 9 / 25, 4 / 29, 1 / 30]
    #expect(scores == expected)
  }

  @Test func notANumberIsSeen() throws {
    let scores = try LAMP().weightScores(Tensor([1, .nan, 2] as [Float]), context)
    let layers = [ScoredLayer(name: "fc1", scores: scores)]
    let error = #expect(throws: PruningError.self) {
      try Selection(.count(1), of: layers, rule: SelectionRule(scope: .global), criterion: "lamp")
    }
    #expect(error?.description == "fc1: criterion lamp gives a score that is not a number (NaN)")
  }
}

struct ThresholdTests {
  private func model(_ weights: [Double], shape: [Int], kept: [Bool]? = nil) throws -> Model {
    var model = try TinyNetworks.mlp([shape[1], shape[0], 2]).randomModel(seed: 1)
    let name = ParameterName("fc1", .weight)
    model.tensors[name] = try Tensor(weights, shape: shape)
    model.masks[name] = try kept.map { try Tensor($0, shape: shape) }
    return model
  }

  private func removed(_ amount: RemovalAmount, of model: Model, _ rule: SelectionRule) throws -> [Int] {
    let layers = try model.weightScores(.threshold, ignoring: ["fc2"])
    let selection = try Selection(amount, of: layers, rule: rule, criterion: "threshold")
    let indices = try selection.removedIndices(from: layers)["fc1"] ?? []
    #expect(selection.removed == indices.count && selection.asked >= selection.removed)
    return indices
  }

  @Test(arguments: [Allocation.layer, .global, .erk, .uniform, .lamp])
  func whatIsBelowLeavesAndNothingElse(allocation: Allocation) throws {
    let model = try model([0.1, -0.4, 0.3, -2, 0.35, 0.1], shape: [3, 2])
    let rule = SelectionRule(allocation)
    #expect(try removed(.below(0.35), of: model, rule) == [0, 2, 5])
    #expect(try removed(.below(0.1), of: model, rule) == [])
    #expect(try removed(.below(0), of: model, rule) == [] && removed(.below(-1), of: model, rule) == [])
    #expect(try removed(.below(.infinity), of: model, rule) == [0, 1, 2, 3, 4, 5])
  }

  @Test func deviationsOfTheSignedWeights() throws {
    // Mean 0, variance (1 + 1 + 9 + 9)/4 = 5, deviation 2.236.
    let whole = try model([1, -1, 3, -3], shape: [2, 2])
    let rule = SelectionRule(.layer)
    #expect(try removed(.belowDeviations(1), of: whole, rule) == [0, 1])
    #expect(try removed(.belowDeviations(0.4), of: whole, rule) == [])
    #expect(try removed(.belowDeviations(1.4), of: whole, rule) == [0, 1, 2, 3])
    // Of the weights still there: mean 2, deviation 1.
    let masked = try model([1, 0, 3, 0], shape: [2, 2], kept: [true, false, true, false])
    #expect(try masked.weightScores(.threshold)[0].deviation == 1)
    #expect(try removed(.belowDeviations(1), of: masked, rule) == [] && removed(.belowDeviations(1.01), of: masked, rule) == [0])
  }

  @Test func unitsByTheirMeanMagnitude() throws {
    // Means 2, 5 and 0.5 of |w|.
    let units = try model([1, -3, 2, 8, 0.5, 0.5], shape: [3, 2])
    let layers = try units.unitScores(.threshold, granularity: .unit)
    #expect(try layers[0].scores.array(Double.self) == [2, 5, 0.5])
    let rule = SelectionRule(granularity: .unit, scope: .layer)
    #expect(try Selection(.below(3), of: layers, rule: rule).removedIndices(from: layers) == ["fc1": [0, 2]])
    // One stays, the first of the best.
    let selection = try Selection(.below(100), of: layers, rule: rule)
    #expect(selection.asked == 3 && selection.removed == 2)
    #expect(try selection.removedIndices(from: layers) == ["fc1": [0, 2]])
    // Σ 9, Σ² 78.5: mean 1.5, variance 13.0833 − 2.25, deviation 3.291.
    let deviation = try #require(layers[0].deviation)
    #expect(abs(deviation * deviation - (78.5 / 6 - 2.25)) < 1e-12)
    #expect(try Selection(.belowDeviations(1), of: layers, rule: rule).removedIndices(from: layers) == ["fc1": [0, 2]])
  }

  @Test func deviationsThatNobodyKnowsGetAnAnswer() throws {
    let layers = try model([1, 2], shape: [1, 2]).weightScores(.magnitude)
    let error = #expect(throws: PlanError.self) { try Selection(.belowDeviations(1), of: layers, rule: SelectionRule(.layer)) }
    #expect(
      error?.description
        == "fc1: the deviation of its weights is not known: thresholds in deviations go with criterion threshold")
    #expect(RemovalAmount.below(1).count(kept: 3, original: 3, rounding: .round) == nil)
  }
}
