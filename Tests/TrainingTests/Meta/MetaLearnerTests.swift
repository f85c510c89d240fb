import Datasets
import Foundation
import Networks
import TestSupport
import Testing
import Torch

@testable import Training

@Suite struct MetaLearnerTests {
  private func learner(
    _ plan: MetaPlan, _ model: Model, optimizer: OptimizerPlan = .sgd(momentum: 0)
  ) throws -> MetaLearner {
    try MetaLearner(plan, optimizer: optimizer, model: model, dropout: Generator(seed: 1))
  }

  // MARK: - By hand

  /// One weight w on one input x with two classes: logits (w·x, 0), so that dL/dw = x·(σ(wx) − [label = 0]).
  private func oneWeight(_ w: Double) throws -> Model {
    var builder = NetworkBuilder("one", input: .vector(1))
    builder.linear("fc", 2, bias: false)
    var model = try Model(network: builder.network(), tensors: [ParameterName("fc", .weight): Tensor([w, 0], shape: [2, 1])])
    model.masks[ParameterName("fc", .weight)] = try Tensor([1.0, 0], shape: [2, 1]).notEqual(0)
    return model
  }

  private func batch(_ x: Double, _ label: Int64) throws -> Batch {
    Batch(inputs: try Tensor([x], shape: [1, 1]), labels: try Tensor([label]))
  }

  private func slope(_ w: Double, _ x: Double, _ label: Int64) -> Double { x * (1 / (1 + exp(-w * x)) - (label == 0 ? 1 : 0)) }

  private func curvature(_ w: Double, _ x: Double) -> Double {
    let p = 1 / (1 + exp(-w * x))
    return x * x * p * (1 - p)
  }

  @Test func reptileMovesTowardsTheMeanOfTheAdaptedWeights() throws {
    let (w, rate) = (0.4, 0.5)
    // Two inner steps on two examples by turns, for each of two tasks.
    func adapted(_ examples: [(Double, Int64)]) -> Double { examples.reduce(w) { $0 - rate * slope($0, $1.0, $1.1) } }
    let examples: [[(Double, Int64)]] = [[(1, 0), (-2, 1)], [(0.5, 1), (3, 0)]]
    let learner = try learner(MetaPlan(.reptile, tasks: 2, innerSteps: 2, innerRate: rate), oneWeight(w))
    let tasks = try examples.map { MetaTask(support: try $0.map { try batch($0.0, $0.1) }, query: try batch(9, 0)) }
    _ = try learner.step(on: tasks, learningRate: 0.25)
    let expected = w + 0.25 * ((adapted(examples[0]) + adapted(examples[1])) / 2 - w)
    let found = try learner.model.tensor(ParameterName("fc", .weight)).doubles()
    #expect(abs(found[0] - expected) < 1e-15 && found[1] == 0)
  }

  /// What the inner steps lead to is a model of its own: the start stays, and the next task begins there.
  @Test func aTaskIsSolvedFromTheStart() throws {
    let (w, rate, name) = (0.4, 0.5, ParameterName("fc", .weight))
    let learner = try learner(MetaPlan(.fomaml, tasks: 1, innerSteps: 2, innerRate: rate), oneWeight(w))
    for (x, label) in [(2.0, Int64(1)), (-1, 0)] {
      let solved = try learner.solve(MetaTask(support: [batch(x, label)], query: batch(9, 0)))
      let first = w - rate * slope(w, x, label)
      let expected = first - rate * slope(first, x, label)
      #expect(try abs(solved.tensor(name).doubles()[0] - expected) < 1e-15 && solved.tensor(name).doubles()[1] == 0)
      #expect(try learner.model.tensor(name).doubles() == [w, 0])
    }
    #expect(throws: PlanError("the steps of maml belong to a graph")) {
      try self.learner(MetaPlan(.maml), oneWeight(w)).solve(MetaTask(support: [batch(1, 1)], query: batch(1, 1)))
    }
  }

  @Test func mamlFollowsTheChainRule() throws {
    let (w, rate) = (0.4, 0.5)
    let adapted = w - rate * slope(w, 2, 1)
    let first = slope(adapted, 1.5, 0)
    for (update, expected) in [(OuterUpdate.fomaml, first), (.maml, first * (1 - rate * curvature(w, 2)))] {
      let learner = try learner(MetaPlan(update, tasks: 1, innerSteps: 1, innerRate: rate), oneWeight(w))
      let loss = try learner.step(on: [MetaTask(support: [batch(2, 1)], query: batch(1.5, 0))], learningRate: 1)
      let found = try learner.model.tensor(ParameterName("fc", .weight)).doubles()
      #expect(abs(w - found[0] - expected) < 1e-15 && found[1] == 0, "\(update)")
      #expect(abs(loss - log(1 + exp(-1.5 * adapted))) < 1e-15)
    }
  }

  /// A removed weight, at 0 in the task, moves by the query's gradient out of sight.
  @Test(arguments: [OuterUpdate.fomaml, .maml]) func removedWeightsMoveOnStraightThrough(_ update: OuterUpdate) throws {
    let (w, rate, name) = (0.4, 0.5, ParameterName("fc", .weight))
    var plan = MetaPlan(update, tasks: 1, innerSteps: 1, innerRate: rate)
    plan.pruneGradient = .straightThrough
    let model = try oneWeight(w)
    let learner = try MetaLearner(
      plan, optimizer: .sgd(momentum: 0), model: model, hidden: [name: Tensor([0.1, 0.7], shape: [2, 1])], dropout: Generator(seed: 1))
    _ = try learner.step(on: [MetaTask(support: [batch(2, 1)], query: batch(1.5, 0))], learningRate: 1)
    let adapted = w - rate * slope(w, 2, 1)
    let first = slope(adapted, 1.5, 0)
    // The second logit's weight has minus the first's gradient, and by second order minus the first's way through the inner step.
    let moved = update == .fomaml ? first : first * (1 - rate * curvature(w, 2))
    let hidden = update == .fomaml ? -first : -first + rate * curvature(w, 2) * first
    let (shown, found) = (try learner.model.tensor(name).doubles(), try #require(learner.hiddenTensors[name]).doubles())
    #expect(abs(shown[0] - (w - moved)) < 1e-15 && shown[1] == 0)
    #expect(abs(found[0] - shown[0]) < 1e-15 && abs(found[1] - (0.7 - hidden)) < 1e-15)
    // From what a checkpoint keeps, it goes on with the same bits.
    let task = MetaTask(support: [try batch(-1, 0)], query: try batch(0.3, 1))
    let next = try MetaLearner(
      plan, optimizer: .sgd(momentum: 0), model: learner.model.copied(), state: learner.optimizer.state,
      hidden: learner.hiddenTensors.mapValues { try $0.detached().copied() }, dropout: Generator(seed: 1))
    for one in [learner, next] { _ = try one.step(on: [task], learningRate: 0.3) }
    #expect(try next.model.tensor(name).doubles() == learner.model.tensor(name).doubles())
    #expect(try next.hiddenTensors[name]?.doubles() == learner.hiddenTensors[name]?.doubles())
  }

  // MARK: - Against PyTorch

  private static func pattern(_ shape: [Int], _ step: Int) throws -> Tensor {
    let count = shape.reduce(1, *)
    return try Tensor((0..<count).map { Double(($0 * step) % 101 - 50) / 100 }, shape: shape)
  }

  private static func referenceBatch(_ number: Int) throws -> Batch {
    Batch(
      inputs: try pattern([8, 1, 6, 6], 53 + 2 * number) * 2, labels: try Tensor((0..<8).map { Int64(($0 * (number + 1) + number) % 4) }))
  }

  private static func referenceModel() throws -> Model {
    var builder = NetworkBuilder("reference", input: .image(channels: 1, height: 6, width: 6))
    builder.convolution("conv", 3, kernel: 3, padding: 1)
    builder.activation(.tanh)
    builder.maxPool(2)
    builder.flatten()
    builder.linear("fc", 4)
    let network = try builder.network()
    var model = try Model(
      network: network,
      tensors: Dictionary(uniqueKeysWithValues: try network.parameterShapes().map { ($0.name, try pattern($0.dimensions, 37)) }))
    for name in network.prunableWeights {
      let shape = try model.tensor(name).shape
      let kept = try Tensor((0..<shape.reduce(1, *)).map { $0 % 10 == 3 ? 0.0 : 1 }, shape: shape)
      model.masks[name] = try kept.notEqual(0)
    }
    try model.applyMasks()
    return model
  }

  @Test(arguments: OuterUpdate.allCases) func gradientsAreThoseOfTorchFunc(_ update: OuterUpdate) throws {
    let golden = try JSONDecoder().decode([String: [String: [Double]]].self, from: Data(contentsOf: reference("meta.json")))
    let expected = try #require(golden[update.rawValue])
    let learner = try learner(
      MetaPlan(update, tasks: 2, innerSteps: 3, innerRate: 0.3, pseudoTest: 0.7), Self.referenceModel())
    let tasks = try [0, 3].map {
      MetaTask(support: [try Self.referenceBatch($0), try Self.referenceBatch($0 + 1)], query: try Self.referenceBatch($0 + 2))
    }
    // Twice: what is reused from step to step must not carry anything over.
    for _ in 0..<2 {
      for name in learner.optimizer.names { try learner.model.tensor(name).clearGradient() }
      _ = try learner.accumulateGradients(of: tasks)
      for name in learner.optimizer.names {
        var (found, golden) = (try #require(learner.model.tensor(name).gradient).doubles(), try #require(expected[name.description]))
        if let mask = learner.model.masks[name] {
          // What the outer optimizer holds at 0 needs no gradient.
          let kept = try mask.doubles()
          (found, golden) = (zip(found, kept).map { $0 * $1 }, zip(golden, kept).map { $0 * $1 })
        }
        #expect(relativeError(found, golden) < 1e-12, "\(update) \(name)")
      }
    }
  }

  // MARK: - Against finite differences

  /// A smooth network with a batch norm, which couples the examples.
  private func smooth(batchNorm: Bool) throws -> Model {
    var builder = NetworkBuilder("smooth", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("conv", 3, kernel: 3, padding: 1)
    if batchNorm { builder.batchNorm("norm") }
    builder.activation(.tanh)
    builder.averagePool(2)
    builder.flatten()
    builder.linear("fc", 3)
    return try Model(builder.network(), initialization: .pytorch, seed: 5).cast(to: .float64)
  }

  @Test(arguments: [false, true], [OuterUpdate.maml, .mldg])
  func outerGradientsAreThoseOfFiniteDifferences(_ batchNorm: Bool, _ update: OuterUpdate) throws {
    let random = try Generator(seed: 7)
    let batches = try (0..<3).map { number in
      Batch(
        inputs: try .normal([6, 1, 4, 4], type: .float64, generator: random), labels: try Tensor((0..<6).map { Int64(($0 + number) % 3) }))
    }
    let model = try smooth(batchNorm: batchNorm)
    let plan = MetaPlan(update, tasks: 1, innerSteps: 3, innerRate: 0.2, pseudoTest: 0.5)
    let task = MetaTask(support: [batches[0], batches[1]], query: batches[2])
    let found = try learner(plan, model)
    _ = try found.accumulateGradients(of: [task])
    // Independently: SGD steps without a graph, then a forward pass.
    func objective(_ model: Model) throws -> Double {
      let copy = try model.laidOutForTraining(on: .cpu)
      let (executor, mode) = (try Executor(copy), ExecutionMode.training(try Generator(seed: 1)))
      func loss(_ batch: Batch) throws -> Tensor { try executor.forward(batch.inputs, mode: mode).crossEntropy(batch.labels) }
      var total = update == .mldg ? try loss(batches[0]).item() : 0
      let optimizer = try Optimizer(.sgd(momentum: 0), model: copy)
      for step in 0..<(update == .mldg ? 1 : 3) {
        try loss(task.support[step % 2]).backward()
        try optimizer.step(learningRate: 0.2)
      }
      total += try (update == .mldg ? 0.5 : 1) * loss(task.query).item()
      return total
    }
    for name in found.optimizer.names {
      let gradient = try #require(found.model.tensor(name).gradient).doubles()
      var differences: [Double] = []
      for element in gradient.indices {
        let sides = try [1e-5, -1e-5].map { shift in
          let moved = try model.copied()
          try moved.tensor(name).withElements(Double.self) { $0[element] += shift }
          return try objective(moved)
        }
        differences.append((sides[0] - sides[1]) / 2e-5)
      }
      // A convolution's bias before a batch norm changes nothing.
      if batchNorm, name == ParameterName("conv", .bias) {
        #expect(gradient.allSatisfy { abs($0) < 1e-12 })
      } else {
        #expect(relativeError(gradient, differences) < 1e-6, "\(name)")
      }
    }
  }

  // MARK: - Behaviour

  @Test(arguments: OuterUpdate.allCases) func prunedElementsStayZeroAndThePastIsForgotten(_ update: OuterUpdate) throws {
    let tasks = try [0, 3].map {
      MetaTask(support: [try Self.referenceBatch($0), try Self.referenceBatch($0 + 1)], query: try Self.referenceBatch($0 + 2))
    }
    let optimizer: OptimizerPlan = update == .reptile ? .sgd(momentum: 0) : .adam()
    let plan = MetaPlan(update, tasks: 2, innerSteps: 2, innerRate: 0.1)
    let whole = try learner(plan, Self.referenceModel(), optimizer: optimizer)
    let losses = try (0..<30).map { _ in try whole.step(on: tasks, learningRate: 0.02) }
    #expect(losses[29] < losses[0], "\(update)")
    for (name, mask) in whole.model.masks { #expect(try whole.model.tensor(name).nonZeroCount(outside: mask) == 0) }
    // From its state, a learner goes on with the same bits.
    let half = try learner(plan, Self.referenceModel(), optimizer: optimizer)
    for _ in 0..<15 { _ = try half.step(on: tasks, learningRate: 0.02) }
    let rest = try MetaLearner(
      plan, optimizer: optimizer, model: half.model.copied(), state: half.optimizer.state, dropout: Generator(seed: 1))
    for _ in 0..<15 { _ = try rest.step(on: tasks, learningRate: 0.02) }
    for (name, tensor) in whole.model.tensors { #expect(try tensor.detached().bytes() == rest.model.tensor(name).detached().bytes()) }
  }

  /// Inner steps reuse what there is: each further one makes as many tensors as the last.
  @Test(arguments: [OuterUpdate.reptile, .fomaml]) func innerStepsMakeNothingButTheirValues(_ update: OuterUpdate) throws {
    let task = MetaTask(support: [try Self.referenceBatch(0)], query: try Self.referenceBatch(1))
    func made(_ steps: Int) throws -> Int {
      let learner = try learner(MetaPlan(update, tasks: 1, innerSteps: steps, innerRate: 0.1), Self.referenceModel())
      let before = TorchRuntime.tensorsMade
      _ = try learner.accumulateGradients(of: [task])
      return TorchRuntime.tensorsMade - before
    }
    // The values of five nodes, the loss, and no gradient: input, conv, tanh, pool, flatten, fc, of which the input is the batch itself.
    #expect(try made(9) - made(8) == 6)
  }

  @Test func impossiblePlansAreRefused() throws {
    for (plan, words) in [
      (MetaPlan(tasks: 0), "--tasks 0 is impossible: give 1 to 10000"),
      (MetaPlan(innerSteps: 0), "--inner-steps 0 is impossible: give 1 to 10000"),
      (MetaPlan(innerRate: 0), "--inner-rate 0.0 is impossible: give a number above 0"),
      (MetaPlan(innerRate: .nan), "--inner-rate nan is impossible: give a number above 0"),
      (MetaPlan(pseudoTest: -1), "--pseudo-test -1.0 is impossible: give a number above 0"),
      (
        MetaPlan(.reptile, pruneGradient: .straightThrough),
        "--prune-gradient straight-through goes with --outer fomaml, maml or mldg: reptile moves towards weights that are 0 where pruned"
      ),
    ] { #expect(throws: PlanError(words)) { try plan.validate() } }
  }

  @Test func aLossThatIsNotFiniteStopsIt() throws {
    let learner = try learner(MetaPlan(.reptile, tasks: 1, innerSteps: 1), oneWeight(0.1))
    let task = MetaTask(support: [try batch(.nan, 0)], query: try batch(1, 0))
    let error = #expect(throws: TrainingError.self) { try learner.step(on: [task], learningRate: 0.5) }
    #expect(
      error.map { "\($0)" }
        == "the loss is no longer finite at step 1: try a lower --inner-rate than 0.1, or a lower --learning-rate than 0.5")
  }
}
