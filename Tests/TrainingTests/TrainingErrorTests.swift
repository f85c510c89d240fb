import Datasets
import Networks
import Testing
import Torch
import Training

@Suite struct TrainingErrorTests {
  private func trainer(rate: Double, hooks: [any TrainingHook] = [], state: Trainer.State? = nil) throws -> Trainer {
    let plan = TrainingPlan(
      length: .epochs(2), batchSize: 8, optimizer: .sgd(momentum: 0), learningRate: .init(base: rate), evaluateEvery: .iterations(2))
    return try Trainer(
      plan, model: Model(perceptron(dropout: 0), seed: 5), data: learnableData(side: 4, classes: 4), hooks: hooks, state: state)
  }

  @Test func aLossThatIsNotFiniteStopsWithStepAndRate() throws {
    try withThreads {
      let trainer = try trainer(rate: 1e30)
      let error = #expect(throws: TrainingError.self) { try trainer.run() }
      #expect(error == .nonFiniteLoss(iteration: 2, learningRate: 1e30))
      #expect(
        error.map { "\($0)" }
          == "the loss is no longer finite at step 2, learning rate 1e+30: try a lower rate")
      // The step that was refused did not happen.
      #expect(trainer.iteration == 1)
      #expect(try trainer.state().optimizer.stepCount == 1)
    }
  }

  @Test func aValidationLossThatIsNotFiniteStopsToo() throws {
    try withThreads {
      let hook = Watcher()
      hook.onStep = { if $0.iteration == 4 { try $0.model.tensor(ParameterName("fc2", .bias)).detached().fill(.nan) } }
      let trainer = try trainer(rate: 0.01, hooks: [hook])
      #expect(throws: TrainingError.nonFiniteLoss(iteration: 4, learningRate: 0.01)) { try trainer.run() }
      #expect(trainer.log.evaluations.map(\.iteration) == [2])
    }
  }

  @Test func otherErrorsInWords() {
    #expect("\(TrainingError.interrupted(iteration: 12))" == "interrupted after step 12")
    #expect("\(TrainingError.noData)" == "the training set is empty")
  }

  @Test func anEmptySetIsRefused() throws {
    try withThreads {
      var data = try learnableData(side: 4, classes: 4)
      data.training = try data.training.selecting([])
      #expect(throws: TrainingError.noData) {
        try Trainer(TrainingPlan(length: .epochs(1), learningRate: .init(base: 0.1)), model: Model(perceptron(), seed: 1), data: data)
      }
    }
  }

  @Test func imagesOfAnotherShapeAreRefused() throws {
    try withThreads {
      let trainer = try Trainer(
        TrainingPlan(length: .epochs(1), learningRate: .init(base: 0.1)), model: Model(perceptron(), seed: 1),
        data: learnableData(side: 6, classes: 4))
      #expect(throws: ModelError.input(network: "perceptron", expected: [1, 4, 4], given: [1, 6, 6])) { try trainer.run() }
    }
  }

  @Test func hooksThatACheckpointCouldNotTellApartAreRefused() throws {
    #expect(throws: PlanError("two training hooks are named \"a\"")) {
      try trainer(rate: 0.1, hooks: [Watcher("a"), Watcher("b"), Watcher("a")])
    }
    #expect(throws: PlanError("a training hook cannot be named \"a.b\": give it a name without dots")) {
      try trainer(rate: 0.1, hooks: [Watcher("a.b")])
    }
    #expect(throws: PlanError("a training hook cannot be named \"\": give it a name without dots")) {
      try trainer(rate: 0.1, hooks: [Watcher("")])
    }
  }

  @Test func statesThatDoNotFitAreRefused() throws {
    try withThreads {
      var state = try trainer(rate: 0.1).state()
      let name = ParameterName("fc2", .weight)
      let count = try #require(state.optimizer.moments[name]).count
      state.optimizer.moments[name] = Array(repeating: try .zeros([12]), count: count)
      #expect(throws: RecordError("a stored moment of fc2.weight has shape [12], not [4, 12]")) { try trainer(rate: 0.1, state: state) }
      state = try trainer(rate: 0.1).state()
      let total = try trainer(rate: 0.1).totalIterations
      for impossible in [-1, total + 1, Int.max] {
        state.iteration = impossible
        #expect(throws: RecordError("a training of \(total) steps cannot go on from step \(impossible)")) {
          try trainer(rate: 0.1, state: state)
        }
      }
      state = try trainer(rate: 0.1).state()
      state.optimizer.moments[name] = Array(repeating: try .zeros([4, 12]), count: count + 1)
      #expect(throws: RecordError("its moments are those of another optimizer")) { try trainer(rate: 0.1, state: state) }
      state = try trainer(rate: 0.1).state()
      state.hooks = ["stranger": ["x": try .zeros([1])]]
      #expect(throws: RecordError("it keeps something for hook stranger, which this run does not have")) {
        try trainer(rate: 0.1, state: state)
      }
      // What a hook says of a state that it cannot read is not for people.
      let picky = Watcher()
      picky.onRestore = { _ in throw TorchError("narrow: a page of words") }
      state.hooks = ["watcher": ["x": try .zeros([1])]]
      #expect(throws: RecordError("what hook watcher keeps does not fit this run")) {
        try trainer(rate: 0.1, hooks: [picky], state: state)
      }
    }
  }

  @Test func whatAHookThrowsComesOut() throws {
    struct Refusal: Error {}
    // At the fourth step: before it counts, and after.
    let places: [(place: String, finished: Int, arm: (Watcher) -> Void)] = [
      ("observe", 3, { $0.onObserve = { _, _ in throw Refusal() } }),
      ("didComputeGradients", 3, { $0.onGradients = { _ in throw Refusal() } }), ("didStep", 4, { $0.onStep = { _ in throw Refusal() } }),
      ("didFinishStep", 4, { $0.onFinish = { _ in throw Refusal() } }),
    ]
    try withThreads {
      for (place, finished, arm) in places {
        let hook = Watcher()
        hook.observedNodes = ["fc1"]
        let trainer = try trainer(rate: 0.01, hooks: [hook])
        #expect(throws: Refusal.self, "\(place)") { try trainer.run(afterStep: { if $0.iteration == 3 { arm(hook) } }) }
        #expect(trainer.iteration == finished, "\(place)")
      }
    }
  }
}

@Suite struct TrainingPlanTests {
  private static let good = TrainingPlan(length: .epochs(1), learningRate: .init(base: 0.1))

  private func expect(_ words: String, _ change: (inout TrainingPlan) -> Void) {
    var plan = Self.good
    change(&plan)
    #expect(throws: PlanError(words)) { try plan.validate() }
  }

  @Test func impossibleValuesAreRefusedInWords() throws {
    try Self.good.validate()
    expect("a batch of 0 examples is impossible: give at least 1") { $0.batchSize = 0 }
    expect("a learning rate of 0.0 is impossible: give a number above 0") { $0.learningRate.base = 0 }
    expect("a learning rate of nan is impossible: give a number above 0") { $0.learningRate.base = .nan }
    expect("a learning rate of inf is impossible: give a number above 0") { $0.learningRate.base = .infinity }
    expect("a label smoothing of 1.0 is impossible: give a number from 0 up to, but not including, 1") { $0.labelSmoothing = 1 }
    expect("a momentum of 1.5 is impossible: give a number from 0 up to, but not including, 1") { $0.optimizer = .sgd(momentum: 1.5) }
    expect("Nesterov's step needs a momentum above 0") { $0.optimizer = .sgd(momentum: 0, nesterov: true) }
    expect("a weight decay of -1.0 is impossible: give 0 or a number above it") { $0.optimizer = .sgd(weightDecay: -1) }
    expect("a weight decay of nan is impossible: give 0 or a number above it") { $0.optimizer = .adam(weightDecay: .nan) }
    expect("a weight decay of inf is impossible: give 0 or a number above it") { $0.optimizer = .adamW(weightDecay: .infinity) }
    expect("evaluating every 0it is impossible") { $0.evaluateEvery = .iterations(0) }
  }

  @Test func purposesGiveIndependentSeeds() {
    let purposes: [SeedPurpose] = [.initialization, .order, .dropout, .split, .subset, .scores, .proof]
    let seeds = (0..<100).flatMap { seed in purposes.map { $0.seed(from: seed) } }
    #expect(Set(seeds).count == 700)
  }
}
