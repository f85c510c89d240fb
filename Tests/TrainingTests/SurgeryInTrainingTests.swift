import Datasets
import Networks
import Testing
import Torch
import Training

/// input 2×1×2 → flatten → fc1 4→3 → relu → fc2 3→2.
private func network() throws -> Network {
  var builder = NetworkBuilder("hand", input: .image(channels: 2, height: 1, width: 2))
  builder.flatten()
  builder.linear("fc1", 3)
  builder.relu()
  builder.linear("fc2", 2)
  return try builder.network()
}

private let names = (
  weight1: ParameterName("fc1", .weight), bias1: ParameterName("fc1", .bias), weight2: ParameterName("fc2", .weight),
  bias2: ParameterName("fc2", .bias)
)

private func numbers(_ from: Int, _ shape: [Int]) throws -> Tensor {
  try Tensor((from..<(from + shape.reduce(1, *))).map(Float.init), shape: shape)
}

/// The first moments count from 1, 21, 31, 41, the second ones lie 100 higher.
private func moments() throws -> [ParameterName: [Tensor]] {
  var result: [ParameterName: [Tensor]] = [:]
  for (name, first, shape) in [(names.weight1, 1, [3, 4]), (names.bias1, 21, [3]), (names.weight2, 31, [2, 3]), (names.bias2, 41, [2])] {
    result[name] = [try numbers(first, shape), try numbers(first + 100, shape)]
  }
  return result
}

@Suite struct SurgeryInTrainingTests {
  private let expected: [ParameterName: [Float]] = [
    names.weight1: [1, 2, 3, 4, 9, 10, 11, 12], names.bias1: [21, 23], names.weight2: [31, 33, 34, 36], names.bias2: [41, 42],
  ]

  @Test func momentsAreCutLikeTheWeights() throws {
    let (smaller, slices) = try network().removing(["fc1": [1]])
    let state = try Optimizer.State(stepCount: 9, moments: moments()).cut(by: slices)
    #expect(state.stepCount == 9)
    #expect(Set(state.moments.keys) == Set(expected.keys))
    for (name, first) in expected {
      #expect(try state.moments[name]?.map { try $0.array(Float.self) } == [first, first.map { $0 + 100 }], "\(name)")
    }
    #expect(try state.moments[names.weight1]?[0].shape == smaller.parameterShapes()[0].dimensions)
  }

  @Test func noSlicesAndNoMomentsAreFine() throws {
    let state = try Optimizer.State(stepCount: 2, moments: moments()).cut(by: [])
    #expect(try state.moments[names.bias2]?[1].array(Float.self) == [141, 142])
    let (_, slices) = try network().removing(["fc1": [0]])
    #expect(try Optimizer.State(stepCount: 0, moments: [:]).cut(by: slices).moments.isEmpty)
  }

  @Test func theTrainerGoesOnWithCutWeightsMomentsAndMasks() throws {
    try withThreads {
      let weights: [ParameterName: Tensor] = [
        names.weight1: try numbers(1, [3, 4]), names.bias1: try numbers(21, [3]), names.weight2: try numbers(31, [2, 3]),
        names.bias2: try numbers(41, [2]),
      ]
      let mask = try Tensor([true, true, true, true, false, false, true, true, true, true, false, true], shape: [3, 4])
      let model = try Model(network: network(), tensors: weights, masks: [names.weight1: mask])
      let plan = TrainingPlan(length: .iterations(1), batchSize: 2, learningRate: .init(base: 0.01))
      let data = TrainingData(
        training: try ExampleSet(
          bytes: Array(0..<8), labels: [0, 1], channels: 2, height: 1, width: 2, classNames: ["a", "b"]), validation: nil, test: nil,
        normalization: .none(channels: 2))
      let state = Trainer.State(
        iteration: 0, log: TrainingLog(), optimizer: .init(stepCount: 9, moments: try moments()), dropout: try Generator(seed: 1).state(),
        hooks: [:])
      let trainer = try Trainer(plan, model: model, data: data, state: state)
      let (smaller, slices) = try network().removing(["fc1": [1]])
      try trainer.replaceModel(trainer.model.cut(to: smaller, slices: slices), slices: slices)

      var held = expected
      held[names.weight1] = [1, 2, 3, 4, 9, 10, 0, 12]
      let after = try trainer.state().optimizer
      #expect(after.stepCount == 9)
      for (name, first) in held {
        #expect(try trainer.model.tensor(name).detached().array(Float.self) == first, "\(name)")
        let second = first.map { $0 == 0 ? 0 : $0 + 100 }
        #expect(try after.moments[name]?.map { try $0.array(Float.self) } == [first, second], "\(name)")
      }
      #expect(try trainer.model.masks[names.weight1]?.array(Bool.self) == [true, true, true, true, true, true, false, true])
      #expect(trainer.model.network.nodes.count == 5)
      try trainer.run()
      #expect(try trainer.model.tensor(names.weight1).detached().array(Float.self)[6] == 0)
      #expect(try trainer.model.tensor(names.weight1).detached().array(Float.self)[0] != 1)
    }
  }

  @Test func slicesThatDoNotFitLeaveTheTrainerAsItWas() throws {
    try withThreads {
      let trainer = try Course.perceptron.trainer()
      let before = try Bits(trainer)
      let (smaller, slices) = try trainer.model.network.removing(["fc1": [0]])
      let cut = try trainer.model.cut(to: smaller, slices: slices)
      #expect(throws: PlanError("a stored moment of fc1.weight has shape [12, 16], not [11, 16]")) {
        try trainer.replaceModel(cut, slices: [])
      }
      #expect(try Bits(trainer).differences(from: before) == [])
      try trainer.run()
      #expect(try Bits(trainer).differences(from: Course.perceptron.end()) == [])
    }
  }

  @Test func aSurgeryWithoutALossGoesOnLikeTheMaskedNetwork() throws {
    try withThreads {
      // A unit whose weights and moments are held at 0 computes nothing: with it or without it training is the same up to rounding.
      var model = try Model(perceptron(dropout: 0), seed: 2)
      let (smaller, slices) = try model.network.removing(["fc1": [4]])
      let unit: [(ParameterName, [Int], (Int) -> Bool)] = [
        (ParameterName("fc1", .weight), [12, 16], { $0 / 16 != 4 }), (ParameterName("fc1", .bias), [12], { $0 != 4 }),
        (ParameterName("fc2", .weight), [4, 12], { $0 % 12 != 4 }),
      ]
      for (name, shape, kept) in unit { model.masks[name] = try Tensor((0..<shape.reduce(1, *)).map(kept), shape: shape) }
      try model.applyMasks()
      var plan = Course.perceptron.plan()
      plan.length = .epochs(2)
      func trained(cutAt step: Int?) throws -> Trainer {
        let cutter = Watcher()
        cutter.onFinish = { trainer in
          guard trainer.iteration == step else { return }
          try trainer.replaceModel(trainer.model.cut(to: smaller, slices: slices), slices: slices)
        }
        let trainer = try Trainer(plan, model: model, data: Course.perceptron.data(), hooks: [cutter])
        try trainer.run()
        return trainer
      }
      let masked = try trained(cutAt: nil)
      let cut = try trained(cutAt: 6)
      let expected = try slices.applied(to: masked.model.tensors)
      #expect(cut.model.network == smaller)
      for (name, tensor) in cut.model.tensors {
        let difference = try (tensor.detached() - #require(expected[name]).detached()).absolute().max().item()
        #expect(difference < 1e-4, "\(name)")
      }
    }
  }
}
