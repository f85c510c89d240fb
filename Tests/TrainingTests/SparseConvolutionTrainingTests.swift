import Datasets
import Networks
import SparseRuntime
import TestSupport
import Testing
import Torch
import Training

/// Trainings whose convolutions compute with kept weights alone, against libtorch's masked ones.
@Suite struct SparseConvolutionTrainingTests {
  /// A batch norm and pooling, on 3×8×8 images. A bias before a norm would move by rounding errors alone.
  private func plain() throws -> Network {
    var builder = NetworkBuilder("plain", input: .image(channels: 3, height: 8, width: 8))
    builder.convolution("conv1", 6, kernel: 3, padding: 1, bias: false)
    builder.batchNorm("bn1")
    builder.relu("relu1")
    builder.maxPool(2)
    builder.convolution("conv2", 5, kernel: 3, padding: 1)
    builder.relu("relu2")
    builder.flatten()
    builder.linear("fc", 4)
    return try builder.network()
  }

  /// Convolutions with a stride, of one pixel, in groups, and around a residual sum, on 3×8×8 images.
  private func residual() throws -> Network {
    var builder = NetworkBuilder("residual", input: .image(channels: 3, height: 8, width: 8))
    builder.convolution("conv1", 8, kernel: 3, padding: 1, bias: false)
    builder.batchNorm("bn1")
    let kept = builder.relu("relu1")
    builder.convolution("conv2", 8, kernel: 3, stride: 2, padding: 1)
    builder.relu("relu2")
    builder.convolution("conv3", 8, kernel: 3, padding: 1, groups: 2, bias: false)
    let long = builder.batchNorm("bn3")
    let short = builder.convolution("short", 8, kernel: 1, stride: 2, bias: false, from: kept)
    builder.add([long, short])
    builder.relu("relu3")
    builder.flatten()
    builder.linear("fc", 4)
    return try builder.network()
  }

  private func model(_ network: Network, density: Double = 0.3) throws -> Model {
    var model = try Model(network, seed: 3)
    model.masks = try randomMasks(model, density: density, seed: 11)
    return model
  }

  private func trainer(
    _ model: Model, _ kernels: TrainingKernels, optimizer: OptimizerPlan = .sgd(momentum: 0.9, weightDecay: 1e-3),
    hooks: [any TrainingHook] = [], augment: Bool = true, state: Trainer.State? = nil
  ) throws -> Trainer {
    let plan = TrainingPlan(
      length: .iterations(14), batchSize: 20, optimizer: optimizer, learningRate: LearningRateSchedule(base: 0.01),
      evaluateEvery: .iterations(5), augment: augment, seed: 7)
    let data = try learnableData(channels: 3, side: 8, classes: 4)
    return try Trainer(plan, model: model, data: data, hooks: hooks, state: state, kernels: kernels)
  }

  /// Three of the four convolutions of the residual network are of one group.
  @Test func whatBecomesOfKeptWeightsIsKnown() throws {
    func use(_ model: Model, _ choice: TrainingKernels.Choice = .sparse) throws -> KeptWeightsUse {
      try trainer(model, TrainingKernels(choice)).keptWeightsUse
    }
    var masked = try model(residual())
    #expect(try use(masked) == .now && use(masked, .automatic) == .never && use(masked, .dense) == .never)
    var first = masked
    first.masks = first.masks.filter { $0.key.module == "conv1" }
    #expect(try first.masks.count == 1 && use(first) == .now)
    masked.masks = masked.masks.filter { $0.key.module == "conv3" || $0.key.module == "fc" }
    #expect(!masked.masks.isEmpty)
    #expect(try use(masked) == .onceMasked)
    masked.masks = [:]
    #expect(try use(masked) == .onceMasked)
    var builder = NetworkBuilder("groups", input: .image(channels: 3, height: 8, width: 8))
    builder.convolution("conv1", 6, kernel: 3, padding: 1, groups: 3)
    builder.flatten()
    builder.linear("fc", 4)
    #expect(try use(model(builder.network())) == .never)
  }

  private func expectEqual(_ one: Trainer, _ other: Trainer, tolerance: Double = 2e-4) throws {
    for (name, tensor) in one.model.tensors {
      #expect(try relativeError(tensor, other.model.tensor(name)) < tolerance, "\(name)")
      guard let mask = one.model.masks[name] else { continue }
      let (values, kept) = (try tensor.detached().array(Float.self), try mask.array(Bool.self))
      #expect(zip(values, kept).allSatisfy { $1 || $0 == 0 }, "\(name)")
    }
    #expect(one.log.evaluations.count == 3 && other.log.evaluations.count == 3)
    for (a, b) in zip(one.log.evaluations, other.log.evaluations) {
      let (v, w) = (try #require(a.validation), try #require(b.validation))
      #expect(abs(v.loss - w.loss) < tolerance * w.loss && abs(a.trainingLoss - b.trainingLoss) < tolerance * b.trainingLoss)
    }
  }

  @Test(arguments: [OptimizerPlan.sgd(momentum: 0.9, weightDecay: 1e-3), .adamW(weightDecay: 0.1)], KernelForm.available)
  func equalsTheStepsOfLibtorch(_ optimizer: OptimizerPlan, form: KernelForm) throws {
    try withThreads {
      for network in [try plain(), try residual()] {
        let model = try model(network)
        let (sparse, dense) = (
          try trainer(model, TrainingKernels(.sparse, form: form), optimizer: optimizer),
          try trainer(model, .libtorch, optimizer: optimizer)
        )
        #expect(sparse.usesSparseKernels && !sparse.usesOwnKernels && !dense.usesSparseKernels)
        try sparse.run()
        try dense.run()
        try expectEqual(sparse, dense)
      }
    }
  }

  @Test(arguments: [1, 2]) func theSameSeedGivesTheSameBitsAlsoWhenBrokenOff(_ threads: Int) throws {
    try withThreads(threads) {
      func end(brokenOffAt breaks: [Int]) throws -> Bits {
        try withTemporaryDirectory { folder in
          var trainer = try trainer(model(residual()), .sparse)
          for step in breaks {
            do {
              try trainer.run(afterStep: { if $0.iteration == step { throw TrainingError.interrupted(iteration: step) } })
            } catch TrainingError.interrupted(iteration: step) {}
            try Checkpoint(model: trainer.model, training: trainer.state(), progress: "").write(to: folder + "/checkpoint")
            let checkpoint = try Checkpoint(contentsOf: folder + "/checkpoint")
            trainer = try self.trainer(checkpoint.model, .sparse, state: checkpoint.training)
            #expect(trainer.usesSparseKernels)
          }
          try trainer.run()
          return try Bits(trainer)
        }
      }
      let unbroken = try end(brokenOffAt: [])
      #expect(try end(brokenOffAt: []).differences(from: unbroken) == [])
      #expect(try end(brokenOffAt: [1, 6, 10]).differences(from: unbroken) == [])
    }
  }

  /// From 64 to 64 channels it pays up to a density of 0.52; from 8 to 8 channels are turned for too few weights.
  @Test(arguments: [(64, 0.05, true), (64, 0.5, true), (64, 0.6, false), (8, 0.05, false)])
  func onlyWhereItPays(_ width: Int, _ density: Double, _ expected: Bool) throws {
    try withThreads {
      var builder = NetworkBuilder("wide", input: .image(channels: 3, height: 8, width: 8))
      builder.convolution("conv1", width, kernel: 3, padding: 1)
      builder.relu("relu1")
      builder.convolution("conv2", width, kernel: 3, padding: 1)
      builder.flatten()
      builder.linear("fc", 4)
      let network = try builder.network()
      #expect(try trainer(model(network, density: density), .automatic).usesSparseKernels == expected)
      for kernels in [TrainingKernels.dense, .libtorch] {
        #expect(try !trainer(model(network, density: density), kernels).usesSparseKernels)
      }
      #expect(try trainer(model(network, density: density), .sparse).usesSparseKernels)
      #expect(try !trainer(Model(network, seed: 1), .sparse).usesSparseKernels)
      #expect(try !trainer(model(network, density: density).cast(to: .float64), .sparse).usesSparseKernels)
    }
  }

  /// Gradients of pruned weights at the steps that a hook wants them at, and at no others.
  @Test func aHookThatNeedsGradientsGetsThemAll() throws {
    final class Every3rd: TrainingHook {
      let name = "every3rd"
      var revived: [Int] = []
      func needsGradients(_ trainer: Trainer) -> Bool { trainer.iteration % 3 == 0 }
      func didComputeGradients(_ trainer: Trainer) throws {
        let name = ParameterName("conv2", .weight)
        let gradient = try #require(trainer.model.tensor(name).gradient), mask = try #require(trainer.model.masks[name])
        let pruned = try mask.select(gradient.zerosLike(), else: gradient)
        if try pruned.nonZeroCount() > 0 { revived.append(trainer.iteration) }
        #expect(try mask.select(gradient, else: gradient.zerosLike()).nonZeroCount() > 0)
      }
    }
    try withThreads {
      let hook = Every3rd(), model = try model(plain())
      let (sparse, dense) = (try trainer(model, .sparse, hooks: [hook]), try trainer(model, .libtorch))
      #expect(!sparse.usesSparseKernels)
      try sparse.run()
      try dense.run()
      #expect(hook.revived == [0, 3, 6, 9, 12])
      try expectEqual(sparse, dense)
    }
  }

  @Test func observedStepsAreLibtorchs() throws {
    try withThreads {
      let hook = Bystander(), model = try model(plain())
      hook.observedNodes = ["relu1"]
      let (watched, dense) = (try trainer(model, .sparse, hooks: [hook]), try trainer(model, .libtorch))
      hook.onStep = { if $0.iteration == 4 { throw TrainingError.interrupted(iteration: 4) } }
      try? watched.run()
      try? dense.run(afterStep: { if $0.iteration == 4 { throw TrainingError.interrupted(iteration: 4) } })
      for (name, tensor) in watched.model.tensors { #expect(try tensor.bytes() == dense.model.tensor(name).bytes(), "\(name)") }
    }
  }

  /// Dense at first, sparse from the step that prunes, dense again where nothing is pruned.
  @Test func followsTheMasks() throws {
    try withThreads {
      let model = try Model(plain(), seed: 3), masks = try randomMasks(model, density: 0.4, seed: 4)
      let hook = Bystander()
      var used: [Bool] = []
      hook.onFinish = { trainer in
        used.append(trainer.usesSparseKernels)
        if trainer.iteration == 3 { try trainer.adoptMasks(masks) }
        if trainer.iteration == 6 { try trainer.replaceModel(trainer.model.copied(), slices: []) }
        if trainer.iteration == 9 { try trainer.adoptMasks([:]) }
      }
      let sparse = try trainer(model, .sparse, hooks: [hook])
      try sparse.run()
      #expect(used == (1...14).map { (4...9).contains($0) })
      let dense = try trainer(model, .libtorch, hooks: [hook])
      try dense.run()
      for (name, tensor) in dense.model.tensors {
        #expect(try relativeError(sparse.model.tensor(name), tensor) < 2e-4, "\(name)")
      }
    }
  }

  /// What stands in pruned places shows who reads them.
  @Test func evaluationsReadKeptWeightsAlone() throws {
    try withThreads {
      for (kernels, isBlind) in [(TrainingKernels.sparse, true), (.libtorch, false)] {
        let trainer = try trainer(model(plain()), kernels)
        let before = try #require(try trainer.evaluateValidation())
        let name = ParameterName("conv2", .weight), weight = try trainer.model.tensor(name).detached()
        try weight.copy(from: #require(trainer.model.masks[name]).select(weight, else: weight.onesLike()))
        let after = try #require(try trainer.evaluateValidation())
        #expect((before == after) == isBlind, "\(kernels.choice)")
      }
    }
  }
}
