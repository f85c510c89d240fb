import Datasets
import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Pruning

/// SNIP, GraSP and SynFlow against their authors' definitions in PyTorch, with and without masks (Tests/Reference/start_criteria.py).
struct StartCriteriaReferenceTests {
  typealias Stored = SweepReferenceTests.Stored

  struct Flow: Codable {
    var flow: Double
    var scores: [String: Stored]
  }
  struct Scores: Codable {
    var snip, grasp: [String: Stored]
    var synflow: Flow
  }
  struct InTraining: Codable {
    var snip, grasp: [String: Stored]
  }
  struct Residual: Codable {
    var weights, scores: [String: Stored]
    var flow: Double
  }
  struct Document: Codable {
    var masks: [String: Stored]
    var dense, masked: Scores
    var residual: Residual
    var training: InTraining
  }

  private static func document() throws -> Document {
    try JSONDecoder().decode(Document.self, from: Data(contentsOf: reference("start_criteria.json")))
  }

  /// The network of the sweeps' reference, and its examples in batches of 5, 3 and 4.
  private func load(_ type: ElementType, masks: [String: Stored] = [:]) throws -> (model: Model, batches: [Batch]) {
    let document = try #require(SweepReferenceTests.document)
    var tensors: [ParameterName: Tensor] = [:]
    for (name, stored) in document.tensors { tensors[try #require(ParameterName(name))] = try stored.tensor(type) }
    let (images, labels) = (try document.images.tensor(type), try document.labels.tensor(.int64))
    let batches = try [(0, 5), (5, 3), (8, 4)].map {
      Batch(inputs: try images.narrowed(0, from: $0.0, length: $0.1), labels: try labels.narrowed(0, from: $0.0, length: $0.1))
    }
    var model = try Model(network: SweepReferenceTests.network.get(), tensors: tensors)
    for (layer, mask) in masks { model.masks[ParameterName(layer, .weight)] = try mask.tensor(.float64).notEqual(0) }
    try model.applyMasks()
    return (model, batches)
  }

  private func expect(_ found: [String: Tensor], _ golden: [String: Stored], _ tolerance: Double, _ what: String) throws {
    #expect(Set(found.keys) == Set(golden.keys))
    for (layer, expected) in golden {
      let scores = try #require(found[layer])
      let error = relativeError(try scores.doubles(), expected.values)
      #expect(scores.shape == expected.shape && error <= tolerance, "\(what) of \(layer) is off by \(error)")
    }
  }

  private func byLayer(_ scores: [ParameterName: Tensor]) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: scores.map { ($0.key.module, $0.value) })
  }

  @Test(arguments: SweepReferenceTests.precisions, [false, true])
  func scoresAgree(precision: (type: ElementType, tolerance: Double), isMasked: Bool) throws {
    let document = try Self.document()
    let golden = isMasked ? document.masked : document.dense
    let (model, batches) = try load(precision.type, masks: isMasked ? document.masks : [:])
    let what = "\(precision.type)\(isMasked ? ", masked" : "")"
    let swept = try model.sweep(batches, statistics: Criterion.snip.statistics(for: .weight))
    try expect(swept.weightScores(.snip), golden.snip, precision.tolerance, "snip, \(what),")
    let grasp = try GraSP().weightScores(of: model, examples: { try batches.forEach($0) }, batchNorms: .evaluation)
    try expect(byLayer(grasp), golden.grasp, precision.tolerance, "grasp, \(what),")
    let synflow = try SynFlow().weightScores(of: model, examples: nil)
    try expect(byLayer(synflow), golden.synflow.scores, precision.tolerance, "synflow, \(what),")
    let flow = try SynFlow.flow(SynFlow.linearized(model)).flow
    #expect(abs(flow - golden.synflow.flow) <= precision.tolerance * golden.synflow.flow)
    #expect(model.tensors.values.allSatisfy { !$0.requiresGradient })
  }

  /// Batch norms in training mode, GraSP's own, normalise by the batch; no running statistic moves.
  @Test(arguments: SweepReferenceTests.precisions)
  func scoresInTrainingModeAgree(precision: (type: ElementType, tolerance: Double)) throws {
    let golden = try Self.document().training
    let (model, parts) = try load(precision.type)
    let statistics = try [ParameterName.Role.runningMean, .runningVariance].map { try model.tensor(ParameterName("bn1", $0)).doubles() }
    let whole = Batch(
      inputs: try Tensor.concatenated(parts.map(\.inputs)), labels: try Tensor.concatenated(parts.map(\.labels)))
    let snip = try model.sweep([whole], statistics: Criterion.snip.statistics(for: .weight), batchNorms: .training).weightScores(.snip)
    try expect(snip, golden.snip, precision.tolerance, "snip")
    for grasp in [
      try GraSP().weightScores(of: model) { try $0(whole) },
      try GraSP().weightScores(of: model, examples: { try $0(whole) }, batchNorms: .training),
    ] { try expect(byLayer(grasp), golden.grasp, precision.tolerance, "grasp") }
    let evaluated = try byLayer(GraSP().weightScores(of: model, examples: { try $0(whole) }, batchNorms: .evaluation))
    #expect(relativeError(try #require(evaluated["conv1"]).doubles(), try #require(golden.grasp["conv1"]).values) > 0.1)
    let after = try [ParameterName.Role.runningMean, .runningVariance].map { try model.tensor(ParameterName("bn1", $0)).doubles() }
    #expect(statistics == after)
  }

  /// Sums over paths, through activations that are no identity.
  @Test(arguments: [Activation.relu, .gelu, .tanh]) func flowThroughAResidualSum(activation: Activation) throws {
    let golden = try Self.document().residual
    var builder = NetworkBuilder("residual", input: .vector(3))
    builder.linear("stem", 4, bias: false)
    let stem = builder.activation(activation)
    builder.linear("up", 5, bias: false)
    builder.activation(activation)
    let down = builder.linear("down", 4, bias: false)
    builder.add([stem, down])
    builder.activation(activation)
    builder.linear("out", 2, bias: false)
    var tensors: [ParameterName: Tensor] = [:]
    for (layer, weight) in golden.weights { tensors[ParameterName(layer, .weight)] = try weight.tensor(.float64) }
    let model = try Model(network: builder.network(), tensors: tensors)
    try expect(byLayer(SynFlow().weightScores(of: model, examples: nil)), golden.scores, 1e-12, "synflow")
    #expect(abs(try SynFlow.flow(SynFlow.linearized(model)).flow - golden.flow) < 1e-12 * golden.flow)
  }
}
