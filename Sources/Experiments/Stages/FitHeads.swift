internal import Datasets
internal import Results
internal import Training

/// The end of a sequence: how fast a fresh last layer alone comes to fit each data set, and the test accuracies.
public struct FitHeads: Stage {
  /// Name of the kind in recipes, `fit-heads`.
  public static let name = "fit-heads"
  /// ``SequenceOutcome``: the accuracies on all data sets.
  public static let outcomes: [any StageOutcome.Type] = [SequenceOutcome.self]
  /// The data sets.
  public var sequence: DataSequence

  /// The most training examples that a last layer is fitted to, balanced over the classes.
  public static let most = 5000

  /// Creates the end of a sequence.
  public init(_ sequence: DataSequence) { self.sequence = sequence }

  /// False: repeating the work takes seconds.
  public var isKept: Bool { false }

  /// Fits last layers drawn afresh, everything before them frozen, and evaluates the network with the kept ones on test images.
  public func carryOut(in run: Runner) throws {
    guard var outcome = run.state[SequenceOutcome.self] else { return }
    outcome.fits = try run.sequence.indices.map { index in
      let data = run.sequence[index]
      guard let judge = data.validation ?? data.test else { return nil }
      let classes = data.training.classes
      let seed = SeedPurpose.initialization.seed(from: run.experiment.training?.plan.seed ?? 0) &+ UInt64(index + 1) &* 104_729
      let model = try run.model.withHead(run.experiment.initialization.head(of: run.model.network, outputs: classes, seed: seed))
      let channelsLast = model.network.hasConvolutions
      let support = try data.training.subset(min(data.training.count, Self.most), seed: SeedPurpose.examples.seed(from: seed))
      func batch(_ set: ExampleSet) throws -> Batch {
        try set.batch(of: 0..<set.count, normalization: data.normalization, channelsLast: channelsLast)
      }
      // One task: all its examples are one batch, forwarded in parts.
      let course = try sequence.headFit.fit(model, tasks: 1) { _ in
        try MetaTask(support: support.parts(TrainingData.exampleBatchSize).map(batch), query: batch(judge))
      }
      let full = outcome.accuracyAfterTraining(on: index)
      return .init(
        accuracy: course.evaluation.accuracy, start: Double(course.correct.first ?? 0) / Double(max(judge.count, 1)),
        steps: full.flatMap { full in course.correct.firstIndex { Double($0) / Double(max(judge.count, 1)) >= 0.95 * full } },
        examples: support.count)
    }
    outcome.tests = try run.sequence.indices.map { index in
      guard let test = run.sequence[index].test, run.keptHead(of: index) != nil else { return nil }
      let whole = try run.withHead(of: index, number: 0, run.model)
      return .init(try whole.moved(to: run.options.device).evaluate(test, run.sequence[index]), iteration: nil)
    }
    run.state[SequenceOutcome.self] = outcome
    try run.use(dataset: sequence.datasets.count - 1)
  }
}

extension ExampleSet {
  /// The examples in parts of at most `size`, in order.
  fileprivate func parts(_ size: Int) throws -> [ExampleSet] {
    try stride(from: 0, to: count, by: size).map { try selecting($0..<min($0 + size, count)) }
  }
}
