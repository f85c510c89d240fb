import Datasets
import Networks
import Pruning
import Testing
import Torch
import Training

@Suite struct L1PenaltyTests {
  private func step(_ strength: Double) throws -> (start: [Float], end: [Float], bias: [Float]) {
    try TorchRuntime.configure(threads: 1)
    var builder = NetworkBuilder("line", input: .image(channels: 1, height: 1, width: 2))
    builder.flatten()
    builder.linear("fc1", 2)
    let (name, bias) = (ParameterName("fc1", .weight), ParameterName("fc1", .bias))
    let start: [Float] = [0.5, -0.25, 0, 0.75]
    let model = try Model(
      network: builder.network(), tensors: [name: Tensor(start, shape: [2, 2]), bias: Tensor([0.5, -0.5] as [Float])])
    let image = try ExampleSet(bytes: [255, 0], labels: [0], channels: 1, height: 1, width: 2, classNames: ["a", "b"])
    let data = TrainingData(
      training: image, validation: nil, test: nil, normalization: Normalization(mean: [0.5], deviation: [0.5]),
      augmentation: Augmentation(padding: 0, mirrors: false))
    let plan = TrainingPlan(length: .iterations(1), batchSize: 1, optimizer: .sgd(momentum: 0), learningRate: .init(base: 0.5))
    let penalty = try L1Penalty(strength: strength)
    #expect(abs(try penalty.value(for: model) - 1.5 * strength) < 1e-12)
    // A penalty of 0 would leave the step to kernels that round differently.
    let trainer = try Trainer(plan, model: model, data: data, hooks: [penalty], kernels: .libtorch)
    try trainer.run()
    return (
      start, try trainer.model.tensor(name).detached().array(Float.self), try trainer.model.tensor(bias).detached().array(Float.self)
    )
  }

  @Test func theGradientGetsTheSign() throws {
    let (plain, penalized) = (try step(0), try step(0.25))
    // η·λ = 0.125 towards 0, nothing at 0 and nothing for biases.
    let pull: [Float] = [-0.125, 0.125, 0, -0.125]
    for i in 0..<4 { #expect(abs(penalized.end[i] - plain.end[i] - pull[i]) < 1e-6) }
    #expect(plain.end != plain.start)
    #expect(penalized.bias == plain.bias)
  }

  @Test func strengthsAreChecked() throws {
    #expect(throws: PlanError("an L1 penalty of -1.0 is impossible: give 0 or a positive number, e.g. 1e-5")) {
      try L1Penalty(strength: -1)
    }
    #expect(try L1Penalty(strength: 0).needsGradients == false)
    #expect(try L1Penalty(strength: 1e-5).needsGradients)
  }
}
