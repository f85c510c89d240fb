import Datasets
import Foundation
import Networks
import TestSupport
import Testing
import Torch

@testable import Training

/// Smooth gates z = σ(ln α) on a layer's weights, with a penalty c·Σσ(ln α): what meta-learning does with gates, without their noise.
private final class SmoothGates: TaskGates {
  let gated: [ParameterName]
  let logits, scale: Tensor
  private let price: Double

  init(_ layer: String, _ logits: [Double], shape: [Int], price: Double, scale: Double) throws {
    gated = [ParameterName(layer, .weight)]
    self.logits = try Tensor(logits, shape: shape)
    self.scale = try Tensor.full(shape, scale, type: .float64)
    self.price = price
    try self.logits.requireGradient()
  }

  func factors(_ logits: Tensor) throws -> [Tensor] { [try logits.sigmoid()] }
  func penalty(_ logits: Tensor) throws -> Tensor? { try logits.sigmoid().sum() * price }
}

@Suite struct TaskGatesTests {
  private func learner(_ plan: MetaPlan, _ model: Model, _ gates: SmoothGates) throws -> MetaLearner {
    try MetaLearner(plan, optimizer: .sgd(momentum: 0), model: model, gates: gates, dropout: Generator(seed: 1))
  }

  // MARK: - By hand

  /// One weight w with a gate z = σ(a) on one input x with two classes: logits (w·z·x, 0). The other weight is pruned.
  private struct One {
    var w = 0.4
    var a = 0.3
    let rate = 0.5
    let price = 0.02
    let scale = 3.0

    var z: Double { 1 / (1 + exp(-a)) }

    /// The gradients with respect to w and a, of the second with the penalty.
    func slopes(_ x: Double, _ label: Int64) -> (w: Double, a: Double) {
      let ofProduct = x * (1 / (1 + exp(-w * z * x)) - (label == 0 ? 1 : 0))
      return (ofProduct * z, (ofProduct * w + price) * z * (1 - z))
    }

    mutating func step(_ x: Double, _ label: Int64) {
      let slopes = slopes(x, label)
      (w, a) = (w - rate * slopes.w, a - rate * scale * slopes.a)
    }

    func model() throws -> Model {
      var builder = NetworkBuilder("one", input: .vector(1))
      builder.linear("fc", 2, bias: false)
      let name = ParameterName("fc", .weight)
      var model = try Model(network: builder.network(), tensors: [name: Tensor([w, 0], shape: [2, 1])])
      model.masks[name] = try Tensor([1.0, 0], shape: [2, 1]).notEqual(0)
      return model
    }

    func gates() throws -> SmoothGates { try SmoothGates("fc", [a, -30], shape: [2, 1], price: price, scale: scale) }
  }

  private func batch(_ x: Double, _ label: Int64) throws -> Batch {
    Batch(inputs: try Tensor([x], shape: [1, 1]), labels: try Tensor([label]))
  }

  @Test func reptileMovesBothTowardsTheMeanOfTheAdapted() throws {
    let start = One()
    let examples: [[(Double, Int64)]] = [[(1, 0), (-2, 1)], [(0.5, 1), (3, 0)]]
    let adapted = examples.map { examples in
      examples.reduce(into: start) { $0.step($1.0, $1.1) }
    }
    let gates = try start.gates()
    let learner = try learner(MetaPlan(.reptile, tasks: 2, innerSteps: 2, innerRate: start.rate), start.model(), gates)
    let tasks = try examples.map { MetaTask(support: try $0.map { try batch($0.0, $0.1) }, query: try batch(9, 0)) }
    _ = try learner.step(on: tasks, learningRate: 0.25)
    let (w, a) = ((adapted[0].w + adapted[1].w) / 2, (adapted[0].a + adapted[1].a) / 2)
    let weights = try learner.model.tensor(ParameterName("fc", .weight)).doubles()
    #expect(abs(weights[0] - (start.w + 0.25 * (w - start.w))) < 1e-15 && weights[1] == 0)
    #expect(try abs(gates.logits.doubles()[0] - (start.a + 0.25 * (a - start.a))) < 1e-15)
    #expect(try abs(gates.logits.doubles()[1] + 30) < 1e-9 && gates.logits.gradient == nil)
  }

  /// First-order MAML: the query's gradient where the inner step has led, for ln α scaled and by the inner rate.
  @Test func fomamlTakesTheQuerysGradient() throws {
    let start = One()
    var adapted = start
    adapted.step(2, 1)
    let slopes = adapted.slopes(1.5, 0)
    let gates = try start.gates()
    let learner = try learner(MetaPlan(.fomaml, tasks: 1, innerSteps: 1, innerRate: start.rate), start.model(), gates)
    let loss = try learner.step(on: [MetaTask(support: [batch(2, 1)], query: batch(1.5, 0))], learningRate: 1)
    // The loss that is reported is that of the data.
    #expect(abs(loss - log(1 + exp(-1.5 * adapted.w * adapted.z))) < 1e-15)
    #expect(try abs(learner.model.tensor(ParameterName("fc", .weight)).doubles()[0] - (start.w - slopes.w)) < 1e-15)
    #expect(try abs(gates.logits.doubles()[0] - (start.a - start.rate * start.scale * slopes.a)) < 1e-15)
  }

  // MARK: - Against finite differences

  @Test(arguments: [OuterUpdate.maml, .mldg]) func outerGradientsAreThoseOfFiniteDifferences(_ update: OuterUpdate) throws {
    var builder = NetworkBuilder("smooth", input: .vector(4))
    builder.linear("fc1", 5)
    builder.activation(.tanh)
    builder.linear("fc2", 3)
    let model = try Model(builder.network(), initialization: .pytorch, seed: 5).cast(to: .float64)
    let random = try Generator(seed: 7)
    let batches = try (0..<3).map { number in
      Batch(inputs: try .normal([6, 4], type: .float64, generator: random), labels: try Tensor((0..<6).map { Int64(($0 + number) % 3) }))
    }
    let task = MetaTask(support: [batches[0], batches[1]], query: batches[2])
    let logits = (0..<20).map { Double(($0 * 7) % 11 - 5) / 4 }
    let (rate, price, scale) = (0.2, 0.03, 2.0)
    let gates = try SmoothGates("fc1", logits, shape: [5, 4], price: price, scale: scale)
    let found = try learner(MetaPlan(update, tasks: 1, innerSteps: 3, innerRate: rate, pseudoTest: 0.5), model, gates)
    _ = try found.accumulateGradients(of: [task])
    // Independently: SGD steps on weights and ln α without a graph, then a forward pass.
    let gated = ParameterName("fc1", .weight)
    func objective(_ model: Model, _ logits: [Double]) throws -> Double {
      let names = found.optimizer.names
      func leaf(_ tensor: Tensor) throws -> Tensor {
        let own = try tensor.detached().copied()
        try own.requireGradient()
        return own
      }
      var weights = try names.map { try leaf(model.tensor($0)) }
      var a = try leaf(Tensor(logits, shape: [5, 4]))
      func loss(_ batch: Batch) throws -> Tensor {
        var gatedModel = model
        for (name, weight) in zip(names, weights) { gatedModel.tensors[name] = name == gated ? try weight * a.sigmoid() : weight }
        return try Executor(gatedModel).forward(batch.inputs).crossEntropy(batch.labels) + a.sigmoid().sum() * price
      }
      var total = update == .mldg ? try loss(batches[0]).item() : 0
      for step in 0..<(update == .mldg ? 1 : 3) {
        let slopes = try Tensor.gradients(of: [loss(task.support[step % 2])], by: weights + [a])
        for (place, slope) in slopes.dropLast().enumerated() {
          weights[place] = try leaf(weights[place].detached() - #require(slope) * rate)
        }
        a = try leaf(a.detached() - #require(slopes.last ?? nil) * (rate * scale))
      }
      total += try (update == .mldg ? 0.5 : 1) * loss(task.query).item()
      return total
    }
    let slopes = try #require(gates.logits.gradient).doubles()
    let differences = try logits.indices.map { place in
      let sides = try [1e-5, -1e-5].map { shift in
        var moved = logits
        moved[place] += shift
        return try objective(model, moved)
      }
      return (sides[0] - sides[1]) / 2e-5
    }
    #expect(relativeError(slopes, differences) < 1e-6, "\(update)")
    let ofWeights = try #require(found.model.tensor(gated).gradient).doubles()
    let byDifferences = try ofWeights.indices.map { element in
      let sides = try [1e-5, -1e-5].map { shift in
        let moved = try model.copied()
        try moved.tensor(gated).withElements(Double.self) { $0[element] += shift }
        return try objective(moved, logits)
      }
      return (sides[0] - sides[1]) / 2e-5
    }
    #expect(relativeError(ofWeights, byDifferences) < 1e-6, "\(update)")
  }
}
