import Foundation
import Networks
import Pruning
import TestSupport
import Testing
import Torch
import Training

/// Scores and densities against their definitions, worked out in Python (Tests/Reference/weight_criteria.py).
struct WeightCriteriaReferenceTests {
  struct Stored: Codable {
    var shape: [Int]
    var values: [Double]
    func tensor(_ type: ElementType = .float64) throws -> Tensor { try Tensor(values, shape: shape).cast(to: type) }
  }

  struct Layer: Codable, CustomTestStringConvertible {
    var name: String
    var weight, lamp, unitLAMP, linf, threshold, fpgm: Stored
    var deviation: Double
    var testDescription: String { name }
  }

  struct Golden: Codable {
    struct Norm: Codable { var scale, shift, expected: Stored }
    struct Budget: Codable {
      var density: Double
      var layers: [Double]
    }
    var layers: [Layer]
    var norm: Norm
    var shapes: [[Int]]
    var densities: [Budget]
  }

  static func golden() throws -> Golden {
    try JSONDecoder().decode(Golden.self, from: Data(contentsOf: reference("weight_criteria.json")))
  }
  static let layers = (try? golden().layers) ?? []

  private let context = ScoringContext(parameter: ParameterName("fc1", .weight))

  @Test func theReferenceIsThere() { #expect(Self.layers.map(\.name) == ["convolution", "linear", "ties"]) }

  @Test(arguments: layers) func scoresOfWeights(_ layer: Layer) throws {
    for (type, tolerance) in [(ElementType.float64, 1e-12), (.float32, 1e-5)] {
      let rowMajor = try layer.weight.tensor(type)
      for weight in rowMajor.rank == 4 ? [rowMajor, try rowMajor.channelsLast()] : [rowMajor] {
        func check(_ scores: Tensor, _ expected: Stored, _ name: String) throws {
          let largest = expected.values.map { abs($0) }.max() ?? 1
          let difference = try (scores.cast(to: .float64) - expected.tensor()).absolute().max().item()
          #expect(scores.shape == expected.shape && difference <= tolerance * largest, "\(name), \(type): \(difference)")
        }
        try check(LAMP().weightScores(weight, context), layer.lamp, "lamp")
        try check(LAMP().unitScores(weight, context), layer.unitLAMP, "lamp of units")
        try check(LInfinity().unitScores(weight, context), layer.linf, "linf")
        try check(Threshold().unitScores(weight, context), layer.threshold, "threshold")
        try check(FilterGeometricMedian().unitScores(weight, context), layer.fpgm, "fpgm")
      }
    }
  }

  @Test(arguments: layers) func deviationsOfLayers(_ layer: Layer) throws {
    guard let shape = layer.weight.shape.count == 2 ? layer.weight.shape : nil else { return }
    var model = try TinyNetworks.mlp([shape[1], shape[0], 2]).randomModel(seed: 1)
    model.tensors[ParameterName("fc1", .weight)] = try layer.weight.tensor()
    let found = try #require(try model.weightScores(.threshold)[0].deviation)
    #expect(abs(found - layer.deviation) < 1e-12)
  }

  @Test func expectedOutputsByIntegration() throws {
    let norm = try Self.golden().norm
    let scores = try ExpectedNormOutput().unitScores(scale: norm.scale.tensor(), shift: norm.shift.tensor()).array(Double.self)
    for (found, expected) in zip(scores, norm.expected.values) { #expect(abs(found - expected) < 1e-10) }
    #expect(scores.count == 7)
  }

  @Test func densitiesOfTheErdosRenyiKernel() throws {
    let golden = try Self.golden()
    let generator = try Generator(seed: 1)
    let layers = try golden.shapes.enumerated().map {
      ScoredLayer(name: "layer\($0)", scores: try Tensor.uniform($1, generator: generator))
    }
    for budget in golden.densities {
      let selection = try Selection(.ofOriginal(1 - budget.density), of: layers, rule: SelectionRule(.erk))
      for (layer, expected) in zip(selection.layers, budget.layers) {
        // The total is a whole number, and so is each layer's part: each moves by less than one.
        #expect(abs(Double(layer.after) - expected * Double(layer.before)) <= 1.5, "\(budget.density), \(layer.name): \(layer.after)")
      }
    }
  }
}
