internal import Datasets
internal import Foundation
internal import Networks
internal import Torch
internal import Training

/// Outer steps of meta-learning through `MetaLearner`, as `espalier prune --method meta-pruning` takes them.
struct MetaTime {
  // As in peer.py.
  private static let form = TaskSampler.Form(ways: 5, shots: 5, queries: 15)
  private static let (tasks, innerSteps, innerRate, learningRate) = (4, 5, 0.001, 1e-3)

  /// Examples in an outer step.
  static let batch = tasks * form.ways * (form.shots + form.queries)

  private let learner: MetaLearner
  private let sampler: TaskSampler
  private let data: TrainingData
  private let labels: (support: Tensor, query: Tensor)
  private let channelsLast: Bool

  /// Prepares the learning of tasks of random images.
  init(_ update: OuterUpdate, _ network: Network, on data: TrainingData) throws {
    let plan = MetaPlan(update, tasks: Self.tasks, innerSteps: Self.innerSteps, innerRate: Self.innerRate)
    learner = try MetaLearner(plan, optimizer: .adam(), model: Model(network, seed: 1), dropout: Generator(seed: 1))
    sampler = try TaskSampler(data.training, form: Self.form, seed: 1)
    self.data = data
    func labels(_ each: Int) throws -> Tensor { try Tensor((0..<(each * Self.form.ways)).map { Int64($0 % Self.form.ways) }) }
    self.labels = (try labels(Self.form.shots), try labels(Self.form.queries))
    channelsLast = network.hasConvolutions
  }

  /// Returns outer steps per second over about `seconds`, of one at least.
  func rate(seconds: Double) throws -> Double {
    let start = Date()
    var count = 0
    repeat {
      let tasks = try (0..<Self.tasks).map { try task(UInt64(count * Self.tasks + $0)) }
      _ = try learner.step(on: tasks, learningRate: Self.learningRate)
      count += 1
    } while -start.timeIntervalSinceNow < seconds
    return Double(count) / -start.timeIntervalSinceNow
  }

  private func task(_ index: UInt64) throws -> MetaTask {
    let task = sampler.task(index)
    func batch(_ examples: [Int], _ labels: Tensor) throws -> Batch {
      Batch(
        inputs: try data.training.batch(of: examples, normalization: data.normalization, channelsLast: channelsLast).inputs, labels: labels)
    }
    return MetaTask(support: [try batch(task.support, labels.support)], query: try batch(task.query, labels.query))
  }
}
