import Datasets
import Foundation
import Networks
import Pruning
import TestSupport
import Testing
import Torch
import Training

/// Scores that need examples against their definitions, example by example, in PyTorch (Tests/Reference/criteria.py).
struct SweepReferenceTests {
  struct Stored: Codable {
    var shape: [Int]
    var values: [Double]
    func tensor(_ type: ElementType) throws -> Tensor { try Tensor(values, shape: shape).cast(to: type) }
  }

  struct Hessian: Codable {
    var name: String
    var images, labels, fc1, fc2: Stored
    /// By layer; `deviations` those of an estimate with one probe for each of the two batches.
    var diagonals, deviations: [String: Stored]
  }

  struct Document: Codable {
    var tensors: [String: Stored]
    var images, labels: Stored
    var batchSizes: [Int]
    var loss: Double
    var correct: Int
    var meanMaps: [String: Stored]
    /// By place, layer, criterion.
    var activation: [String: [String: [String: Stored]]]
    /// By layer, criterion.
    var units, weights: [String: [String: Stored]]
    var hessians: [Hessian]
  }

  static let document: Document? = {
    guard let data = try? Data(contentsOf: reference("criteria.json")) else { return nil }
    return try? JSONDecoder().decode(Document.self, from: data)
  }()

  static let network = Result {
    var builder = NetworkBuilder("reference", input: .image(channels: 2, height: 10, width: 10))
    builder.convolution("conv1", 4, kernel: 3, padding: 1)
    builder.batchNorm("bn1")
    builder.relu()
    builder.maxPool(2)
    builder.convolution("depthwise", 4, kernel: 3, padding: 1, groups: 4)
    builder.relu()
    builder.convolution("conv2", 5, kernel: 3)
    builder.relu()
    builder.maxPool(2, stride: 1)
    builder.flatten()
    builder.linear("fc1", 6)
    builder.relu()
    builder.linear("fc2", 3)
    return try builder.network()
  }

  /// The network, and its examples in batches of 5, 3 and 4.
  private func load(_ document: Document, _ type: ElementType) throws -> (model: Model, batches: [Batch]) {
    var tensors: [ParameterName: Tensor] = [:]
    for (name, stored) in document.tensors { tensors[try #require(ParameterName(name))] = try stored.tensor(type) }
    let images = try document.images.tensor(type)
    let labels = try document.labels.tensor(.int64)
    var start = 0
    let batches = try document.batchSizes.map { size in
      defer { start += size }
      return Batch(inputs: try images.narrowed(0, from: start, length: size), labels: try labels.narrowed(0, from: start, length: size))
    }
    return (try Model(network: Self.network.get(), tensors: tensors), batches)
  }

  private func expect(_ scores: Tensor?, _ golden: Stored, _ tolerance: Double, _ what: String) throws {
    let scores = try #require(scores)
    #expect(scores.shape == golden.shape, "\(what)")
    let error = relativeError(try scores.doubles(), golden.values)
    #expect(error <= tolerance, "\(what) is off by \(error)")
  }

  static let precisions: [(type: ElementType, tolerance: Double)] = [(.float64, 1e-10), (.float32, 1e-5)]

  @Test(arguments: MeanPlace.allCases, precisions)
  func activationScoresAgree(place: MeanPlace, precision: (type: ElementType, tolerance: Double)) throws {
    let document = try #require(Self.document)
    let (model, batches) = try load(document, precision.type)
    let criteria = try ["rs", "mrs", "abs-rs", "abs-mrs", "taylor-activation", "apoz", "entropy"].map { try Criterion(named: $0) }
    let statistics = try criteria.reduce(into: Set()) { try $0.formUnion($1.statistics(for: .unit)) }
    let result = try model.sweep(batches, statistics: statistics, place: place)
    #expect(result.layers.map(\.node) == ["conv1", "depthwise", "conv2", "fc1", "fc2"])
    let golden = try #require(document.activation[place.rawValue])
    for criterion in criteria {
      let scores = try result.scores(criterion)
      for (layer, named) in golden {
        try expect(
          scores[layer], #require(named[criterion.name]), precision.tolerance, "\(criterion) of \(layer), \(place), \(precision.type)")
      }
    }
  }

  /// `random` and `norm` come out of the same result; the loss and the maps too.
  @Test(arguments: precisions) func onePassServesTheRest(precision: (type: ElementType, tolerance: Double)) throws {
    let document = try #require(Self.document)
    let (model, batches) = try load(document, precision.type)
    let statistics: Set<SweepStatistic> = [.weightGradients, .unitTaylorSquares, .weightTaylorSquares]
    let result = try model.sweep(batches, statistics: statistics, meanMaps: Set(document.meanMaps.keys))
    for criterion in try [
      Criterion(named: "taylor"), Criterion(named: "taylor", options: [.signed]), Criterion(named: "gradient-norm"),
      Criterion(named: "norm"),
    ] {
      let scores = try result.scores(criterion)
      let weights = criterion.name == "l2" ? [:] : try result.weightScores(criterion)
      for (layer, named) in document.units {
        let what = "\(criterion) of \(layer), \(precision.type)"
        try expect(scores[layer], #require(named[criterion.description]), precision.tolerance, what)
        guard let golden = document.weights[layer]?[criterion.description] else { continue }
        try expect(weights[layer], golden, precision.tolerance, "weights: \(what)")
      }
    }
    #expect(try result.scores(.random)["conv1"]?.shape == [4])
    #expect(abs(result.evaluation.loss - document.loss) <= precision.tolerance * document.loss)
    #expect(result.evaluation.correct == document.correct && result.evaluation.count == 12)
    #expect(Set(result.meanMaps.keys) == Set(document.meanMaps.keys))
    for (node, golden) in document.meanMaps { try expect(result.meanMaps[node], golden, precision.tolerance, "the mean map of \(node)") }
  }

  private func load(_ golden: Hessian) throws -> (model: Model, batches: [Batch]) {
    let (fc1, fc2) = (try golden.fc1.tensor(.float64), try golden.fc2.tensor(.float64))
    var builder = NetworkBuilder(golden.name, input: .vector(fc1.shape[1]))
    builder.linear("fc1", fc1.shape[0], bias: false)
    builder.linear("fc2", fc2.shape[0], bias: false)
    let tensors = [ParameterName("fc1", .weight): fc1, ParameterName("fc2", .weight): fc2]
    let (images, labels) = (try golden.images.tensor(.float64), try golden.labels.tensor(.int64))
    // Unequal halves, so that sums are not means of means.
    let batches = try [(0, 2), (2, 3)].map {
      Batch(inputs: try images.narrowed(0, from: $0.0, length: $0.1), labels: try labels.narrowed(0, from: $0.0, length: $0.1))
    }
    return (try Model(network: builder.network(), tensors: tensors), batches)
  }

  @Test func oneProbeIsExactForDiagonalHessians() throws {
    let golden = try #require(Self.document?.hessians.first { $0.name == "diagonal" })
    let (model, batches) = try load(golden)
    let result = try model.sweep(
      batches, statistics: [.hessianDiagonal], layers: ["fc1"], probes: HessianProbes(.hutchinson, count: 1, seed: 4))
    let diagonal = try #require(golden.diagonals["fc1"]).values
    #expect(relativeError(try result.layers[0](.hessianDiagonal).doubles(), diagonal) < 1e-12)
    let scores = zip(diagonal, golden.fc1.values).map { 0.5 * $0 * $1 * $1 }
    let obd = try Criterion(named: "obd")
    #expect(relativeError(try #require(result.weightScores(obd)["fc1"]).doubles(), scores) < 1e-12)
    #expect(relativeError(try #require(result.scores(obd)["fc1"]).doubles(), [scores.reduce(0, +)]) < 1e-12)
  }

  /// Gauss–Newton of a network that is linear in each of its weights is the Hessian's own. A probe is a square of a sum of random signs,
  /// whose deviation is at most √2 of its mean: 5,000 probes come within five standard errors of 2 %, and not to 0.
  @Test func manySquaresFindTheDiagonal() throws {
    let golden = try #require(Self.document?.hessians.first { $0.name == "dense" })
    let (model, batches) = try load(golden)
    let result = try model.sweep(batches, statistics: [.hessianDiagonal], probes: HessianProbes(count: 5000))
    for layer in result.layers {
      let diagonal = try #require(golden.diagonals[layer.node]).values
      for (found, wanted) in zip(try layer(.hessianDiagonal).doubles(), diagonal) {
        #expect(found >= 0 && abs(found - wanted) < 0.1 * wanted && found != wanted, "\(layer.node): \(found), \(wanted)")
      }
    }
  }

  /// The estimate is unbiased: 500 probes of each batch come within five standard errors, and not to 0.
  @Test func manyProbesFindTheDiagonal() throws {
    let golden = try #require(Self.document?.hessians.first { $0.name == "dense" })
    let (model, batches) = try load(golden)
    let result = try model.sweep(batches, statistics: [.hessianDiagonal], probes: HessianProbes(.hutchinson, count: 500))
    for layer in result.layers {
      let found = try layer(.hessianDiagonal).doubles()
      let (diagonal, deviations) = (try #require(golden.diagonals[layer.node]), try #require(golden.deviations[layer.node]))
      for (i, value) in found.enumerated() {
        let errors = abs(value - diagonal.values[i]) / (deviations.values[i] / 500.0.squareRoot())
        #expect(errors < 5 && errors > 0, "\(layer.node)[\(i)]: off by \(errors) standard errors")
      }
    }
  }
}
