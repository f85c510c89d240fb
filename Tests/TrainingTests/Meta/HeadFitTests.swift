import Datasets
import Foundation
import Networks
import TestSupport
import Testing
import Torch

@testable import Training

@Suite struct HeadFitTests {
  /// 3 features → 4 features, ReLU → N.
  private func model(ways: Int, bias: Bool = true) throws -> Model {
    var builder = NetworkBuilder("small", input: .vector(3))
    builder.linear("fc1", 4)
    builder.relu()
    builder.linear("fc2", ways, bias: bias)
    return try Model(builder.network(), initialization: .pytorch, seed: 3).cast(to: .float64)
  }

  private func task(_ seed: UInt64, ways: Int, shots: Int, queries: Int) throws -> MetaTask {
    let random = try Generator(seed: seed)
    func batch(_ each: Int) throws -> Batch {
      Batch(
        inputs: try .normal([each * ways, 3], type: .float64, generator: random),
        labels: try Tensor((0..<(each * ways)).map { Int64($0 % ways) }))
    }
    return MetaTask(support: [try batch(shots)], query: try batch(queries))
  }

  /// A single task, all by the general parts: an optimizer on the whole model of which only the last layer may move.
  private func alone(_ model: Model, _ task: MetaTask, _ fit: HeadFit) throws -> [Int] {
    let copy = try model.copied()
    let names = copy.tensors.keys.filter { $0.module == "fc2" }.sorted()
    for name in names { try copy.tensor(name).requireGradient() }
    let fused = try FusedParameters(names.map(copy.tensor), moments: 2)
    for (index, name) in names.enumerated() { try fused.setMask(copy.masks[name], at: index) }
    let executor = try Executor(copy)
    return try (0...fit.steps).map { step in
      let correct = try executor.evaluate(task.query).correct
      if step < fit.steps {
        try executor.forward(task.support[0].inputs).crossEntropy(task.support[0].labels).backward()
        try fused.stepAdam(learningRate: fit.learningRate, step: step + 1)
      }
      return correct
    }
  }

  @Test(arguments: [true, false]) func tasksFittedTogetherAreFittedAsIfAlone(_ bias: Bool) throws {
    var model = try model(ways: 3, bias: bias)
    let weight = ParameterName("fc2", .weight)
    model.masks[weight] = try Tensor((0..<12).map { $0 % 5 == 1 ? 0.0 : 1 }, shape: [3, 4]).notEqual(0)
    try model.applyMasks()
    let before = try model.tensors.mapValues { try $0.bytes() }
    let fit = HeadFit(steps: 20, learningRate: 0.1)
    // More than are fitted together.
    let tasks = try (0..<19).map { try task($0, ways: 3, shots: 4, queries: 5) }
    let course = try fit.fit(model, tasks: tasks.count) { tasks[$0] }
    let each = try tasks.map { try alone(model, $0, fit) }
    #expect(course.correct == (0...20).map { step in each.reduce(0) { $0 + $1[step] } })
    #expect(course.byTask == each.map { $0[20] } && course.queries == 15)
    for (name, bytes) in before { #expect(try model.tensor(name).bytes() == bytes, "the model stays as it is") }
  }

  @Test func fewerWaysTakeTheFirstRows() throws {
    let wide = try model(ways: 5)
    var narrow = try model(ways: 3)
    for (name, tensor) in wide.tensors { narrow.tensors[name] = name.module == "fc2" ? try tensor.narrowed(0, from: 0, length: 3) : tensor }
    let tasks = try (0..<3).map { try task($0, ways: 3, shots: 2, queries: 6) }
    let fit = HeadFit(steps: 5)
    #expect(try fit.fit(wide, tasks: 3) { tasks[$0] } == fit.fit(narrow, tasks: 3) { tasks[$0] })
  }

  /// Classes that only the support or only the query has are among those to choose from.
  @Test(arguments: [(4, 2), (2, 4), (3, 3)]) func classesAreThoseOfBothParts(support: Int, query: Int) throws {
    let (model, whole, fit) = (try model(ways: 4), try task(1, ways: 4, shots: 4, queries: 5), HeadFit(steps: 8, learningRate: 0.1))
    func lacking(_ batch: Batch, _ classes: Int) throws -> Batch {
      Batch(inputs: batch.inputs, labels: try Tensor((0..<batch.count).map { Int64($0 % classes) }))
    }
    let task = MetaTask(support: [try lacking(whole.support[0], support)], query: try lacking(whole.query, query))
    var rows = model
    let ways = max(support, query)
    for (name, tensor) in model.tensors where name.module == "fc2" { rows.tensors[name] = try tensor.narrowed(0, from: 0, length: ways) }
    #expect(try fit.fit(model, tasks: 1) { _ in task }.correct == alone(rows, task, fit))
  }

  @Test func numbersOfACourse() {
    let course = HeadFit.Course(correct: [10, 60, 74, 76, 80], byTask: [20, 30, 30], queries: 40, loss: 0.5)
    #expect(course.steps(to: 0.95) == 3 && course.steps(to: 1) == 4 && course.steps(to: 0) == 0)
    #expect(course.evaluation == Evaluation(loss: 0.5, correct: 80, count: 120))
    // 0.5, 0.75, 0.75: variance 1/48, over 3.
    #expect(course.standardError.map { abs($0 - (1.0 / 144).squareRoot()) < 1e-15 } == true)
    #expect(HeadFit.Course(correct: [1], byTask: [1], queries: 2, loss: 0).standardError == nil)
  }

  @Test func otherEndsAreRefused() throws {
    var builder = NetworkBuilder("bent", input: .vector(3))
    builder.linear("fc", 3)
    builder.relu()
    let bent = try Model(builder.network(), seed: 1)
    #expect(throws: PlanError("bent does not end in a linear layer that could be fitted alone")) {
      try HeadFit().fit(bent, tasks: 1) { _ in try task(1, ways: 3, shots: 1, queries: 1) }
    }
    #expect(throws: PlanError("--head-steps 0 is impossible: give 1 to 100000")) { try HeadFit(steps: 0).validate() }
    #expect(throws: PlanError("a learning rate of -1.0 for the last layer is impossible: give a number above 0")) {
      try HeadFit(learningRate: -1).validate()
    }
  }
}
