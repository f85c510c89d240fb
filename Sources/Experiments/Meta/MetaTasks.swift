internal import Datasets
internal import Torch
internal import Training

/// The tasks of a meta-pruning: those that are learned, and those that networks are judged by, which are the same for all.
final class MetaTasks {
  /// The division of the classes.
  let split: ClassSplit
  private let plan: MetaPruningPlan
  private let data: TrainingData
  private let channelsLast: Bool
  private let ofAll: TaskSampler
  private let ofOneDataset: TaskSampler
  private var labels: [Int: Tensor] = [:]
  private let judging: (validation: TaskSampler?, seen: TaskSampler, unseen: TaskSampler)
  private let test: ExampleSet

  /// Divides the classes and checks that there are enough of them, and of their images.
  ///
  /// - Throws: `PlanError` without test images, `DatasetError` if classes or images are too few.
  init(_ plan: MetaPruningPlan, of data: TrainingData, seed: UInt64, channelsLast: Bool) throws {
    guard let test = data.test else { throw PlanError("\(data.training.name) has no test images, which meta-pruning is judged by") }
    self.plan = plan
    self.data = data
    self.test = test
    self.channelsLast = channelsLast
    let seed = SeedPurpose.tasks.seed(from: seed)
    let split = try ClassSplit(classes: data.training.classes, seed: seed)
    self.split = split
    ofAll = try TaskSampler(data.training, classes: split.training, form: plan.form, seed: seed)
    ofOneDataset = try TaskSampler(data.training, classes: Array(split.training.prefix(plan.form.ways)), form: plan.form, seed: seed)
    if plan.learning.update == .mldg, plan.form.ways > split.training.count / 2 {
      throw PlanError(
        "--outer mldg tests on other classes than it trains on: of the \(split.training.count) to learn from, tasks of "
          + "\(plan.form.ways) leave too few; give --ways \(split.training.count / 2) or less")
    }
    if plan.learning.update == .mldg, plan.controls.contains(.oneDataset) {
      throw PlanError("--outer mldg needs other classes to test on: --controls one-dataset does not go with it")
    }
    func sampler(_ set: ExampleSet, _ classes: [Int], _ number: UInt64) throws -> TaskSampler {
      var form = plan.form
      form.ways = min(form.ways, classes.count)
      return try TaskSampler(set, classes: classes, form: form, seed: seed &+ number)
    }
    judging = (
      split.validation.count < 2 ? nil : try sampler(data.training, split.validation, 2), try sampler(test, split.training, 3),
      try sampler(test, split.test, 4)
    )
  }

  /// Returns the tasks of an outer step.
  ///
  /// - Parameter ofOneDataset: whether all tasks have the same classes.
  func learned(at step: Int, ofOneDataset isOne: Bool) throws -> [MetaTask] {
    try (0..<plan.learning.tasks).map { number in
      let index = UInt64(step) &* UInt64(plan.learning.tasks) &+ UInt64(number)
      let sampler = isOne ? ofOneDataset : ofAll
      let task = sampler.task(index)
      switch plan.learning.update {
      case .reptile:
        // All examples of the task, in balanced batches of K each.
        let (all, size) = (task.support + task.query, plan.form.ways * plan.form.shots)
        let batches = try stride(from: 0, through: all.count - size, by: size).prefix(plan.learning.innerSteps)
          .map { try batch(all[$0..<($0 + size)], of: data.training, ways: plan.form.ways) }
        return MetaTask(support: batches, query: batches[0])
      case .fomaml, .maml: return try self.task(task, of: data.training)
      case .mldg:
        guard let other = sampler.task(index, apartFrom: task) else { throw PlanError("--outer mldg has too few classes") }
        return try MetaTask(
          support: [batch(task.support[...], of: data.training, ways: plan.form.ways)],
          query: batch(other.query[...], of: data.training, ways: plan.form.ways))
      }
    }
  }

  /// Returns tasks with support and query by which possible removals are compared, other ones than those that are learned.
  ///
  /// - Parameter number: number of the comparison; below 0 that of a vote.
  func trial(_ number: Int, ofOneDataset isOne: Bool) throws -> [MetaTask] {
    try (0..<plan.learning.tasks).map { try task(trialTask(number, $0, ofOneDataset: isOne), of: data.training) }
  }

  /// Returns the examples of one of the tasks of ``trial(_:ofOneDataset:)``, for criteria.
  func trialExamples(_ number: Int, _ place: Int, ofOneDataset isOne: Bool) throws -> EvaluationBatches {
    let task = trialTask(number, place, ofOneDataset: isOne)
    return try pooled([task], task.support.count + task.query.count)
  }

  private func trialTask(_ number: Int, _ place: Int, ofOneDataset isOne: Bool) -> TaskSampler.Task {
    let index = UInt64.max / 2 &+ UInt64(bitPattern: Int64(number)) &* UInt64(plan.learning.tasks) &+ UInt64(place)
    return (isOne ? ofOneDataset : ofAll).task(index)
  }

  /// What networks are judged by.
  enum Judging { case validation, seen, unseen }

  /// Fits the last layer of a model to tasks of validation classes, to new tasks of the classes that were learned from, or to tasks of
  /// unseen ones, the last two made of test images; nil if there are fewer than two validation classes.
  func judge(_ model: Model, by kind: Judging) throws -> HeadFit.Course? {
    let (sampler, set): (TaskSampler?, ExampleSet) =
      switch kind {
      case .validation: (judging.validation, data.training)
      case .seen: (judging.seen, test)
      case .unseen: (judging.unseen, test)
      }
    guard let sampler else { return nil }
    return try plan.headFit.fit(model, tasks: plan.judgingTasks) { try task(sampler.task(UInt64($0)), of: set) }
  }

  /// Number of classes of the tasks made of classes that were learned from, and of unseen ones.
  var ways: (seen: Int, unseen: Int) { (judging.seen.form.ways, judging.unseen.form.ways) }

  /// Returns examples for criteria and repairs: those of tasks, with the labels that they have there.
  ///
  /// - Parameters:
  ///   - count: number of examples; at most as many as there are training images.
  ///   - ofOneDataset: whether all tasks have the same classes.
  func examples(_ count: Int, ofOneDataset isOne: Bool) throws -> EvaluationBatches {
    let (sampler, count) = (isOne ? ofOneDataset : ofAll, min(count, data.training.count))
    // From the last index down: other tasks than those that are learned.
    return try pooled((0..<UInt64(count)).lazy.map { sampler.task(.max - $0) }, count)
  }

  private func pooled(_ tasks: some Sequence<TaskSampler.Task>, _ count: Int) throws -> EvaluationBatches {
    let set = data.training
    var (bytes, labels): ([UInt8], [Int64]) = ([], [])
    for task in tasks {
      guard labels.count < count else { break }
      for (position, example) in (task.support + task.query).prefix(count - labels.count).enumerated() {
        bytes += try set.image(at: example)
        labels.append(Int64(position % plan.form.ways))
      }
    }
    let pooled = try ExampleSet(
      bytes: bytes, labels: labels, channels: set.channels, height: set.height, width: set.width,
      classNames: (0..<plan.form.ways).map { "\($0)" }, name: set.name)
    return try data.evaluationBatches(pooled, batchSize: TrainingData.exampleBatchSize, channelsLast: channelsLast)
  }

  private func task(_ task: TaskSampler.Task, of set: ExampleSet) throws -> MetaTask {
    let ways = task.classes.count
    return try MetaTask(support: [batch(task.support[...], of: set, ways: ways)], query: batch(task.query[...], of: set, ways: ways))
  }

  private func batch(_ examples: ArraySlice<Int>, of set: ExampleSet, ways: Int) throws -> Batch {
    let images = try set.batch(of: examples, normalization: data.normalization, channelsLast: channelsLast).inputs
    return Batch(inputs: images, labels: try taskLabels(examples.count, ways: ways))
  }

  private func taskLabels(_ count: Int, ways: Int) throws -> Tensor {
    let key = count &* 10_001 &+ ways
    if let known = labels[key] { return known }
    let made = try Tensor((0..<count).map { Int64($0 % ways) })
    labels[key] = made
    return made
  }
}
