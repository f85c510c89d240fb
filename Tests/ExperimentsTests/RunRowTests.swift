import Datasets
import Foundation
import Networks
import Pruning
import Results
import TestSupport
import Testing
import Torch
import Training

@testable import Experiments

/// Every number of a row, against counts by hand and against the same models trained and evaluated apart from the run.
@Suite(.serialized) struct RunRowTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  // 300 of the digits: 5 steps of 60 an epoch.
  private let source = DataPlan(dataset: "digits", subset: 300, seed: 3)

  private func plan(_ epochs: Int, rate: Double = 2e-3) -> TrainingPlan {
    TrainingPlan(length: .epochs(epochs), batchSize: 60, learningRate: LearningRateSchedule(base: rate), seed: 3)
  }

  private func experiment(
    _ pruning: PruningPlan?, start: Experiment.Start = .network("mlp:64-20-10", weights: nil), training: TrainingPlan?,
    recovery: TrainingPlan? = nil
  ) -> Experiment {
    Experiment(start: start, data: source, training: training, pruning: pruning, recovery: recovery)
  }

  private func weights(_ timing: PruningPlan.Timing, _ sparsity: Double) -> PruningPlan {
    PruningPlan(
      criterion: .magnitude, granularity: .weight, allocation: .global, amount: .total(sparsity), timing: timing, compact: false, seed: 3)
  }

  private func units(_ timing: PruningPlan.Timing, _ amount: PruningPlan.Amount = .perEvent(0.5)) -> PruningPlan {
    PruningPlan(criterion: .l2, granularity: .unit, allocation: .layer, amount: amount, timing: timing, seed: 3)
  }

  private func run(_ experiment: Experiment, proves: Bool = true) throws -> (runner: Runner, row: RunRecord) {
    let runner = try Runner(experiment, options: .init(proves: proves))
    try runner.run()
    return (runner, try runner.row(command: ["espalier", "prune"], version: "test", file: nil, latencyBatches: [2]))
  }

  /// Of few weights that are left nearly all belong to dead units, and with them weights of a layer that was left alone, which count there.
  @Test func deadWeightsAreAmongThoseLeft() throws {
    var plan = weights(.rounds(1, recovery: .epochs(0)), 0.99)
    (plan.compact, plan.ignored) = (true, ["fc3"])
    let row = try run(experiment(plan, start: .network("mlp:64-30-30-10", weights: nil), training: nil)).row
    let found = try #require(row.weights)
    // 64·30 + 30·30 = 2,820 weights, of which 2,792 leave; 300 are left alone.
    #expect(found.left == 28 && (1...28).contains(found.dead ?? 0) && (found.ignored ?? 0) < 300, "\(found)")
    #expect(found.left - (found.dead ?? 0) + (found.ignored ?? 0) == row.pruned?.nonZeroWeights, "\(found)")
  }

  /// The test set's verdict on a model.
  private func accuracy(of model: Model, iteration: Int?) throws -> Accuracy {
    let data = try source.load()
    let test = try model.evaluate(data.evaluationBatches(#require(data.test), channelsLast: false))
    return Accuracy(correct: test.correct, count: 360, loss: test.loss, iteration: iteration)
  }

  /// That of the dense network after so many epochs.
  private func denseAccuracy(epochs: Int) throws -> Accuracy {
    let runner = try Runner(experiment(nil, training: plan(epochs)))
    try runner.run()
    return try accuracy(of: runner.model, iteration: 5 * epochs)
  }

  /// The test accuracy at the least validation loss, the first of equal ones.
  private func chosen(_ evaluations: [EvaluationRecord]) -> Accuracy? {
    var best: EvaluationRecord?
    for record in evaluations where record.validation?.loss ?? .infinity < best?.validation?.loss ?? .infinity { best = record }
    return best.flatMap { best in
      best.test.map { Accuracy(correct: $0.correct, count: $0.count, loss: $0.loss, iteration: best.iteration) }
    }
  }

  private func expectEqual(_ found: Accuracy?, _ expected: Accuracy?, _ location: SourceLocation = #_sourceLocation) {
    #expect(found?.correct == expected?.correct && found?.count == expected?.count, sourceLocation: location)
    #expect(found?.iteration == expected?.iteration, sourceLocation: location)
    // Trainings of few weights evaluate by other kernels.
    #expect(abs((found?.loss ?? 0) - (expected?.loss ?? 0)) < 1e-5, sourceLocation: location)
  }

  /// 64·20 + 20·10 = 1,480 weights, 30 biases.
  private func expectDense(_ artefact: Artefact, _ location: SourceLocation = #_sourceLocation) throws {
    #expect(artefact.parameters == 1510 && artefact.prunableWeights == 1480 && artefact.nonZeroWeights == 1480, sourceLocation: location)
    #expect(artefact.macs == 1480 && artefact.effectiveMACs == 1480 && artefact.tensorBytes == 6040, sourceLocation: location)
    #expect(
      artefact.units == 20 && artefact.outputs == 30 && artefact.widths == [.init(layer: "fc1", units: 20), .init(layer: "fc2", units: 10)])
    #expect((6040...16_000).contains(try #require(artefact.fileBytes)), "tensors and a header")
    #expect(artefact.latency.map(\.batch) == [2], sourceLocation: location)
    #expect(artefact.latency.allSatisfy { (6...15).contains($0.time.count) && $0.time.interval != nil }, sourceLocation: location)
  }

  private func expectCommon(_ row: RunRecord, _ runner: Runner, steps: Int, _ location: SourceLocation = #_sourceLocation) {
    #expect(row.network == "mlp:64-20-10" && row.seed == 3 && row.command == ["espalier", "prune"], sourceLocation: location)
    #expect(row.tool == Tool(version: "test", libtorch: TorchRuntime.version) && row.machine.threads == 1, sourceLocation: location)
    #expect(row.method == runner.experiment.pruning?.words, sourceLocation: location)
    if let pruned = row.pruned {
      #expect(row.dense.latency.map(\.time.count) == pruned.latency.map(\.time.count), sourceLocation: location)
    }
    #expect(
      row.data == DataSummary(name: "digits", training: 300, subsetOf: 1437, validation: 75, test: 360), sourceLocation: location)
    #expect(row.steps == steps && row.trainingSeconds == runner.state.seconds && row.peakMemory > 0, sourceLocation: location)
    // One an epoch of five steps, counted on through all trainings.
    let evaluations = row.evaluations ?? []
    #expect(evaluations.map(\.step) == (1...steps / 5).map { 5 * $0 }, sourceLocation: location)
    let told = runner.state.trainings.enumerated().flatMap { number, training in
      training.evaluations.compactMap { record in record.validation.map { (number, $0.accuracy, $0.loss) } }
    }
    #expect(evaluations.map(\.training) == told.map(\.0), sourceLocation: location)
    #expect(evaluations.map(\.accuracy) == told.map(\.1) && evaluations.map(\.loss) == told.map(\.2), sourceLocation: location)
  }

  @Test func aTrainingAlone() throws {
    let (runner, row) = try run(experiment(nil, training: plan(3)))
    expectCommon(row, runner, steps: 15)
    try expectDense(row.dense)
    expectEqual(row.dense.accuracyAtEnd, try accuracy(of: runner.model, iteration: 15))
    expectEqual(row.dense.accuracyChosen, chosen(runner.state.trainings[0].evaluations))
    #expect(row.pruned == nil && row.weights == nil && row.units == nil && row.layers == nil && row.notes == nil && row.targets.isEmpty)
    #expect(row.dense.epoch == Measurement(runner.state.trainings[0].epochSeconds, unit: .seconds) && row.dense.epoch?.count == 3)
  }

  @Test func weightsInRounds() throws {
    let (runner, row) = try run(
      experiment(weights(.rounds(2, recovery: .epochs(2)), 0.5), training: plan(3), recovery: plan(2, rate: 1e-3)))
    expectCommon(row, runner, steps: 15 + 10 + 10)
    try expectDense(row.dense)
    let after = try #require(row.pruned)
    #expect(after.parameters == 1510 && after.prunableWeights == 1480 && after.nonZeroWeights == 740)
    #expect(after.macs == 1480 && after.effectiveMACs == 740 && after.tensorBytes == 6040 && after.units == 20 && after.outputs == 30)
    #expect(row.weights == Removal(asked: 0.5, removed: 740, of: 1480) && row.units == nil)
    #expect(row.layers?.map(\.total) == [1280, 200] && row.layers?.reduce(0) { $0 + $1.kept } == 740)
    let (dense, pruned) = (try denseAccuracy(epochs: 3), try accuracy(of: runner.model, iteration: 10))
    #expect(dense.loss != pruned.loss, "else nothing tells one from the other")
    expectEqual(row.dense.accuracyAtEnd, dense)
    expectEqual(row.pruned?.accuracyAtEnd, pruned)
    let trainings = runner.state.trainings
    #expect(trainings.map(\.phase) == ["training", "round 1/2", "round 2/2"])
    expectEqual(row.dense.accuracyChosen, chosen(trainings[0].evaluations))
    expectEqual(row.pruned?.accuracyChosen, chosen(trainings[2].evaluations))
    #expect(row.dense.epoch == Measurement(trainings[0].epochSeconds, unit: .seconds) && row.dense.epoch?.count == 3)
    #expect(row.pruned?.epoch == Measurement(trainings[2].epochSeconds, unit: .seconds) && row.pruned?.epoch?.count == 2)
    // Validation images judge each removal, test images the last.
    #expect(runner.state.events.allSatisfy { $0.before?.count == 75 && $0.after?.count == 75 })
    #expect(row.stages.map { "\($0.removal) \($0.stage)" } == ["2 pruned"])
    #expect(row.stages[0].accuracy.correct == runner.state.verdicts[0].test.correct && row.stages[0].accuracy.count == 360)
    #expect(row.notes == [RunNote(subject: "recovery", words: "at a learning rate of 0.001, 0.50× that before")])
    #expect(row.proof == nil && row.unprovedSurgeries == nil && row.collapse == nil && row.regrowth == nil)
  }

  /// The second removal hurts, so that the best evaluation of all lies between the two: neither network may be told to have it.
  @Test func unitsDuringTraining() throws {
    let (runner, row) = try run(experiment(units(.during(every: .epochs(2))), training: plan(5, rate: 5e-3)))
    expectCommon(row, runner, steps: 25)
    try expectDense(row.dense)
    #expect(runner.state.events.map(\.iteration) == [10, 20])
    let evaluations = runner.state.trainings[0].evaluations
    #expect(chosen(evaluations)?.iteration == 20, "\(evaluations.map { $0.validation?.loss ?? 0 })")
    expectEqual(row.dense.accuracyChosen, chosen(Array(evaluations[..<2])))
    expectEqual(row.pruned?.accuracyChosen, chosen(Array(evaluations[4...])))
    let before = try Runner(experiment(nil, training: plan(2, rate: 5e-3)))
    try before.run()
    expectEqual(row.dense.accuracyAtEnd, try accuracy(of: before.model, iteration: 10))
    expectEqual(row.pruned?.accuracyAtEnd, try accuracy(of: runner.model, iteration: 25))
    // 20 → 10 → 5 units: 5·64 + 10·5 = 370 weights, 15 biases.
    let after = try #require(row.pruned)
    #expect(after.parameters == 385 && after.prunableWeights == 370 && after.nonZeroWeights == 370 && after.tensorBytes == 1540)
    #expect(after.macs == 370 && after.effectiveMACs == 370 && after.units == 5 && after.outputs == 15)
    #expect(row.units == Removal(asked: 0.75, askedCount: 15, removed: 15, of: 20) && row.weights == nil && row.layers == nil)
    let proofs = runner.state.events.compactMap(\.proof)
    #expect(Set(proofs).count == 2, "else the smallest is the largest")
    #expect(row.proof == Proof(surgeries: 2, largestRelativeDifference: max(proofs[0], proofs[1])) && row.unprovedSurgeries == nil)
    #expect(row.removals?.map(\.surgerySeconds) == runner.state.events.map(\.surgerySeconds) && row.surgerySeconds != nil)
    let seconds = runner.state.trainings[0].epochSeconds
    #expect(seconds.count == 5)
    #expect(row.dense.epoch == Measurement(Array(seconds[..<2]), unit: .seconds))
    #expect(row.pruned?.epoch == Measurement(Array(seconds[3...]), unit: .seconds))
  }

  @Test func weightsAtStart() throws {
    let (runner, row) = try run(experiment(weights(.atStart(rounds: 3), 0.9), training: plan(3)))
    expectCommon(row, runner, steps: 15)
    try expectDense(row.dense)
    #expect(row.weights == Removal(asked: 0.9, removed: 1332, of: 1480) && row.pruned?.nonZeroWeights == 148)
    #expect(runner.state.events.map(\.removed) == [1332], "all removals are one")
    #expect(row.pruned?.effectiveMACs == 148 && row.pruned?.macs == 1480)
    #expect(row.dense.accuracyAtEnd == nil && row.dense.accuracyChosen == nil && row.dense.epoch == nil, "untrained weights say nothing")
    expectEqual(row.pruned?.accuracyAtEnd, try accuracy(of: runner.model, iteration: 15))
    expectEqual(row.pruned?.accuracyChosen, chosen(runner.state.trainings[0].evaluations))
    #expect(row.pruned?.epoch == Measurement(runner.state.trainings[0].epochSeconds, unit: .seconds))
  }

  @Test func aGivenModelAtStart() throws {
    let folder = try TemporaryDirectory()
    let given = try Runner(experiment(nil, training: plan(2)))
    try given.run()
    let path = folder.file("given.safetensors")
    try given.file().write(to: path)
    let (runner, row) = try run(experiment(weights(.atStart(rounds: 1), 0.9), start: .file(path), training: plan(1)))
    #expect(row.steps == 5)
    let (dense, pruned) = (try accuracy(of: given.model, iteration: nil), try accuracy(of: runner.model, iteration: 5))
    #expect(dense.loss != pruned.loss)
    expectEqual(row.dense.accuracyAtEnd, dense)
    expectEqual(row.pruned?.accuracyAtEnd, pruned)
    #expect(row.dense.nonZeroWeights == 1480 && row.pruned?.nonZeroWeights == 148)
  }

  @Test func scoresAtEveryStep() throws {
    var popup = experiment(
      PruningPlan(
        method: "edge-popup", criterion: .magnitude, granularity: .weight, allocation: .layer, amount: .total(0.5), timing: .everyStep,
        compact: false, seed: 3),
      training: TrainingPlan(
        length: .epochs(4), batchSize: 60, optimizer: .sgd(weightDecay: 1e-4), learningRate: .init(base: 0.1), seed: 3))
    popup.initialization = .signedKaiming
    let (runner, row) = try run(popup)
    expectCommon(row, runner, steps: 20)
    try expectDense(row.dense)
    #expect(row.weights == Removal(asked: 0.5, removed: 740, of: 1480) && row.pruned?.nonZeroWeights == 740)
    #expect(row.layers == [LayerSurvivors(layer: "fc1", kept: 640, of: 1280), LayerSurvivors(layer: "fc2", kept: 100, of: 200)])
    let initial = try Model(
      Architecture.parse("mlp:64-20-10"), initialization: .signedKaiming, seed: SeedPurpose.initialization.seed(from: 3))
    expectEqual(row.dense.accuracyAtEnd, try accuracy(of: initial, iteration: nil))
    expectEqual(row.pruned?.accuracyAtEnd, try accuracy(of: runner.model, iteration: 20))
    expectEqual(row.pruned?.accuracyChosen, chosen(runner.state.trainings[0].evaluations))
    #expect(row.dense.accuracyChosen == nil && row.notes?.map(\.subject) == ["weights"])
  }

  /// Half of the MACs: 74 a unit, so that ten of twenty stay.
  @Test func aTarget() throws {
    let target = CostTarget(.macs, .less(0.5))
    let (_, row) = try run(experiment(units(.rounds(1, recovery: .iterations(0)), .cost(target)), training: plan(1)))
    #expect(row.targets == [ReachedCost(measure: "macs", original: 1480, asked: 740, achieved: 740)])
    #expect(row.pruned?.macs == 740 && row.units == Removal(asked: nil, removed: 10, of: 20))
    #expect(row.pruned?.epoch == row.dense.epoch, "there was one training")
  }

  /// A removal that takes nothing cuts nothing, and needs no proof.
  @Test func surgeriesWithoutProof() throws {
    var plan = units(.rounds(3, recovery: .iterations(0)), .threshold(0.5))
    plan.criterion = .l1
    let path = try TemporaryDirectory()
    var model = try Model(Architecture.parse("mlp:64-20-10"), seed: 1)
    // All units score 1 but for two.
    let norms = (0..<20).map { Float($0 < 2 ? 0.25 : 1) / 64 }
    model.tensors[ParameterName("fc1", .weight)] = try Tensor((0..<20 * 64).map { norms[$0 / 64] }, shape: [20, 64])
    try ModelFile(model: model).write(to: path.file("model"))
    let (runner, row) = try run(experiment(plan, start: .file(path.file("model")), training: nil), proves: false)
    #expect(runner.state.events.map(\.removed) == [2, 0, 0])
    #expect(row.proof == nil && row.unprovedSurgeries == 1)
  }

  /// The second time the machine is half as fast: the dense network takes twice as long, so the other one's time counts half.
  @Test func latencyIsAShareOfTheDenseNetworksAtTheSameMoment() throws {
    let (dense, small) = (try Architecture.parse("mlp:64-20-10"), try Architecture.parse("mlp:64-5-10"))
    var samples = [[[4.0, 2, 3], [1.5, 9, 1]], [[5, 4], [1, 2]]]
    var sizes: [[Int]] = []
    let latency = Latency.share(of: dense) { models in
      sizes.append(try models.map { try $0.network.cost().parameters })
      return samples.removeFirst()
    }
    #expect(try latency(small) == 1)
    #expect(try latency(small) == 0.5)
    #expect(sizes == [[1510, 385], [1510, 385]])
  }

  /// 36 places of 18 weights and 72·3 weights: multiplies by zeros do not count.
  @Test func effectiveMultiplies() throws {
    var builder = NetworkBuilder("small", input: .image(channels: 1, height: 6, width: 6))
    builder.convolution("conv", 2, kernel: 3, padding: 1)
    builder.relu()
    builder.flatten()
    builder.linear("fc", 3)
    var model = try Model(builder.network(), seed: 1)
    model.tensors[ParameterName("conv", .weight)] = try Tensor((0..<18).map { Float($0 < 5 ? 0 : 1) }, shape: [2, 1, 3, 3])
    let facts = try model.facts()
    #expect(facts.macs == 36 * 18 + 216 && facts.effectiveMACs == 36 * 13 + 216)
    #expect(facts.prunableWeights == 234 && facts.nonZeroWeights == 229 && facts.parameters == 239 && facts.bytes == 956)
  }
}
