import Datasets
import Networks
import Pruning
import Testing
import Torch
import Training

/// Scores in the place of weights, by hand and against autograd.
@Suite struct EdgePopupTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private let name = ParameterName("fc1", .weight)

  /// 16 → 12 → 4 with batch norm, biases and dropout, on images that can be learned.
  private func network() throws -> Network {
    var builder = NetworkBuilder("tiny", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("conv1", 3, kernel: 3, padding: 1)
    builder.batchNorm("bn1")
    builder.relu()
    builder.flatten()
    builder.linear("fc1", 12)
    builder.relu()
    builder.dropout(0.25)
    builder.linear("fc2", 2)
    return try builder.network()
  }

  private func data() throws -> TrainingData {
    let bytes = (0..<400).map { (i: Int) -> UInt8 in
      let shift = i / 16 % 2 * 90
      return UInt8((i * 37 + shift) % 251)
    }
    let images = try ExampleSet(
      bytes: bytes, labels: (0..<25).map { $0 % 2 }, channels: 1, height: 4, width: 4,
      classNames: ["even", "odd"])
    return TrainingData(
      training: images, validation: images, test: nil, normalization: Normalization(mean: [0.5], deviation: [0.25]),
      augmentation: Augmentation(padding: 0, mirrors: false))
  }

  private func plan(_ steps: Int = 12, momentum: Double = 0.5, weightDecay: Double = 1e-2, nesterov: Bool = false) -> TrainingPlan {
    TrainingPlan(
      length: .iterations(steps), batchSize: 8, optimizer: .sgd(momentum: momentum, weightDecay: weightDecay, nesterov: nesterov),
      learningRate: .init(base: 0.25, decay: .cosine), evaluateEvery: .iterations(4), augment: false, seed: 5)
  }

  private func model() throws -> Model { try Model(network(), initialization: .signedKaiming, seed: 4) }

  private func scores(_ sparsity: Double, _ model: Model) throws -> EdgePopup { try EdgePopup(sparsity: sparsity, model: model, seed: 2) }

  @Test(arguments: [false, true]) func aStepIsWhatTheFormulaSays(nesterov: Bool) throws {
    // One linear layer 2 → 2 on one image; scores and gradients from the same numbers by hand.
    var builder = NetworkBuilder("line", input: .image(channels: 1, height: 1, width: 2))
    builder.flatten()
    builder.linear("fc1", 2)
    let network = try builder.network()
    let weights = try Tensor([0.5, -0.5, -0.5, 0.5] as [Float], shape: [2, 2])
    let model = try Model(network: network, tensors: [name: weights, ParameterName("fc1", .bias): .zeros([2])])
    let popup = try EdgePopup(sparsity: 0.5, model: model, seed: 1)
    try popup.restore([
      "score.fc1.weight": Tensor([0.5, -0.25, 0.125, -0.75] as [Float], shape: [2, 2]),
      "velocity.fc1.weight": Tensor([0.25, 0, 0, -0.5] as [Float], shape: [2, 2]), "weight.fc1.weight": weights,
    ])
    let masked = try popup.masked(model)
    #expect(try masked.tensor(name).array(Float.self) == [0.5, 0, 0, 0.5])
    // Bytes 255 and 0 become 1 and −1 after normalisation.
    let image = try ExampleSet(bytes: [255, 0], labels: [0], channels: 1, height: 1, width: 2, classNames: ["a", "b"])
    let data = TrainingData(
      training: image, validation: nil, test: nil, normalization: Normalization(mean: [0.5], deviation: [0.5]),
      augmentation: Augmentation(padding: 0, mirrors: false))
    let plan = TrainingPlan(
      length: .iterations(1), batchSize: 1, optimizer: .sgd(momentum: 0.5, weightDecay: 0.125, nesterov: nesterov),
      learningRate: .init(base: 1))
    let trainer = try Trainer(plan, model: masked, data: data, hooks: [popup])
    try trainer.run()
    // Logits 0.5 and −0.5: p = 1/(1 + e) for class 1, dL/dlogit = (−p, p); ∂L/∂w_eff = dL/dlogit · x = (−p, p; p, −p).
    let p: Float = 0.26894143
    // w ⊙ sign(s): (0.5, −0.5·−1, −0.5, 0.5·−1) times (−p, p, p, −p).
    let expected: [Float] = [-p * 0.5, p * 0.5, -p * 0.5, p * 0.5]
    let scores: [Float] = [0.5, -0.25, 0.125, -0.75]
    let velocity: [Float] = [0.25, 0, 0, -0.5]
    let direction = scores.indices.map { expected[$0] + 0.125 * scores[$0] }
    let moved = scores.indices.map { 0.5 * velocity[$0] + direction[$0] }
    let after = scores.indices.map { scores[$0] - (nesterov ? direction[$0] + 0.5 * moved[$0] : moved[$0]) }
    for (value, wanted) in zip(try #require(popup.velocities[name]).array(Float.self), moved) { #expect(abs(value - wanted) < 1e-6) }
    for (value, wanted) in zip(try #require(popup.scores[name]).array(Float.self), after) { #expect(abs(value - wanted) < 1e-6) }
    // s = (0.446, −0.353, 0.244, −0.541) without Nesterov's step: the same two stay; in and out are the random weights and exact zeros.
    #expect(try trainer.model.tensor(name).detached().array(Float.self) == [0.5, 0, 0, 0.5])
  }

  @Test func aScoreThatGrowsBringsItsWeightBack() throws {
    let model = try model()
    let popup = try scores(0.5, model)
    let start = try popup.masked(model)
    let trainer = try Trainer(plan(30), model: start, data: data(), hooks: [popup])
    try trainer.run()
    var exchanged = 0
    for name in popup.names {
      let (before, after) = (try #require(start.masks[name]).array(Bool.self), try #require(trainer.model.masks[name]).array(Bool.self))
      exchanged += zip(before, after).count { !$0 && $1 }
    }
    #expect(exchanged > 0)
    let losses = trainer.log.evaluations.compactMap { $0.validation?.loss }
    #expect(try #require(losses.last) < #require(losses.first))
  }

  @Test func straightThroughIsTheGradientOfAnIdentityInTheSize() throws {
    // w_eff = w ⊙ (m + |s| − stop(|s|)) has the same value and lets autograd through to s.
    let model = try model().cast(to: .float64)
    let popup = try EdgePopup(sparsity: 0.4, model: model, seed: 3)
    let mask = try #require(popup.masks()[name])
    let (score, weight) = (try #require(popup.scores[name]).copied(), try #require(popup.weights[name]))
    try score.requireGradient()
    let size = try score.absolute()
    let effective = try weight * (mask.cast(to: .float64) + size - size.detached())
    let input = try Tensor.normal([5, 48], type: .float64, generator: Generator(seed: 8))
    let loss = try (input.matmul(effective.transposed())).tanh().squared().sum()
    let found = try #require(Tensor.gradients(of: [loss], by: [score])[0])
    let live = try mask.select(weight, else: weight.zerosLike())
    try live.requireGradient()
    let direct = try #require(Tensor.gradients(of: [(input.matmul(live.transposed())).tanh().squared().sum()], by: [live])[0])
    let ours = try direct * weight * score.detached().sign()
    #expect(try (found - ours).absolute().max().item() < 1e-12)
    #expect(try ours.absolute().max().item() > 0.1)
  }

  @Test(arguments: [0.0, 0.3, 0.5, 0.9]) func theCountIsExactInEveryLayerFromTheFirstStep(sparsity: Double) throws {
    let model = try model()
    let popup = try scores(sparsity, model)
    let trainer = try Trainer(plan(6), model: popup.masked(model), data: data(), hooks: [popup])
    func check(_ model: Model) throws {
      for layer in try MaskSet(model).layers {
        #expect(layer.kept == layer.prunable - Rounding.round.count(sparsity, of: layer.prunable), "\(layer.name)")
        let weight = ParameterName(layer.name, .weight)
        #expect(try model.tensor(weight).detached().nonZeroCount() == layer.kept)
      }
    }
    try check(trainer.model)
    try trainer.run { try check($0.model) }
  }

  @Test func ofEqualScoresTheLowerIndexIsOut() throws {
    let network = try TinyNetworks.mlp([3, 2], bias: false)
    let model = try Model(network, initialization: .signedKaiming, seed: 1)
    let popup = try EdgePopup(sparsity: 0.5, model: model, seed: 1)
    try popup.restore([
      "score.fc1.weight": Tensor([0.5, -0.5, 0.5, -0.5, 0.5, 1] as [Float], shape: [2, 3]), "velocity.fc1.weight": .zeros([2, 3]),
      "weight.fc1.weight": model.tensor(name),
    ])
    #expect(try #require(popup.masks()[name]).array(Bool.self) == [false, false, false, true, true, true])
  }

  @Test func nothingButScoresMoves() throws {
    let initial = try Model(network(), initialization: .pytorch, seed: 4)
    let popup = try scores(0.5, initial)
    let trainer = try Trainer(plan(), model: popup.masked(initial), data: data(), hooks: [popup])
    try trainer.run()
    #expect(try trainer.model.countOfRandomWeights(from: initial) == 27 - 14 + 288 + 12)
    #expect(try trainer.model.tensor(ParameterName("fc1", .bias)).detached().nonZeroCount() == 0)
    #expect(try trainer.model.tensor(ParameterName("bn1", .weight)).detached().array(Float.self) == [1, 1, 1])
    for moments in try trainer.state().optimizer.moments.values { for moment in moments { #expect(try moment.nonZeroCount() == 0) } }
    let broken = try trainer.model.copied()
    try broken.tensor(name).fill(0.25)
    #expect(
      throws: PruningError.mismatch("fc1.weight is not what it was at the start, though nothing but scores should have been trained")
    ) { try broken.countOfRandomWeights(from: initial) }
  }

  private struct Stopped: Error {}

  private struct Bits: Equatable {
    var tensors: [String: [UInt8]] = [:]
    var hook: [String: [UInt8]] = [:]
    init(_ trainer: Trainer) throws {
      for (name, tensor) in trainer.model.tensors { tensors["\(name)"] = try tensor.detached().bytes() }
      for (name, mask) in trainer.model.masks { tensors["mask \(name)"] = try mask.bytes() }
      for (name, tensor) in try trainer.state().hooks["edge-popup"] ?? [:] { hook[name] = try tensor.bytes() }
    }
  }

  @Test(arguments: [false, true]) func resumedAtAnyStepItEndsWithTheSameBits(nesterov: Bool) throws {
    let (model, plan, data) = (try model(), plan(8, nesterov: nesterov), try data())
    let popup = try scores(0.5, model)
    let whole = try Trainer(plan, model: popup.masked(model), data: data, hooks: [popup])
    try whole.run()
    let bits = try Bits(whole)
    for step in 1...7 {
      let first = try scores(0.5, model)
      let trainer = try Trainer(plan, model: first.masked(model), data: data, hooks: [first])
      #expect(throws: Stopped.self) { try trainer.run { if $0.iteration == step { throw Stopped() } } }
      // Other scores, that the state must replace.
      let second = try EdgePopup(sparsity: 0.5, model: trainer.model, seed: 99)
      let resumed = try Trainer(plan, model: trainer.model, data: data, hooks: [second], state: trainer.state())
      try resumed.run()
      #expect(try Bits(resumed) == bits, "resumed after step \(step)")
    }
  }

  @Test func saysWhatIsWrong() throws {
    let model = try model()
    #expect(throws: PruningError.fraction(option: "--sparsity", given: "1.0")) { try scores(1, model) }
    let popup = try EdgePopup(sparsity: 0.5, model: model, seed: 2)
    #expect(throws: RecordError("it lacks edge-popup's score of conv1.weight")) { try popup.restore([:]) }
    for wrong in [try Tensor.zeros([3]), try .zeros([2, 12], type: .float64)] {
      var state = try popup.state()
      state["velocity.fc2.weight"] = wrong
      #expect(throws: RecordError("its velocity of fc2.weight for edge-popup is not a float32 tensor of shape [2, 12]")) {
        try popup.restore(state)
      }
    }
    var state = try popup.state()
    state["score.fc9.weight"] = try .zeros([3])
    #expect(throws: RecordError("it has tensors for edge-popup that belong to no layer")) { try popup.restore(state) }
    var adam = plan()
    adam.optimizer = .adam()
    let trainer = try Trainer(adam, model: popup.masked(model), data: data(), hooks: [popup])
    #expect(throws: PlanError("edge-popup trains its scores with sgd: give --optimizer sgd")) { try trainer.run() }
    func pruning(_ granularity: Granularity, _ amount: PruningPlan.Amount) -> PruningPlan {
      PruningPlan(criterion: .magnitude, granularity: granularity, allocation: .layer, amount: amount, timing: .everyStep)
    }
    #expect(throws: PlanError("--method edge-popup chooses among single weights: --granularity unit does not go with it")) {
      try pruning(.unit, .total(0.5)).validate()
    }
    #expect(throws: PlanError("--method edge-popup uses one density from the first step on: give --sparsity, e.g. --sparsity 0.5")) {
      try pruning(.weight, .perEvent(0.5)).validate()
    }
    #expect(pruning(.weight, .total(0.5)).words == "weights by trained scores, 50 % of each layer in all, chosen anew at every step")
  }
}
