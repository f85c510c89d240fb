import Datasets
import Networks
import TestSupport
import Testing
import Torch
import Training

/// Factors by the formula that is given, and what became of them.
private final class Factors: WeightGates {
  let name = "factors"
  var needsGradients = false
  let gated: [ParameterName: FactorSharing]
  var value: (ParameterName, _ place: Int, _ step: Int) -> Double
  var gradients: [[ParameterName: [Double]]] = []

  init(_ gated: [ParameterName: FactorSharing], _ value: @escaping (ParameterName, Int, Int) -> Double) {
    self.gated = gated
    self.value = value
  }

  func draw(into factors: [ParameterName: Tensor], _ trainer: Trainer) throws {
    for (name, factor) in factors {
      let values = (0..<factor.count).map { value(name, $0, trainer.iteration) }
      try factor.copy(from: Tensor(values, shape: factor.shape))
    }
  }

  func didComputeGradients(of factors: [ParameterName: Tensor], _ trainer: Trainer) throws {
    gradients.append(try factors.mapValues { try $0.cast(to: .float64).array(Double.self) })
  }
}

@Suite struct WeightGatesTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private let first = ParameterName("fc1", .weight)
  private let second = ParameterName("fc2", .weight)

  private func plan(_ steps: Int, optimizer: OptimizerPlan = .sgd(momentum: 0), rate: Double = 0.1) -> TrainingPlan {
    TrainingPlan(
      length: .iterations(steps), batchSize: 8, optimizer: optimizer, learningRate: .init(base: rate), evaluateEvery: .iterations(1000),
      augment: false, seed: 5)
  }

  /// The loss of the first step with these factors, by a step that changes nothing to speak of.
  private func loss(_ model: Model, _ data: TrainingData, _ gates: Factors) throws -> Double {
    var loss = 0.0
    try Trainer(plan(1, rate: 1e-30), model: model, data: data, hooks: [gates]).run(report: { loss = $0.loss })
    return loss
  }

  /// A chain, and convolutions with batch norms whose factors of the linear layer are of single weights.
  @Test(arguments: [false, true]) func gradientsAreThoseOfFiniteDifferences(isConvolutional: Bool) throws {
    let network = try isConvolutional ? convolutional() : perceptron(dropout: 0)
    let data = try isConvolutional ? learnableData(channels: 3, side: 8, classes: 4) : learnableData(side: 4, classes: 4)
    let model = try Model(network, seed: 3).cast(to: .float64)
    let gated: [ParameterName: FactorSharing] =
      isConvolutional
      ? [ParameterName("conv2", .weight): .inputs, ParameterName("fc", .weight): .none] : [first: .inputs, second: .inputs]
    func factor(_ name: ParameterName, _ place: Int) -> Double { [0.3, 0, 1, 0.7, 0.9][(place + name.module.utf8.count) % 5] }
    let gates = Factors(gated) { name, place, _ in factor(name, place) }
    _ = try loss(model, data, gates)
    let found = try #require(gates.gradients.first)
    for (name, gradient) in found {
      for place in stride(from: 0, to: gradient.count, by: 7) {
        func moved(_ by: Double) throws -> Double {
          try loss(model, data, Factors(gated) { other, at, _ in factor(other, at) + (other == name && at == place ? by : 0) })
        }
        let expected = try (moved(1e-5) - moved(-1e-5)) / 2e-5
        #expect(abs(gradient[place] - expected) <= 1e-6 * max(1, abs(expected)), "\(name) \(place)")
      }
    }
    #expect(found.values.joined().contains { abs($0) > 1e-3 })
  }

  /// w moves by z·∂L/∂(w ⊙ z): SGD's step of a weight is that of finite differences.
  @Test func weightsMoveByTheirOwnGradient() throws {
    let (model, data) = (try Model(perceptron(dropout: 0), seed: 3).cast(to: .float64), try learnableData(side: 4, classes: 4))
    func gates() -> Factors { Factors([first: .inputs, second: .inputs]) { _, place, _ in [0.5, 0, 1.0][place % 3] } }
    let trainer = try Trainer(plan(1), model: model, data: data, hooks: [gates()])
    try trainer.run()
    for name in [first, second] {
      let (before, after) = (try model.tensor(name).array(Double.self), try trainer.model.tensor(name).detached().array(Double.self))
      for place in stride(from: 0, to: before.count, by: 11) {
        func moved(_ by: Double) throws -> Double {
          let other = try model.copied()
          var values = before
          values[place] += by
          try other.tensor(name).copy(from: Tensor(values, shape: other.tensor(name).shape))
          return try loss(other, data, gates())
        }
        let expected = try -0.1 * (moved(1e-5) - moved(-1e-5)) / 2e-5
        #expect(abs(after[place] - before[place] - expected) <= 1e-7, "\(name) \(place)")
      }
    }
  }

  /// Kernels of our own do what libtorch does, factors of 0 included.
  @Test(arguments: [OptimizerPlan.adam(), .sgd(momentum: 0.9, weightDecay: 1e-3, nesterov: true)])
  func ownKernelsGiveTheSame(optimizer: OptimizerPlan) throws {
    let (model, data) = (try Model(perceptron(dropout: 0), seed: 3), try learnableData(side: 4, classes: 4))
    func trained(_ kernels: TrainingKernels) throws -> (model: Model, gradients: [[ParameterName: [Double]]]) {
      let gates = Factors([first: .inputs, second: .inputs]) { _, place, step in [0.3, 0, 1, 0.6][(place * 7 + step) % 4] }
      let trainer = try Trainer(plan(12, optimizer: optimizer, rate: 0.01), model: model, data: data, hooks: [gates], kernels: kernels)
      #expect(trainer.usesOwnKernels == (kernels != .libtorch) && !trainer.usesSparseKernels)
      try trainer.run()
      return (trainer.model, gates.gradients)
    }
    let reference = try trained(.libtorch)
    for kernels in [TrainingKernels.dense, .automatic, .sparse] {
      let own = try trained(kernels)
      for (name, tensor) in reference.model.tensors {
        #expect(try (tensor.detached() - own.model.tensor(name).detached()).absolute().max().item() < 2e-5, "\(name)")
      }
      for (step, gradients) in reference.gradients.enumerated() {
        for (name, gradient) in gradients {
          for (place, expected) in gradient.enumerated() {
            // What a closed gate would do is not known to our kernels: it does not learn in this step.
            let isClosed = [0.3, 0, 1, 0.6][(place * 7 + step) % 4] == 0
            let found = own.gradients[step][name]?[place] ?? .nan
            #expect(isClosed ? found == 0 : abs(found - expected) < 2e-5, "\(name) \(place), step \(step)")
          }
        }
      }
    }
  }

  /// Products have no places that are 0 for good, and factors need the gradients of all.
  @Test func gatedConvolutionsAreLibtorchs() throws {
    var model = try Model(convolutional(), seed: 3)
    model.masks = try randomMasks(model, density: 0.3, seed: 4)
    let data = try learnableData(channels: 3, side: 8, classes: 4)
    for (hooks, expected) in [([], true), ([Factors([ParameterName("conv1", .weight): .inputs]) { _, _, _ in 1 }], false)] {
      #expect(try Trainer(plan(2), model: model, data: data, hooks: hooks, kernels: .sparse).usesSparseKernels == expected)
    }
  }

  @Test func anyNumberOfThreadsGivesTheSameBits() throws {
    let (model, data) = (try Model(perceptron(dropout: 0), seed: 3), try learnableData(side: 4, classes: 4))
    func bits(_ threads: Int) throws -> (Bits, [[ParameterName: [Double]]]) {
      try withThreads(threads) {
        let gates = Factors([first: .inputs, second: .inputs]) { _, place, step in [0.3, 0, 1, 0.6][(place * 7 + step) % 4] }
        let trainer = try Trainer(plan(9, rate: 0.01), model: model, data: data, hooks: [gates])
        try trainer.run()
        return (try Bits(trainer), gates.gradients)
      }
    }
    let (one, two) = (try bits(1), try bits(2))
    #expect(one.0.differences(from: two.0) == [] && one.1 == two.1)
    try TorchRuntime.configure(threads: 1)
  }
}
