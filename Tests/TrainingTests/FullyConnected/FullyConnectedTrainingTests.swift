import Datasets
import Networks
import SparseRuntime
import TestSupport
import Testing
import Torch
import Training

/// Training by kernels of our own, sparse and dense, against libtorch's masked training.
@Suite struct FullyConnectedTrainingTests {
  static let optimizers: [OptimizerPlan] = [
    .sgd(momentum: 0), .sgd(momentum: 0.9, weightDecay: 0.1), .sgd(momentum: 0.9, weightDecay: 0.1, nesterov: true), .adam(),
    .adam(weightDecay: 0.1), .adamW(weightDecay: 0.1),
  ]

  private func trained(
    _ plan: TrainingPlan, _ model: Model, _ kernels: TrainingKernels, hooks: [any TrainingHook] = []
  ) throws -> Trainer {
    let trainer = try Trainer(plan, model: model, data: sparseData(), hooks: hooks, kernels: kernels)
    #expect(trainer.usesOwnKernels == (kernels.choice != .libtorch))
    try trainer.run()
    return trainer
  }

  /// Whether two trainings came to the same weights, moments and evaluations but for rounding.
  private func expectEqual(_ a: Trainer, _ b: Trainer, _ note: String, tolerance: Double = 2e-4) throws {
    let (x, y) = (try a.state().optimizer.moments, try b.state().optimizer.moments)
    for (name, tensor) in a.model.tensors {
      #expect(try relativeError(tensor, b.model.tensor(name)) < tolerance, "\(name), \(note)")
      for (k, (moment, other)) in zip(try #require(x[name]), try #require(y[name])).enumerated() {
        #expect(try relativeError(moment, other) < tolerance, "moment \(k) of \(name), \(note)")
      }
      guard let mask = a.model.masks[name] else { continue }
      for held in [tensor] + (x[name] ?? []) {
        let (values, kept) = (try held.detached().array(Float.self), try mask.array(Bool.self))
        #expect(zip(values, kept).allSatisfy { $1 || $0 == 0 }, "\(name), \(note)")
      }
    }
    for (one, other) in zip(a.log.evaluations, b.log.evaluations) {
      let (v, w) = (try #require(one.validation), try #require(other.validation))
      #expect(abs(v.loss - w.loss) < tolerance * w.loss && abs(v.correct - w.correct) <= 1 && v.count == 70, "\(note)")
      #expect(abs(one.trainingLoss - other.trainingLoss) < tolerance * other.trainingLoss, "\(note)")
    }
    #expect(a.log.evaluations.count == b.log.evaluations.count)
  }

  /// Whether a training was worth comparing: every layer moved, its biases too, and masks held something back.
  private func expectAlive(_ trained: Trainer, from start: Model, _ note: String) throws {
    for name in try start.network.parameterShapes().map(\.name) {
      let (before, after) = try (start.tensor(name).array(Float.self), trained.model.tensor(name).array(Float.self))
      let kept = try start.masks[name]?.array(Bool.self) ?? before.map { _ in true }
      let moved = zip(kept, zip(before, after)).count { $0 && $1.0 != $1.1 }
      #expect(moved > 0, "\(name) has no gradient, \(note)")
      #expect(name.role == .bias || kept.allSatisfy(\.self) || zip(kept, before).contains { !$0 && $1 != 0 }, "\(name), \(note)")
    }
  }

  @Test(arguments: optimizers, [UInt64](1...3)) func equalsTheStepsOfLibtorch(_ optimizer: OptimizerPlan, seed: UInt64) throws {
    try withThreads {
      for (density, batch, smoothing) in [(0.3, 24, 0.0), (0.1, 65, 0.1), (1, 64, 0), (0.5, 1, 0.2)] {
        let model = try sparsePerceptron(density: density, seed: seed, bias: seed != 3)
        let plan = sparsePlan(optimizer, batchSize: batch, labelSmoothing: smoothing)
        let note = "seed \(seed), density \(density), batch \(batch)"
        let dense = try trained(plan, model, .libtorch)
        try expectAlive(dense, from: model, note)
        for kernels in [TrainingKernels.sparse, .dense, .automatic] {
          try expectEqual(trained(plan, model, kernels), dense, "\(kernels.choice), \(note)")
        }
      }
    }
  }

  @Test(arguments: KernelForm.available) func everyFormTrains(_ form: KernelForm) throws {
    try withThreads {
      let model = try sparsePerceptron(density: 0.4, seed: 1)
      for choice in [TrainingKernels.Choice.sparse, .dense] {
        let a = try trained(sparsePlan(), model, TrainingKernels(choice, form: form))
        try expectEqual(a, trained(sparsePlan(), model, .libtorch), "\(form), \(choice)")
      }
    }
  }

  /// Units without a listener and inputs that nobody reads are left out; their weights stay as they are.
  @Test(arguments: [OptimizerPlan.adam(), .adam(weightDecay: 0.1)]) func silentUnits(_ optimizer: OptimizerPlan) throws {
    try withThreads {
      var model = try sparsePerceptron(density: 0.5, seed: 2)
      let name = ParameterName("fc2", .weight)
      var keep = try #require(model.masks[name]).array(Bool.self)
      // Nobody listens to unit 3 of fc1, nor to unit 5 of fc2, behind which rows are no longer numbered by their places.
      for row in 0..<12 { keep[row * 20 + 3] = false }
      model.masks[name] = try Tensor(keep, shape: [12, 20])
      var last = try #require(model.masks[ParameterName("fc3", .weight)]).array(Bool.self)
      for row in 0..<4 { last[row * 12 + 5] = false }
      model.masks[ParameterName("fc3", .weight)] = try Tensor(last, shape: [4, 12])
      var first = try #require(model.masks[ParameterName("fc1", .weight)]).array(Bool.self)
      for row in 0..<20 { first[row * 36 + 7] = row == 3 }
      model.masks[ParameterName("fc1", .weight)] = try Tensor(first, shape: [20, 36])
      let plan = sparsePlan(optimizer)
      let (trainer, dense) = (try trained(plan, model, .sparse), try trained(plan, model, .libtorch))
      try expectEqual(trainer, dense, "silent")
      try expectAlive(dense, from: model, "silent")
      guard optimizer == .adam() else { return }
      for (layer, unit, width) in [("fc1", 3, 36), ("fc2", 5, 20)] {
        let name = ParameterName(layer, .weight)
        let range = unit * width..<(unit + 1) * width
        let (before, after) = (try model.tensor(name).array(Float.self)[range], try trainer.model.tensor(name).array(Float.self)[range])
        let kept = try #require(model.masks[name]).array(Bool.self)[range]
        #expect(zip(before, kept).map { $1 ? $0 : 0 } == Array(after), "\(layer)")
      }
    }
  }

  @Test func masksOnBiasesHold() throws {
    try withThreads {
      var model = try sparsePerceptron(density: 0.5, seed: 4)
      model.masks[ParameterName("fc1", .bias)] = try Tensor((0..<20).map { $0 % 3 > 0 }, shape: [20])
      let plan = sparsePlan(.adamW(weightDecay: 0.1))
      let dense = try trained(plan, model, .libtorch)
      try expectAlive(dense, from: model, "bias")
      for kernels in [TrainingKernels.sparse, .dense] { try expectEqual(trained(plan, model, kernels), dense, "\(kernels.choice)") }
    }
  }

  /// Each layer in turn is the only sparse one, and the only dense one; units that nobody reads are among them.
  @Test(arguments: 0..<3, [true, false]) func mixedLayers(_ index: Int, _ isAlone: Bool) throws {
    try withThreads {
      var model = try sparsePerceptron(density: 0.3, seed: 7)
      let sparse = ["fc1", "fc2", "fc3"].enumerated().filter { ($0.offset == index) == isAlone }.map(\.element)
      model.masks = model.masks.filter { sparse.contains($0.key.module) }
      let name = ParameterName("fc2", .weight)
      if let mask = model.masks[name] {
        let keep = try mask.array(Bool.self).enumerated().map { $0.element && $0.offset % 20 != 3 }
        model.masks[name] = try Tensor(keep, shape: [12, 20])
      }
      let plan = sparsePlan(batchSize: 65)
      let trainer = try Trainer(plan, model: model, data: sparseData())
      #expect(trainer.usesSparseKernels)
      try trainer.run()
      let dense = try trained(plan, model, .libtorch)
      try expectAlive(dense, from: model, "\(sparse)")
      try expectEqual(trainer, dense, "\(sparse)")
    }
  }

  /// After a first step of SGD the velocity is the gradient: in float32, against libtorch's autograd in float64.
  @Test(arguments: KernelForm.available, [TrainingKernels.Choice.sparse, .dense, .automatic])
  func gradientsEqualAutograd(_ form: KernelForm, _ choice: TrainingKernels.Choice) throws {
    try withThreads {
      for (density, batch, smoothing) in [(1.0, 60, 0.0), (0.4, 64, 0.1), (0.2, 100, 0), (0.5, 1, 0)] {
        // Each layer has another density, so that automatic means several kinds.
        var model = try sparsePerceptron(density: density, seed: 3)
        model.masks[ParameterName("fc2", .weight)] = nil
        let data = try sparseData()
        let plan = sparsePlan(.sgd(momentum: 0.9), batchSize: batch, steps: 1, labelSmoothing: smoothing)
        let trainer = try Trainer(plan, model: model, data: data, kernels: TrainingKernels(choice, form: form))
        #expect(trainer.usesOwnKernels)
        try trainer.run()
        let moments = try trainer.state().optimizer.moments

        var exact = try model.cast(to: .float64)
        for (name, mask) in model.masks { exact.tensors[name] = try exact.tensor(name) * mask.cast(to: .float64) }
        for tensor in exact.tensors.values { try tensor.requireGradient() }
        let loader = try BatchLoader(
          data.training, batchSize: batch, seed: SeedPurpose.order.seed(from: plan.seed), normalization: data.normalization)
        let first = try loader.batch(epoch: 0, index: 0)
        let logits = try Executor(exact).forward(first.inputs.cast(to: .float64))
        try logits.crossEntropy(first.labels, labelSmoothing: smoothing).backward()
        for (name, tensor) in exact.tensors {
          var gradient = try #require(tensor.gradient)
          if let mask = model.masks[name] { gradient = try gradient * mask.cast(to: .float64) }
          let ours = try #require(moments[name]?.first)
          let (error, note) = (try relativeError(ours.cast(to: .float64), gradient), "\(name), density \(density), batch \(batch)")
          #expect(error < 2e-6, "\(note)")
          #expect(try gradient.array(Double.self).contains { $0 != 0 }, "\(note)")
        }
      }
    }
  }

  /// Any number of threads computes the same bits, also on panels and layers that do not divide evenly.
  @Test(arguments: [TrainingKernels.Choice.sparse, .dense, .automatic], [24, 130])
  func threadsChangeNoBit(_ choice: TrainingKernels.Choice, batch: Int) throws {
    let bits = try [1, 2, 3, 5].map { threads in
      try withThreads(threads) {
        var model = try sparsePerceptron(density: 0.4, seed: 11)
        model.masks[ParameterName("fc1", .weight)] = nil
        return try Bits(trained(sparsePlan(batchSize: batch), model, TrainingKernels(choice)))
      }
    }
    for other in bits.dropFirst() { #expect(other.differences(from: bits[0]) == []) }
  }

  @Test(arguments: [[1], [4, 5], [7, 13]], [TrainingKernels.sparse, .dense])
  func resumesBitForBit(_ breaks: [Int], _ kernels: TrainingKernels) throws {
    try withThreads {
      try withTemporaryDirectory { folder in
        let (plan, path) = (sparsePlan(.adam(), batchSize: 65), folder + "/checkpoint")
        let model = try sparsePerceptron(density: 0.2, seed: 6)
        func hook() -> Bystander {
          let hook = Bystander()
          // In mid-course half of what is left goes, with its moments in motion.
          hook.onFinish = { trainer in
            guard trainer.iteration == 6 else { return }
            let halved = try trainer.model.masks.mapValues { mask in
              try Tensor(mask.array(Bool.self).enumerated().map { $0.element && $0.offset % 2 == 0 }, shape: mask.shape)
            }
            try trainer.adoptMasks(halved)
          }
          return hook
        }
        let whole = try trained(plan, model, kernels, hooks: [hook()])
        var trainer = try Trainer(plan, model: model, data: sparseData(), hooks: [hook()], kernels: kernels)
        for step in breaks {
          do {
            try trainer.run(afterStep: { if $0.iteration == step { throw TrainingError.interrupted(iteration: step) } })
          } catch TrainingError.interrupted(iteration: step) {}
          try Checkpoint(model: trainer.model, training: trainer.state(), progress: "").write(to: path)
          let checkpoint = try Checkpoint(contentsOf: path)
          trainer = try Trainer(
            plan, model: checkpoint.model, data: sparseData(), hooks: [hook()], state: checkpoint.training, kernels: kernels)
        }
        try trainer.run()
        #expect(try Bits(trainer).differences(from: Bits(whole)) == [])
      }
    }
  }

  /// Looking at everything after every step changes nothing.
  @Test func lookingChangesNothing() throws {
    try withThreads {
      let model = try sparsePerceptron(density: 0.2, seed: 6)
      let hook = Bystander()
      hook.onStep = { _ = try ($0.model, $0.state(), $0.evaluateValidation()) }
      let watched = try trained(sparsePlan(), model, .sparse, hooks: [hook])
      #expect(try Bits(watched).differences(from: Bits(trained(sparsePlan(), model, .sparse))) == [])
    }
  }
}
