import Datasets
import Networks
import Pruning
import Testing
import Torch
import Training

/// A pruner as the hook of a trainer.
@Suite struct PruningInTrainingTests {
  private func trainer(_ pruner: Pruner, _ network: Network) throws -> Trainer {
    let images = try ExampleSet(
      bytes: (0..<96).map { UInt8($0 * 37 % 251) }, labels: (0..<24).map { $0 % 2 }, channels: 1, height: 2, width: 2,
      classNames: ["even", "odd"])
    let plan = TrainingPlan(
      length: .epochs(3), batchSize: 8, optimizer: .sgd(momentum: 0), learningRate: .init(base: 0.125), evaluateEvery: .iterations(2),
      augment: false)
    let data = TrainingData(
      training: images, validation: images, test: nil, normalization: Normalization(mean: [0.5], deviation: [0.25]),
      augmentation: Augmentation(padding: 0, mirrors: false))
    return try Trainer(plan, model: Model(network, seed: 4), data: data, hooks: [pruner])
  }

  private func network() throws -> Network {
    var builder = NetworkBuilder("tiny", input: .image(channels: 1, height: 2, width: 2))
    builder.flatten()
    builder.linear("fc1", 6)
    builder.relu()
    builder.linear("fc2", 2)
    return try builder.network()
  }

  private func pruner(_ network: Network, every: Int) throws -> Pruner {
    try Pruner(
      PruningPlan(
        criterion: .magnitude, granularity: .weight, scope: .global, amount: .perEvent(0.25), timing: .during(every: .iterations(every)),
        seed: 1), original: network)
  }

  @Test func eventsCarryTheLossBeforeAndAfter() throws {
    try TorchRuntime.configure(threads: 1)
    let network = try network()
    let pruner = try pruner(network, every: 4)
    var events: [PruningEvent] = []
    pruner.didPrune = { event, _ in events.append(event) }
    let trainer = try trainer(pruner, network)
    try trainer.run()
    #expect(events.map(\.iteration) == [4, 8])
    // A quarter of 36, then of 27.
    #expect(events.map(\.removed) == [9, 7])
    for event in events {
      let before = try #require(event.before)
      #expect(before == trainer.log.evaluations.first { $0.iteration == event.iteration }?.validation)
      #expect(event.after?.loss.isFinite == true && event.after != before)
    }
  }

  /// At step 4 the validation set was just seen by the trainer, at step 3 the pruner looks first itself.
  @Test(arguments: [3, 4]) func aModelThatIsBrokenAfterAnEventStopsTheTraining(every: Int) throws {
    try TorchRuntime.configure(threads: 1)
    let network = try network()
    let pruner = try pruner(network, every: every)
    pruner.willPrune = { try $0.model.tensor(ParameterName("fc2", .bias)).detached().fill(.nan) }
    var events = 0
    pruner.didPrune = { _, _ in events += 1 }
    let trainer = try trainer(pruner, network)
    #expect(throws: TrainingError.nonFiniteLoss(iteration: every, learningRate: 0.125)) { try trainer.run() }
    #expect(trainer.iteration == every && events == 0)
  }
}
