internal import Interruptions
internal import Networks
internal import Datasets
internal import Torch

/// Fits the last layer alone to tasks, everything before it frozen: what the features are worth for classes that need never have been seen.
///
/// Starts from the model's own last layer (its first N rows, without what its mask prunes) and takes steps of Adam on a task's support
/// examples, all at once. Cost: one forward pass over all examples; the steps themselves are small.
public struct HeadFit: Codable, Hashable, Sendable {
  /// Number of steps.
  public var steps: Int
  /// Learning rate of Adam.
  public var learningRate: Double

  /// Creates a fit; every parameter sets the property of the same name.
  public init(steps: Int = 50, learningRate: Double = 0.01) {
    self.steps = steps
    self.learningRate = learningRate
  }

  /// Checks the fit by itself.
  ///
  /// - Throws: ``PlanError`` for impossible numbers.
  public func validate() throws {
    guard (1...100_000).contains(steps) else { throw PlanError("--head-steps \(steps) is impossible: give 1 to 100000") }
    guard learningRate > 0, learningRate.fitsFloat32 else {
      throw PlanError("a learning rate of \(learningRate) for the last layer is impossible: give a number above 0")
    }
  }

  /// How the last layer came to fit.
  public struct Course: Codable, Hashable, Sendable {
    /// Correctly classified query examples of all tasks after each step, the first before any.
    public var correct: [Int]
    /// Correctly classified query examples of each task at the end.
    public var byTask: [Int]
    /// Number of query examples of a task.
    public var queries: Int
    /// Mean query loss at the end.
    public var loss: Double

    /// Loss and accuracy over all tasks at the end.
    public var evaluation: Evaluation { Evaluation(loss: loss, correct: correct.last ?? 0, count: queries * byTask.count) }

    /// Standard error of the mean accuracy over tasks, from their spread; nil for a single task, which has none.
    public var standardError: Double? {
      let (count, shares) = (Double(byTask.count), byTask.map { Double($0) / Double(max(queries, 1)) })
      guard count > 1 else { return nil }
      let mean = shares.reduce(0, +) / count
      return (shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1) / count).squareRoot()
    }

    /// The first number of steps after which accuracy is at least this fraction of the final one.
    public func steps(to fraction: Double) -> Int {
      let goal = fraction * Double(correct.last ?? 0)
      return correct.firstIndex { Double($0) >= goal } ?? max(correct.count - 1, 0)
    }
  }

  // So many tasks are fitted together, a number that must not depend on anything: sums are rounded by it.
  private static let together = 16

  /// Fits the last layer to each task and counts its query examples that come out right; dropout is off, batch norms use running statistics.
  ///
  /// - Parameters:
  ///   - count: number of tasks, at least one.
  ///   - task: returns the task of a number from 0 on, all of the same size; several support batches are taken as one.
  /// - Throws: ``PlanError`` for a network that does not end in a linear layer; `Interrupted` on request.
  public func fit(_ model: Model, tasks count: Int, _ task: (Int) throws -> MetaTask) throws -> Course {
    let laidOut = try model.laidOutForInference()
    guard let head = laidOut.network.head, let input = head.inputs.first else {
      throw PlanError("\(model.network.name) does not end in a linear layer that could be fitted alone")
    }
    let executor = try Executor(laidOut)
    func features(_ batch: Batch) throws -> Tensor {
      var found: Tensor?
      _ = try withoutGradients {
        try executor.forward(batch.inputs, mode: .evaluation, observing: [input]) { found = try $1.flattened(from: 1).contiguous() }
      }
      guard let found else { throw TorchError("head_fit: no node \(input)") }
      return found
    }
    var course = Course(correct: Array(repeating: 0, count: steps + 1), byTask: [], queries: 0, loss: 0)
    for start in stride(from: 0, to: count, by: Self.together) {
      let some = try (start..<min(start + Self.together, count)).map(task)
      let part = try Part(
        support: Tensor.stacked(some.map { try Tensor.concatenated($0.support.map(features)) }),
        supportLabels: Tensor.concatenated(some.flatMap { $0.support.map(\.labels) }),
        query: Tensor.stacked(some.map { try features($0.query) }),
        queryLabels: Tensor.stacked(some.map(\.query.labels)))
      try fit(part, laidOut, head, into: &course)
    }
    course.loss /= Double(max(course.byTask.count, 1))
    return course
  }

  /// Features and labels of some tasks: [tasks, examples, features] and, for the query, [tasks, examples].
  private struct Part {
    let support, supportLabels, query, queryLabels: Tensor
  }

  private func fit(_ part: Part, _ model: Model, _ head: Network.Node, into course: inout Course) throws {
    // Either part may lack the highest class.
    let highest = try max(part.supportLabels.max().item(), part.queryLabels.max().item())
    let (tasks, ways) = (part.query.shape[0], Int(highest) + 1)
    let names = [ParameterName(head.module, .weight), ParameterName(head.module, .bias)].filter { model.tensors[$0] != nil }
    /// The first rows of a tensor, once for each task.
    func rows(_ tensor: Tensor) throws -> Tensor {
      let rows = try tensor.detached().narrowed(0, from: 0, length: ways).reshaped([1, ways, -1])
      return try rows.expanded([tasks, ways, rows.shape[2]]).copied().contiguous()
    }
    let parameters = try names.map { try rows(model.tensor($0)) }
    for parameter in parameters { try parameter.requireGradient() }
    let fused = try FusedParameters(parameters, moments: 2)
    for (index, name) in names.enumerated() { try fused.setMask(model.masks[name].map(rows), at: index) }
    func logits(_ features: Tensor) throws -> Tensor {
      let products = try features.matmul(parameters[0].transposed())
      return parameters.count > 1 ? try products + parameters[1].transposed() : products
    }
    for step in 0...steps {
      try Interruption.check()
      let isLast = step == steps
      try withoutGradients {
        let answers = try logits(part.query)
        let right = try answers.argmax(2).equal(part.queryLabels)
        course.correct[step] += Int(try right.sum().item())
        guard isLast else { return }
        course.queries = part.queryLabels.shape[1]
        course.byTask += try right.sum(1).array(Int64.self).map(Int.init)
        let losses = try answers.reshaped([-1, ways]).crossEntropy(part.queryLabels.flattened(), reduction: .sum)
        course.loss += try losses.item() / Double(max(course.queries, 1))
      }
      if isLast { break }
      // The sum of the tasks' mean losses: each is fitted as if alone.
      let loss = try logits(part.support).reshaped([-1, ways]).crossEntropy(part.supportLabels, reduction: .sum)
      try (loss / Double(max(part.support.shape[1], 1))).backward()
      try fused.stepAdam(learningRate: learningRate, step: step + 1)
    }
  }
}
