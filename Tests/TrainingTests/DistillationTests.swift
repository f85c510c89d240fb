import Datasets
import Networks
import TestSupport
import Testing
import Torch

@testable import Training

/// Learning from a teacher. The loss itself and its gradient are compared with PyTorch's in LayerReferenceTests.
@Suite(.serialized) struct DistillationTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func plan(_ distillation: Distillation?, steps: Int = 6, smoothing: Double = 0) -> TrainingPlan {
    TrainingPlan(
      length: .iterations(steps), batchSize: 8, optimizer: .sgd(momentum: 0), learningRate: .init(base: 0.1),
      labelSmoothing: smoothing, distillation: distillation, seed: 5)
  }

  private func losses(_ trainer: Trainer) throws -> [Double] {
    var losses: [Double] = []
    try trainer.run(report: { losses.append($0.loss) })
    return losses
  }

  /// KL of a distribution from itself is 0 and has no gradient: of weight w, labels alone are left, times 1 − w.
  @Test func aTeacherEqualToTheStudentTeachesNothing() throws {
    let data = try learnableData(side: 4, classes: 4)
    let model = try Model(perceptron(dropout: 0), seed: 3)
    let plain = try losses(Trainer(plan(nil, steps: 1), model: model, data: data))
    for (weight, share) in [(1.0, 0.0), (0.75, 0.25)] {
      let trainer = try Trainer(plan(Distillation(temperature: 3, weight: weight), steps: 1), model: model, data: data, teacher: model)
      let loss = try #require(try losses(trainer).first)
      #expect(abs(loss - share * plain[0]) < 1e-6, "\(weight): \(loss)")
      if weight == 1 {
        for (name, tensor) in trainer.model.tensors {
          let moved = try zip(tensor.doubles(), model.tensor(name).doubles()).map { abs($0 - $1) }.max() ?? 0
          #expect(moved < 1e-6, "\(name)")
        }
      }
    }
  }

  /// Two steps in float64, by the definition of the loss and by SGD's.
  @Test func aStepFollowsTheDefinition() throws {
    let data = try learnableData(side: 4, classes: 4)
    let (student, teacher) = (try Model(perceptron(dropout: 0), seed: 3), try Model(perceptron(dropout: 0.5), seed: 4))
    let trainer = try Trainer(plan(Distillation(temperature: 2, weight: 0.6), smoothing: 0.1), model: student, data: data, teacher: teacher)
    let found = try losses(trainer)
    // The same by hand: a leaf for each tensor, the loss from its parts, and w − 0.1·∂L/∂w.
    let loader = try data.loader(batchSize: 8, seed: SeedPurpose.order.seed(from: 5), augment: false, channelsLast: false)
    var model = student
    for step in 0..<6 {
      let batch = try loader.batch(epoch: 0, index: step)
      model.tensors = try model.tensors.mapValues { tensor in
        let leaf = try tensor.detached().copied()
        try leaf.requireGradient()
        return leaf
      }
      let logits = try Executor(model).forward(batch.inputs)
      let taught = try Executor(teacher).forward(batch.inputs).detached()
      let p = try (taught * 0.5).softmax(1)
      let divergence = try (p * ((taught * 0.5).logSoftmax(1) - (logits * 0.5).logSoftmax(1))).sum() * (1.0 / 8)
      let loss = try logits.crossEntropy(batch.labels, labelSmoothing: 0.1) * 0.4 + divergence * (0.6 * 4)
      #expect(try abs(loss.item() - found[step]) < 1e-5, "step \(step)")
      try loss.backward()
      model.tensors = try model.tensors.mapValues { tensor in try tensor.detached() - #require(tensor.gradient) * 0.1 }
    }
    for (name, tensor) in trainer.model.tensors { #expect(try relativeError(tensor.detached(), model.tensor(name)) < 1e-5, "\(name)") }
  }

  /// x² summed over two channels, 5 and 25 of which, is 1 : 5; and 1/√26, 5/√26 have the norm 1.
  @Test func mapsOfAttention() throws {
    let x = try Tensor([1, 3, 2, 4] as [Float], shape: [1, 2, 1, 2])
    let map = try x.attentionMap()
    #expect(map.shape == [1, 2])
    for (found, expected) in zip(try map.doubles(), [1 / 26.0.squareRoot(), 5 / 26.0.squareRoot()]) {
      #expect(abs(found - expected) < 1e-6)
    }
    // Where nothing is large, nothing is divided by zero.
    #expect(try Tensor.zeros([1, 2, 1, 2]).attentionMap().doubles() == [0, 0])
  }

  /// The first loss with features is that without, plus β times the mean of squares over both sizes; and the gradient goes to the student.
  @Test func featuresTeach() throws {
    let data = try learnableData(channels: 3, side: 8, classes: 4)
    let (student, teacher) = (try Model(convolutional(), seed: 3), try Model(convolutional(), seed: 4))
    func first(_ distillation: Distillation) throws -> (loss: Double, model: Model) {
      let trainer = try Trainer(plan(distillation, steps: 1), model: student, data: data, teacher: teacher)
      return (try #require(try losses(trainer).first), trainer.model)
    }
    let (plain, taught) = (try first(Distillation()), try first(Distillation(features: 100)))
    let nodes = try AttentionTransfer(from: teacher.network, to: student.network).nodes
    #expect(nodes.count == 3 && nodes.isSuperset(of: ["relu1", "relu2"]))
    let batch = try data.loader(batchSize: 8, seed: SeedPurpose.order.seed(from: 5), augment: false, channelsLast: false)
      .batch(epoch: 0, index: 0)
    func maps(_ model: Model, _ mode: ExecutionMode) throws -> [String: Tensor] {
      var found: [String: Tensor] = [:]
      _ = try Executor(model).forward(batch.inputs, mode: mode, observing: nodes) { found[$0] = try $1.attentionMap() }
      return found
    }
    let (own, its) = (try maps(student, .batchStatistics), try maps(teacher, .evaluation))
    let squares = try nodes.map { node in
      try (#require(own[node]) - #require(its[node])).doubles().reduce((0.0, 0.0)) { ($0.0 + $1 * $1, $0.1 + 1) }
    }
    let expected = squares.map { $0.0 / $0.1 }.reduce(0, +)
    #expect(expected > 1e-4)
    #expect(abs(taught.loss - plain.loss - 100 * expected) < 1e-4 * taught.loss, "\(taught.loss) \(plain.loss) \(expected)")
    let moved = try taught.model.tensors.filter { try $0.value.bytes() != plain.model.tensor($0.key).bytes() }
    #expect(!moved.isEmpty)
    let flat = try Architecture.parse("mlp:16-8-4")
    #expect(throws: PlanError("there are no features to compare with the teacher's: mlp:16-8-4 computes no images")) {
      try Trainer(
        plan(Distillation(features: 1)), model: Model(flat, seed: 1), data: learnableData(side: 4, classes: 4),
        teacher: Model(flat, seed: 1))
    }
    let features = Distillation(features: 1)
    for (teacher, student, words) in [
      (flat, student.network, "mlp:16-8-4 computes no images"), (student.network, flat, "mlp:16-8-4 computes no images"),
      (try convolution(3), try convolution(5), "convolution-3 and convolution-5 have no size of images in common"),
    ] {
      #expect(throws: PlanError("there are no features to compare with the teacher's: \(words)")) {
        try features.checkFeatures(of: teacher, for: student)
      }
    }
  }

  /// One convolution of images of that many pixels a side.
  private func convolution(_ side: Int) throws -> Network {
    var builder = NetworkBuilder("convolution-\(side)", input: .image(channels: 1, height: side, width: side))
    builder.convolution("conv", 2, kernel: 1)
    return try builder.network()
  }

  /// Neither its weights nor, as it evaluates, its running statistics; and it has no gradients.
  @Test func theTeacherStaysAsItIs() throws {
    let data = try learnableData(channels: 3, side: 8, classes: 4)
    let teacher = try Model(convolutional(), seed: 4)
    let before = try teacher.tensors.mapValues { try $0.bytes() }
    let trainer = try Trainer(plan(Distillation()), model: Model(convolutional(), seed: 3), data: data, teacher: teacher)
    try trainer.run()
    #expect(try teacher.tensors.mapValues { try $0.bytes() } == before)
    let kept = try #require(trainer.teacher)
    for (name, tensor) in kept.tensors {
      #expect(try tensor.contiguous().bytes() == before[name])
      #expect(tensor.gradient == nil)
    }
  }

  /// Without labels the loss does not depend on them.
  @Test func aWeightOfOneLooksAtNoLabels() throws {
    let data = try learnableData(side: 4, classes: 4)
    var other = data
    // All that differs is the class of each image.
    other.training = try ExampleSet(
      bytes: (0..<50).flatMap { try data.training.image(at: $0) }, labels: data.training.labels.map { 3 - $0 }, channels: 1, height: 4,
      width: 4, classNames: data.training.classNames)
    let (student, teacher) = (try Model(perceptron(dropout: 0), seed: 3), try Model(perceptron(dropout: 0), seed: 4))
    func losses(_ data: TrainingData, _ weight: Double) throws -> [Double] {
      try self.losses(Trainer(plan(Distillation(weight: weight)), model: student, data: data, teacher: teacher))
    }
    #expect(try losses(data, 1) == losses(other, 1))
    #expect(try losses(data, 0.9) != losses(other, 0.9))
  }

  @Test func impossiblePlansAreRefusedInWords() throws {
    func expect(_ words: String, _ distillation: Distillation, smoothing: Double = 0) {
      #expect(throws: PlanError(words)) { try plan(distillation, smoothing: smoothing).validate() }
    }
    expect("a distillation temperature of 0.0 is impossible: give 0.001 to 1000000, e.g. 4", Distillation(temperature: 0))
    expect("a distillation temperature of nan is impossible: give 0.001 to 1000000, e.g. 4", Distillation(temperature: .nan))
    expect("a distillation weight of 0.0 is impossible: give a number above 0, up to 1", Distillation(weight: 0))
    expect("a distillation weight of 1.5 is impossible: give a number above 0, up to 1", Distillation(weight: 1.5))
    expect(
      "a label smoothing of 0.1 changes labels, which a distillation weight of 1 does not look at", Distillation(weight: 1), smoothing: 0.1)
    expect("a weight of features of 0.0 is impossible: give a number above 0, e.g. 1000", Distillation(features: 0))
    let data = try learnableData(side: 4, classes: 4)
    let model = try Model(perceptron(), seed: 3)
    #expect(throws: PlanError("a distillation needs a teacher")) { try Trainer(plan(Distillation()), model: model, data: data) }
    let other = try Model(Architecture.parse("mlp:16-8-5"), seed: 1)
    #expect(
      throws: PlanError(
        "the teacher takes 16 inputs and knows 5 classes, the network that is to learn from it 1×4×4 and 4")
    ) { try Trainer(plan(Distillation()), model: model, data: data, teacher: other) }
  }
}
