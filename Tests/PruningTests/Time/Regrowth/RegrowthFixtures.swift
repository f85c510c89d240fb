import Datasets
import Foundation
import Networks
import Pruning
import TestSupport
import Testing
import Torch
import Training

/// A hook of closures, before the pruner.
final class Scripted: TrainingHook {
  let name = "scripted"
  var onGradients: (Trainer) throws -> Void = { _ in }
  func didComputeGradients(_ trainer: Trainer) throws { try onGradients(trainer) }
}

/// One layer fc1 [2, 4] whose gradients are written by the test, so that every step can be worked out on paper.
struct PaperCourse {
  var method: any Regrowth
  var weights: [Float]
  var mask: [Bool]?
  /// By step, from 1.
  var gradients: (Int) -> [Float] = { _ in Array(repeating: 0, count: 8) }
  var steps = 2
  var rate = 1e-30
  /// Dense starts remove half after the first step.
  var timing = PruningPlan.Timing.atStart(rounds: 1)
  var seed: UInt64 = 1

  static let halfAfterOne = PruningPlan.Timing.during(every: .iterations(1), until: .iterations(1))
  static let name = ParameterName("fc1", .weight)

  /// The end of the training; `look` sees every finished step.
  func end(_ look: (Trainer, RegrowthMemory) throws -> Void = { _, _ in }) throws -> (
    weights: [Float], mask: [Bool], memory: RegrowthMemory
  ) {
    try TorchRuntime.configure(threads: 1)
    var builder = NetworkBuilder("paper", input: .image(channels: 1, height: 2, width: 2))
    builder.flatten()
    builder.linear("fc1", 2, bias: false)
    var model = try Model(builder.network(), seed: 1)
    model.tensors[Self.name] = try Tensor(weights, shape: [2, 4])
    if let mask { model.masks[Self.name] = try Tensor(mask, shape: [2, 4]) }
    let images = try ExampleSet(
      bytes: (0..<32).map { UInt8($0 * 7) }, labels: (0..<8).map { $0 % 2 }, channels: 1, height: 2, width: 2, classNames: ["a", "b"])
    let data = TrainingData(training: images, validation: nil, test: nil, normalization: Normalization(mean: [0.5], deviation: [0.25]))
    let plan = PruningPlan(
      criterion: .magnitude, granularity: .weight, allocation: .layer, amount: .total(0.5), timing: timing,
      regrowth: RegrowthPlan(method), seed: seed)
    let pruner = try Pruner(plan, original: model.network)
    let hook = RegrowthHook(RegrowthPlan(method), pruner: pruner, start: model)
    let scripted = Scripted()
    scripted.onGradients = { trainer in
      try trainer.model.tensor(Self.name).gradient?.copy(from: Tensor(gradients(trainer.iteration + 1), shape: [2, 4]))
    }
    let trainer = try Trainer(
      TrainingPlan(length: .iterations(steps), batchSize: 8, optimizer: .sgd(momentum: 0), learningRate: .init(base: rate)), model: model,
      data: data, hooks: [scripted, pruner, hook])
    try trainer.run(afterStep: { try look($0, hook.memory) })
    return (
      try trainer.model.tensor(Self.name).detached().array(Float.self), try trainer.model.masks[Self.name]?.array(Bool.self) ?? [],
      hook.memory
    )
  }
}

/// A small convolutional network with batch norm and dropout, three epochs of eight steps, exchanges every few of them.
struct SmallCourse {
  var method: any Regrowth
  var seed: UInt64 = 3
  var rewinding = Rewinding.none
  static let steps = 24
  static let every = 4

  static let members: [any Regrowth] = [
    StaticMask(), RigL(schedule: schedule),
    SparseEvolution(schedule: ExchangeSchedule(interval: .iterations(3), decay: .constant, until: 1)),
    Splicing(interval: .iterations(3)), DenseSparseDense(), DenseSparseDense(prune: true), ScoredPruning(schedule: schedule),
    ScoredPruning(schedule: schedule, leaving: .score), DoublePruning(reintroduce: 0.2, prunedSteps: .iterations(2)),
    DoublePruning(enter: .zero), DoublePruning(enter: .initial), NoRegrowth(),
  ]
  private static let schedule = ExchangeSchedule(interval: .iterations(3))

  /// What is out of sight must grow by more than a fifth to return by splicing.
  private var rate: Double { method is Splicing ? 0.05 : 0.01 }
  var isSparse: Bool { type(of: method).start == .sparse }

  var plan: PruningPlan {
    let until = method is DenseSparseDense ? 8 : 12
    return PruningPlan(
      criterion: isSparse ? .random : .magnitude, granularity: .weight, allocation: isSparse ? .erk : .global,
      amount: .total(0.7),
      timing: isSparse ? .atStart(rounds: 1) : .during(every: .iterations(Self.every), until: .iterations(until)), schedule: .cubic,
      regrowth: RegrowthPlan(method, rewinding: rewinding), seed: seed)
  }

  func network() throws -> Network {
    var builder = NetworkBuilder("small", input: .image(channels: 1, height: 6, width: 6))
    builder.convolution("conv1", 4, kernel: 3, padding: 1)
    builder.batchNorm("bn1")
    builder.relu("relu1")
    builder.maxPool(2)
    builder.flatten()
    builder.dropout(0.25)
    builder.linear("fc1", 8)
    builder.relu("relu2")
    builder.linear("fc2", 3)
    return try builder.network()
  }

  func model() throws -> Model {
    let model = try Model(network(), seed: seed)
    guard isSparse else { return model }
    return try Pruner(plan, original: model.network).prune(model, event: 1, of: 1, iteration: 0).model
  }

  func data() throws -> TrainingData {
    var random = Seeded(5)
    func images(_ count: Int) throws -> ExampleSet {
      var bytes = (0..<(count * 36)).map { _ in UInt8(random.below(128)) }
      let labels = (0..<count).map { _ in Int64(random.below(3)) }
      for (i, label) in labels.enumerated() { for k in 0..<6 { bytes[i * 36 + Int(label) * 12 + k] = 255 } }
      return try ExampleSet(bytes: bytes, labels: labels, channels: 1, height: 6, width: 6, classNames: ["a", "b", "c"])
    }
    return TrainingData(
      training: try images(64), validation: try images(24), test: nil, normalization: Normalization(mean: [0.3], deviation: [0.25]))
  }

  /// A trainer at the start or at a checkpoint, with what it needs to be looked at.
  struct Running {
    var trainer: Trainer
    var memory: RegrowthMemory
    var pruner: Pruner
  }

  func trainer(from checkpoint: Checkpoint? = nil, evaluateEvery: Step = .iterations(5)) throws -> Running {
    try TorchRuntime.configure(threads: 1)
    let pruner = try Pruner(plan, original: network(), events: checkpoint.flatMap { Int($0.progress) } ?? 0)
    let start = try checkpoint?.model ?? model()
    let hook = RegrowthHook(RegrowthPlan(method, rewinding: rewinding), pruner: pruner, start: start)
    let training = TrainingPlan(
      length: .iterations(Self.steps), batchSize: 8, optimizer: .adam(weightDecay: 1e-3), learningRate: .init(base: rate, decay: .cosine),
      evaluateEvery: evaluateEvery, seed: seed)
    let trainer = try Trainer(
      training, model: start, data: data(), hooks: [pruner, hook], state: checkpoint?.training)
    return Running(trainer: trainer, memory: hook.memory, pruner: pruner)
  }

  /// The bytes of a checkpoint at the end, broken off after each of these steps.
  func end(brokenOffAt breaks: [Int] = []) throws -> Data {
    try withTemporaryDirectory { folder in
      let path = folder + "/checkpoint"
      var running = try trainer()
      var events = 0
      for step in breaks + [Self.steps] {
        running.pruner.didPrune = { _, _ in events += 1 }
        do {
          try running.trainer.run(afterStep: { if $0.iteration == step { throw TrainingError.interrupted(iteration: step) } })
        } catch TrainingError.interrupted {}
        try Checkpoint(model: running.trainer.model, training: running.trainer.state(), progress: "\(events)").write(to: path)
        if step < Self.steps { running = try trainer(from: Checkpoint(contentsOf: path)) }
      }
      return try Data(contentsOf: URL(fileURLWithPath: path))
    }
  }
}

extension Model {
  /// Kept weights by layer.
  func keptCounts() throws -> [Int] { try MaskSet(self).layers.map(\.kept) }
}
