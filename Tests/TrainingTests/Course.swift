import Datasets
import Networks
import TestSupport
import Testing
import Torch
import Training

/// A training that can be broken off and continued as another process would: everything made anew, the rest from a file.
enum Course: String, CaseIterable, Sendable, CustomTestStringConvertible {
  /// Dropout and Adam.
  case perceptron
  /// Batch norm, SGD with momentum, crops and mirrors.
  case convolutional
  /// The same with masks.
  case masked
  /// The same without channels that a hook chooses in mid-course by what it has seen.
  case shrinking

  var testDescription: String { rawValue }

  /// Three epochs of six steps.
  static let steps = 18

  func plan(seed: UInt64 = 7) -> TrainingPlan {
    switch self {
    case .perceptron:
      TrainingPlan(
        length: .epochs(3), batchSize: 8, optimizer: .adam(weightDecay: 1e-3),
        learningRate: LearningRateSchedule(base: 0.01, decay: .cosine, warmUp: .iterations(4)), evaluateEvery: .iterations(4), seed: seed)
    case .convolutional, .masked, .shrinking:
      TrainingPlan(
        length: .epochs(3), batchSize: 8, optimizer: .sgd(momentum: 0.9, weightDecay: 1e-3, nesterov: self == .masked),
        learningRate: LearningRateSchedule(base: 0.05, decay: .multiStep(milestones: [.epochs(2)], factor: 0.1)),
        evaluateEvery: .epochs(1), labelSmoothing: 0.1, augment: true, seed: seed)
    }
  }

  func data() throws -> TrainingData {
    self == .perceptron
      ? try learnableData(side: 4, classes: 4) : try learnableData(channels: 3, side: 8, classes: 4)
  }

  private func network() throws -> Network {
    self == .perceptron ? try TrainingTests.perceptron() : try TrainingTests.convolutional()
  }

  func model(seed: UInt64 = 3) throws -> Model {
    var model = try Model(network(), seed: seed)
    if self == .masked || self == .shrinking {
      let generator = try Generator(seed: 11)
      for name in [ParameterName("conv1", .weight), ParameterName("conv2", .weight), ParameterName("fc", .weight)] {
        let draw = try Tensor.uniform(model.tensor(name).shape, generator: generator)
        model.masks[name] = try Tensor(draw.array(Float.self).map { $0 < 0.6 }, shape: draw.shape)
      }
    }
    return model
  }

  func hooks() -> [any TrainingHook] { self == .shrinking ? [ActivationCutter()] : [] }

  func trainer(seed: UInt64 = 7, hooks: [any TrainingHook]? = nil) throws -> Trainer {
    try Trainer(plan(seed: seed), model: model(), data: data(), hooks: hooks ?? self.hooks())
  }

  /// The end of the training, broken off after each of these steps and continued from a file.
  func end(brokenOffAt breaks: [Int] = [], threads: Int = 1) throws -> Bits {
    try withThreads(threads) {
      try withTemporaryDirectory { folder in
        let path = folder + "/checkpoint"
        var trainer = try trainer()
        for step in breaks {
          do {
            try trainer.run(afterStep: { if $0.iteration == step { throw TrainingError.interrupted(iteration: step) } })
          } catch TrainingError.interrupted(iteration: step) {}
          try Checkpoint(model: trainer.model, training: trainer.state(), progress: "\(step)").write(to: path)
          let checkpoint = try Checkpoint(contentsOf: path)
          trainer = try Trainer(plan(), model: checkpoint.model, data: data(), hooks: hooks(), state: checkpoint.training)
        }
        try trainer.run()
        return try Bits(trainer)
      }
    }
  }
}

/// Sums each channel's activations, and after steps 7 and 13 removes the channel with the smallest sum.
private final class ActivationCutter: TrainingHook {
  let name = "cutter"
  let observedNodes: Set<String> = ["relu1", "relu2"]
  private var sums: [String: Tensor] = [:]

  func observe(_ value: Tensor, of node: String) throws {
    let sum = try value.sum(0, 2, 3)
    sums[node] = try sums[node].map { try $0 + sum } ?? sum
  }

  func didFinishStep(_ trainer: Trainer) throws {
    guard let layer = [7: "1", 13: "2"][trainer.iteration], let sum = sums["relu\(layer)"] else { return }
    let values = try sum.array(Float.self)
    guard let smallest = values.indices.min(by: { (values[$0], $0) < (values[$1], $1) }) else { return }
    let (network, slices) = try trainer.model.network.removing(["conv\(layer)": [smallest]])
    try trainer.replaceModel(trainer.model.cut(to: network, slices: slices), slices: slices)
    sums = [:]
  }

  func state() throws -> [String: Tensor] { sums }
  func restore(_ state: [String: Tensor]) throws { sums = state }
}
