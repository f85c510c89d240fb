import Datasets
import Networks
import Testing
import Torch
import Training

/// A perceptron without dropout, on 50 images in batches of 8: an epoch has 6 steps.
private func trainer(
  _ length: Step, every: Step = .epochs(1), optimizer: OptimizerPlan = .adam(), rate: LearningRateSchedule = .init(base: 0.01),
  batchSize: Int = 8, data: TrainingData? = nil, hooks: [any TrainingHook] = []
) throws -> Trainer {
  let plan = TrainingPlan(length: length, batchSize: batchSize, optimizer: optimizer, learningRate: rate, evaluateEvery: every)
  return try Trainer(
    plan, model: Model(perceptron(dropout: 0), seed: 5), data: data ?? learnableData(side: 4, classes: 4), hooks: hooks)
}

@Suite struct TrainingLengthTests {
  @Test func noEpochsDoNothing() throws {
    try withThreads {
      let model = try Model(perceptron(), seed: 5)
      let hook = Watcher()
      hook.onFinish = { _ in Issue.record("a step was made") }
      let trainer = try Trainer(
        TrainingPlan(length: .epochs(0), learningRate: .init(base: 0.1)), model: model, data: learnableData(side: 4, classes: 4),
        hooks: [hook])
      try trainer.run(report: { _ in Issue.record("a step was reported") })
      #expect(trainer.totalIterations == 0)
      #expect(trainer.log == TrainingLog())
      for (name, tensor) in model.tensors { #expect(try trainer.model.tensor(name).detached().bytes() == tensor.bytes()) }
    }
  }

  @Test(arguments: [(Step.iterations(7), 8, 6, 7), (.epochs(2), 8, 6, 12), (.epochs(2), 25, 2, 4), (.epochs(3), 64, 1, 3)])
  func lengthsInStepsAndEpochs(_ length: Step, _ batchSize: Int, _ perEpoch: Int, _ total: Int) throws {
    try withThreads {
      let trainer = try trainer(length, batchSize: batchSize)
      var steps: [[Int]] = []
      try trainer.run(report: { steps.append([$0.iteration, $0.total, $0.iterationsPerEpoch]) })
      #expect(trainer.iterationsPerEpoch == perEpoch)
      #expect(steps == (1...total).map { [$0, total, perEpoch] })
      #expect(trainer.epochSeconds.map(\.epoch) == Array(1...(total / perEpoch)))
    }
  }

  @Test func anEpochSeesEveryExampleOnceButForTheRest() throws {
    try withThreads {
      let hook = Watcher()
      hook.observedNodes = ["input"]
      var seen: [[Float]] = []
      hook.onObserve = { value, _ in
        let values = try value.array(Float.self)
        seen += stride(from: 0, to: values.count, by: 16).map { Array(values[$0..<($0 + 16)]) }
      }
      try trainer(.epochs(1), hooks: [hook]).run()
      #expect(seen.count == 48)
      #expect(Set(seen).count == 48)
    }
  }
}

@Suite struct TrainingEvaluationTests {
  /// Steps 2, 3 and 4 to 6 train another network: the log tells the losses of the evaluated one.
  @Test func lossesOfAnotherNetworkAreLeftOut() throws {
    try withThreads {
      let hook = Watcher()
      hook.isAside = { $0.iteration == 1 || $0.iteration == 2 || (3..<6).contains($0.iteration) }
      let trainer = try trainer(.iterations(8), every: .iterations(3), hooks: [hook])
      var losses: [Double] = []
      try trainer.run(report: { losses.append($0.loss) })
      // The second evaluation has no step of its own and repeats what was said before.
      #expect(trainer.log.evaluations.map(\.trainingLoss) == [losses[0], losses[0], (losses[6] + losses[7]) / 2])
      #expect(Set(losses).count == 8)
    }
  }

  @Test(arguments: [(Step.iterations(3), [3, 6, 7]), (.iterations(7), [7]), (.iterations(100), [7]), (.epochs(1), [6, 7])])
  func evaluatesEveryNAndAtTheEnd(_ every: Step, _ expected: [Int]) throws {
    try withThreads {
      let trainer = try trainer(.iterations(7), every: every)
      var losses: [Double] = []
      var reported: [EvaluationRecord] = []
      try trainer.run(report: { progress in
        losses.append(progress.loss)
        if let evaluation = progress.evaluation { reported.append(evaluation) }
      })
      let log = trainer.log
      #expect(log.evaluations.map(\.iteration) == expected)
      #expect(reported == log.evaluations)
      for (from, to) in zip([0] + expected, expected) {
        let mean = losses[from..<to].reduce(0, +) / Double(to - from)
        #expect(log.evaluations.first { $0.iteration == to }?.trainingLoss == mean)
      }
      #expect(log.evaluations.last?.validation == (try trainer.evaluateValidation()))
      #expect(log.evaluations.last?.test == (try trainer.evaluateTest()))
      #expect(log.evaluations.allSatisfy { $0.validation?.count == 24 })
    }
  }

  @Test func testsOnlyAtNewMinimaAndAtTheEnd() throws {
    try withThreads {
      // A rate at which the validation loss falls at first and then jumps about.
      let trainer = try trainer(.iterations(40), every: .iterations(1), rate: .init(base: 0.5))
      try trainer.run()
      let losses = trainer.log.evaluations.compactMap(\.validation?.loss)
      var minimum = Double.infinity
      var minima: Set<Int> = []
      for (index, loss) in losses.enumerated() where loss < minimum {
        minimum = loss
        minima.insert(index + 1)
      }
      #expect(losses.count == 40)
      #expect(minima.count > 2 && minima.count < 30)
      #expect(!minima.contains(40))
      #expect(trainer.log.evaluations.filter { $0.test != nil }.map(\.iteration) == minima.sorted() + [40])
      #expect(trainer.log.best?.iteration == minima.max())
      #expect(trainer.log.best?.validation?.loss == losses.min())
    }
  }

  @Test func equalLossesLeaveTheEarliestBest() throws {
    try withThreads {
      // Steps too small to change a weight.
      let trainer = try trainer(.iterations(5), every: .iterations(1), rate: .init(base: 1e-30))
      try trainer.run()
      #expect(Set(trainer.log.evaluations.compactMap(\.validation?.loss)).count == 1)
      #expect(trainer.log.evaluations.filter { $0.test != nil }.map(\.iteration) == [1, 5])
      #expect(trainer.log.best?.iteration == 1)
    }
  }

  @Test func bestIsTheLowestLossWhateverTheAccuracy() {
    var log = TrainingLog()
    #expect(log.best == nil)
    log.evaluations = [EvaluationRecord(iteration: 1, trainingLoss: 0)]
    #expect(log.best == nil)
    for (iteration, loss, correct) in [(2, 0.5, 9), (3, 0.25, 1), (4, 0.25, 9), (5, 0.75, 10)] {
      log.evaluations.append(
        EvaluationRecord(iteration: iteration, trainingLoss: 0, validation: Evaluation(loss: loss, correct: correct, count: 10)))
    }
    #expect(log.best?.iteration == 3)
  }

  @Test func withoutValidationTheTestComesAtTheEnd() throws {
    try withThreads {
      var data = try learnableData(side: 4, classes: 4)
      data.validation = nil
      let tested = try trainer(.iterations(4), every: .iterations(2), data: data)
      try tested.run()
      #expect(tested.log.evaluations.map { $0.test != nil } == [false, true])
      #expect(tested.log.best == nil)
      #expect(try tested.evaluateValidation() == nil)
      data.test = nil
      let plain = try trainer(.iterations(4), data: data)
      try plain.run()
      #expect(plain.log.evaluations.map(\.iteration) == [4])
      #expect(plain.log.evaluations.first?.test == nil)
    }
  }

  @Test func lossAndAccuracyAreThoseOfTheWholeSet() throws {
    try withThreads {
      let model = try Model(perceptron(dropout: 0), seed: 1)
      let data = try learnableData(side: 4, classes: 4)
      let set = try #require(data.validation)
      let executor = try Executor(model)
      let whole = try executor.evaluate(data.evaluationBatches(set, channelsLast: false))
      let parts = try executor.evaluate(data.evaluationBatches(set, batchSize: 7, channelsLast: false))
      #expect(parts.correct == whole.correct)
      #expect(parts.count == 24)
      #expect(abs(parts.loss - whole.loss) < 1e-6)
      #expect(parts.accuracy == Double(whole.correct) / 24)
      #expect(Evaluation(loss: 0, correct: 0, count: 0).accuracy == 0)
    }
  }
}

@Suite struct LearningRateInTrainingTests {
  private let schedule = LearningRateSchedule(
    base: 0.5, decay: .multiStep(milestones: [.iterations(6), .epochs(2)], factor: 0.5), warmUp: .iterations(4))

  @Test func progressTellsTheRateOfTheStep() throws {
    try withThreads {
      var rates: [Double] = []
      try trainer(.iterations(14), optimizer: .sgd(momentum: 0), rate: schedule).run(report: { rates.append($0.learningRate) })
      #expect(rates == [0.125, 0.25, 0.375, 0.5, 0.5, 0.5] + Array(repeating: 0.25, count: 6) + [0.125, 0.125])
    }
  }

  @Test func theOptimizerUsesIt() throws {
    try withThreads {
      let name = ParameterName("fc2", .bias)
      let hook = Watcher()
      var (before, gradient): ([Float], [Float]) = ([], [])
      var steps = 0
      hook.onGradients = { trainer in
        before = try trainer.model.tensor(name).detached().array()
        gradient = try #require(trainer.model.tensor(name).gradient).array()
      }
      hook.onStep = { trainer in
        let rate = Float(schedule.rate(at: trainer.iteration - 1, of: 14, perEpoch: 6))
        let after = try trainer.model.tensor(name).detached().array(Float.self)
        for i in after.indices { #expect(abs(after[i] - (before[i] - rate * gradient[i])) < 1e-6, "step \(trainer.iteration)") }
        #expect(trainer.model.tensors.values.allSatisfy { $0.gradient == nil })
        steps += 1
      }
      try trainer(.iterations(14), optimizer: .sgd(momentum: 0), rate: schedule, hooks: [hook]).run()
      #expect(steps == 14)
    }
  }

  @Test func momentumFollowsItsFormula() throws {
    try withThreads {
      let name = ParameterName("fc2", .bias)
      let hook = Watcher()
      var (velocity, weight, gradient): ([Float], [Float], [Float]) = ([0, 0, 0, 0], [], [])
      hook.onGradients = { trainer in
        weight = try trainer.model.tensor(name).detached().array()
        gradient = try #require(trainer.model.tensor(name).gradient).array()
      }
      hook.onStep = { trainer in
        // v ← μv + g + λw; w ← w − ηv.
        for i in velocity.indices {
          velocity[i] = 0.75 * velocity[i] + gradient[i] + 0.125 * weight[i]
          weight[i] -= 0.25 * velocity[i]
        }
        let after = try trainer.model.tensor(name).detached().array(Float.self)
        let moment = try #require(trainer.state().optimizer.moments[name]?.first).array(Float.self)
        for i in after.indices {
          #expect(abs(after[i] - weight[i]) < 1e-5)
          #expect(abs(moment[i] - velocity[i]) < 1e-5)
        }
      }
      try trainer(.iterations(8), optimizer: .sgd(momentum: 0.75, weightDecay: 0.125), rate: .init(base: 0.25), hooks: [hook]).run()
    }
  }
}
