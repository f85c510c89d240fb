import Datasets
import Networks
import TestSupport
import Testing
import Torch
import Training

/// When the trainer uses kernels of our own, and that everybody sees the right tensors meanwhile.
@Suite struct KernelChoiceTests {
  private func trainer(
    _ model: Model, hooks: [any TrainingHook] = [], data: TrainingData? = nil, augment: Bool = false, kernels: TrainingKernels = .automatic
  ) throws -> Trainer {
    var plan = sparsePlan()
    plan.augment = augment
    return try Trainer(plan, model: model, data: data ?? sparseData(), hooks: hooks, kernels: kernels)
  }

  private func expectSparse(_ expected: Bool, _ trainer: Trainer, _ location: SourceLocation = #_sourceLocation) {
    #expect(trainer.usesSparseKernels == expected, sourceLocation: location)
  }

  @Test func onlyWhereItPays() throws {
    try withThreads {
      try expectSparse(true, trainer(sparsePerceptron(density: 0.05, seed: 1)))
      try expectSparse(false, trainer(sparsePerceptron(density: 1, seed: 1)))
      try expectSparse(true, trainer(sparsePerceptron(density: 1, seed: 1), kernels: .sparse))
      try expectSparse(false, trainer(sparsePerceptron(density: 0.05, seed: 1), kernels: .libtorch))
      try expectSparse(false, trainer(sparsePerceptron(density: 0.05, seed: 1), kernels: .dense))
      for kernels in [TrainingKernels.automatic, .sparse, .dense, .libtorch] {
        for density in [0.05, 1] {
          let trainer = try trainer(sparsePerceptron(density: density, seed: 1), kernels: kernels)
          #expect(trainer.usesOwnKernels == (kernels != .libtorch), "\(kernels.choice)")
        }
      }
    }
  }

  /// One sparse layer among dense ones is enough.
  @Test func eachLayerForItself() throws {
    try withThreads {
      for layer in ["fc1", "fc2", "fc3"] {
        var model = try sparsePerceptron(density: 0.05, seed: 1)
        model.masks = model.masks.filter { $0.key.module == layer }
        try expectSparse(true, trainer(model))
      }
    }
  }

  @Test func onlyWhereNobodyNeedsMore() throws {
    try withThreads {
      let model = try sparsePerceptron(density: 0.05, seed: 1)
      try expectSparse(true, trainer(model, hooks: [Bystander()], kernels: .sparse))
      try expectSparse(false, trainer(model, hooks: [Bystander(), Watcher()], kernels: .sparse))
      try expectSparse(false, trainer(model.cast(to: .float64), kernels: .sparse))
      var data = try sparseData()
      data.augmentation = Augmentation(padding: 1, mirrors: true)
      try expectSparse(true, trainer(model, data: data, kernels: .sparse))
      try expectSparse(false, trainer(model, data: data, augment: true, kernels: .sparse))
    }
  }

  @Test func onlyChains() throws {
    try withThreads {
      let plan = sparsePlan(batchSize: 8)
      for network in [try perceptron(dropout: 0.5), try perceptron(dropout: 0), try convolutional()] {
        let isConvolutional = network.name == "convolutional"
        let data = try learnableData(channels: isConvolutional ? 3 : 1, side: isConvolutional ? 8 : 4, classes: 4)
        let trainer = try Trainer(plan, model: Model(network, seed: 1), data: data, kernels: .sparse)
        #expect(trainer.usesSparseKernels == !network.nodes.contains { if case .dropout = $0.operation { true } else { isConvolutional } })
      }
      // 16-bit indices reach 65,535 inputs.
      for (side, expected) in [(255, true), (256, false)] {
        var builder = NetworkBuilder("wide", input: .image(channels: 1, height: side, width: side))
        builder.flatten()
        builder.linear("fc", 2)
        let images = try ExampleSet(
          bytes: Array(repeating: 1, count: side * side), labels: [0], channels: 1, height: side, width: side, classNames: ["a", "b"])
        let data = TrainingData(training: images, validation: nil, test: nil, normalization: .none(channels: 1))
        let trainer = try Trainer(plan, model: Model(builder.network(), seed: 1), data: data, kernels: .sparse)
        #expect(trainer.usesSparseKernels == expected, "\(side)")
      }
    }
  }

  @Test func labelsBeyondTheOutputsAreLeftToTheOldPath() throws {
    try withThreads {
      let images = try learnableImages(30, side: 6, classes: 6, seed: 1)
      let data = TrainingData(training: images, validation: nil, test: nil, normalization: .none(channels: 1))
      try expectSparse(false, trainer(sparsePerceptron(density: 0.05, seed: 1), data: data, kernels: .sparse))
    }
  }

  /// Dense at first, sparse from the step that prunes, dense again where nothing is pruned.
  @Test func followsTheMasks() throws {
    try withThreads {
      let model = try sparsePerceptron(density: 1, seed: 3)
      let masks = try randomMasks(model, density: 0.1, seed: 4)
      let hook = Bystander()
      var used: [Bool] = []
      hook.onFinish = { trainer in
        used.append(trainer.usesSparseKernels)
        if trainer.iteration == 3 { try trainer.adoptMasks(masks) }
        if trainer.iteration == 6 { try trainer.replaceModel(trainer.model.copied(), slices: []) }
        if trainer.iteration == 9 { try trainer.adoptMasks([:]) }
      }
      let automatic = try trainer(model, hooks: [hook])
      try automatic.run()
      #expect(used == (1...14).map { (4...9).contains($0) })
      let dense = try trainer(model, hooks: [hook], kernels: .libtorch)
      try dense.run()
      for (name, tensor) in dense.model.tensors {
        #expect(try relativeError(automatic.model.tensor(name), tensor) < 2e-4, "\(name)")
      }
    }
  }

  @Test func evaluationEqualsTheExecutors() throws {
    try withThreads {
      let trainer = try trainer(sparsePerceptron(density: 0.2, seed: 8), kernels: .sparse)
      let data = try sparseData()
      let validation = try #require(data.validation)
      var seen = 0
      try trainer.run(afterStep: { trainer in
        let evaluated = try trainer.evaluateValidation()
        let sparse = try #require(evaluated)
        let dense = try Executor(trainer.model).evaluate(data.evaluationBatches(validation, channelsLast: false))
        #expect(abs(sparse.loss - dense.loss) < 1e-6 * dense.loss && sparse.correct == dense.correct && sparse.count == dense.count)
        seen += 1
      })
      #expect(seen == 14)
    }
  }

  /// Nodes are observed in a dense step; others stay sparse.
  @Test func observedStepsAreDense() throws {
    try withThreads {
      let model = try sparsePerceptron(density: 0.2, seed: 8)
      let hook = Bystander()
      hook.onFinish = { [unowned hook] in hook.observedNodes = $0.iteration % 3 == 0 ? ["relu1"] : [] }
      let trainers = try [TrainingKernels.sparse, .libtorch].map { try trainer(model, hooks: [hook], kernels: $0) }
      for trainer in trainers { try trainer.run() }
      for (name, tensor) in trainers[0].model.tensors {
        #expect(try relativeError(tensor, trainers[1].model.tensor(name)) < 2e-4, "\(name)")
      }
    }
  }

  /// Whoever asks for the model may change its tensors, and both steps and evaluations see that.
  @Test func changedTensorsAreSeen() throws {
    try withThreads {
      let hook = Bystander()
      let name = ParameterName("fc3", .bias)
      hook.onStep = { trainer in
        guard trainer.iteration == 5 else { return }
        try trainer.model.tensor(name).detached().fill(.nan)
      }
      let trainer = try trainer(sparsePerceptron(density: 0.2, seed: 8), hooks: [hook], kernels: .sparse)
      #expect(throws: TrainingError.nonFiniteLoss(iteration: 6, learningRate: 0.01)) { try trainer.run() }
      #expect(throws: TrainingError.nonFiniteLoss(iteration: 5, learningRate: 0.01)) { _ = try trainer.evaluateValidation() }
    }
  }
}
