import Experiments
import Foundation
import Networks
import Pruning
import Results
import TestSupport
import Testing
import Torch
import Training

/// Runs on the embedded digits: real data, seconds.
@Suite(.serialized) struct RunnerTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func plan(_ length: Step) -> TrainingPlan {
    TrainingPlan(length: length, batchSize: 60, learningRate: LearningRateSchedule(base: 1.2e-3), seed: 3)
  }

  private func weights(rounds: Int = 3, sparsity: Double = 0.9, compact: Bool = true) -> Experiment {
    Experiment(
      start: .network("mlp:64-40-20-10", weights: nil), data: DataPlan(dataset: "digits", seed: 3), training: plan(.epochs(4)),
      pruning: PruningPlan(
        criterion: .magnitude, granularity: .weight, scope: .global, amount: .total(sparsity),
        timing: .rounds(rounds, recovery: .epochs(2)), compact: compact, seed: 3), recovery: plan(.epochs(2)))
  }

  private func units() -> Experiment {
    Experiment(
      start: .network("mlp:64-40-20-10", weights: nil), data: DataPlan(dataset: "digits", subset: 300, seed: 3),
      training: plan(.epochs(7)),
      pruning: PruningPlan(
        criterion: .activation, granularity: .unit, scope: .layer, rounding: .floor, amount: .perEvent(0.1),
        timing: .during(every: .epochs(2)), seed: 3))
  }

  @Test func askedSparsityIsAchievedExactly() throws {
    let runner = try Runner(weights(compact: false))
    try runner.run()
    // 64·40 + 40·20 + 20·10 = 3,560 weights, of which 3,204 leave; rounds keep 3560·0.1^(k/3).
    let facts = try runner.model.facts()
    #expect(facts.prunableWeights == 3560)
    #expect(facts.nonZeroWeights == 356)
    #expect(runner.state.events.map(\.kept) == [1652, 767, 356])
    #expect(runner.state.dense?.nonZeroWeights == 3560)
  }

  @Test func compactionKeepsTheFunctionAndShrinks() throws {
    let masked = try Runner(weights(sparsity: 0.97, compact: false))
    try masked.run()
    let compacted = try Runner(weights(sparsity: 0.97))
    try compacted.run()
    #expect(try compacted.model.facts().parameters < masked.model.facts().parameters)
    #expect(try compacted.evaluateTest()?.correct == masked.evaluateTest()?.correct)
    #expect(try #require(compacted.state[Compaction.self]?.proof) <= 1e-4)
  }

  @Test func unitsLeaveDuringTrainingAtTheRightSteps() throws {
    let runner = try Runner(units())
    try runner.run()
    // After epochs 2, 4 and 6 of 7, never after the last; floor(0.1·40) = 4, floor(0.1·36) = 3, floor(0.1·33) = 3.
    #expect(runner.state.events.map(\.iteration) == [10, 20, 30])
    #expect(runner.state.events.map { [$0.widths["fc1"], $0.widths["fc2"]] } == [[36, 18], [33, 17], [30, 16]])
    #expect(runner.state.events.allSatisfy { $0.proof.map { $0 <= 1e-4 } ?? false })
    #expect(runner.state.history.count == 3)
  }

  @Test func resumedRunsEndWithTheSameBytes() throws {
    let unbroken = try BrokenOffRun(weights()).file
    #expect(try BrokenOffRun(weights(), breakingAfter: [7, 40, 33]).file == unbroken)
    let during = try BrokenOffRun(units()).file
    #expect(try BrokenOffRun(units(), breakingAfter: [3, 9, 12]).file == during)
    #expect(during != unbroken)
  }

  @Test func aCheckpointOfAnotherRunIsRefused() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("run.checkpoint")
    var count = 0
    let runner = try Runner(
      weights(),
      options: .init(
        checkpoint: path,
        interrupted: {
          count += 1
          return count == 3
        }))
    #expect(throws: TrainingError.interrupted(iteration: 3)) { try runner.run() }
    #expect(throws: PlanError("\(path) belongs to a run with other options; repeat those, or remove it to start anew")) {
      try Runner(weights(rounds: 2), options: .init(checkpoint: path, resume: true))
    }
  }

  @Test func theRowTellsWhatWasAskedAndAchieved() throws {
    let runner = try Runner(weights())
    try runner.run()
    let row = try runner.row(command: ["espalier", "prune"], version: "test", file: nil, latencyBatches: [1])
    #expect(row.weights?.asked == 0.9)
    #expect(row.weights?.removed == 3204)
    #expect(row.weights?.total == 3560)
    #expect(row.dense.macs == 3560)
    #expect(try #require(row.pruned).nonZeroWeights <= 356)
    #expect(row.data?.test == 360)
    #expect(row.dense.accuracyAtEnd?.count == 360)
  }

  /// 10 %, 10 % and 10 % of what is left of 40 and of 20 units: 27.1 % of each, 10.84 and 5.42.
  @Test func theRowTellsWhatFractionsAskedAndAchieved() throws {
    let runner = try Runner(unitRounds([]))
    try runner.run()
    let row = try runner.row(command: ["espalier", "prune"], version: "test", file: nil, latencyBatches: [])
    let units = try #require(row.units)
    #expect(abs(try #require(units.asked) - 0.271) < 1e-12)
    #expect(units.askedCount == 16 && units.removed == 16 && units.total == 60)
    #expect(row.text(width: 100).contains("\nunits        asked 27.100 % (16), achieved 26.667 % (16 of 60 units, 44 left)\n"))
    let json = try JSONSerialization.jsonObject(with: Data(row.json().utf8)) as? [String: Any]
    #expect((json?["units"] as? [String: Any])?["askedCount"] as? Int == 16)
  }

  /// A file that an earlier run left at half its weights loses 10 % of those, twice.
  @Test func fractionsOfAPrunedFileAreOfWhatItHas() throws {
    let first = try Runner(weights(rounds: 1, sparsity: 0.5, compact: false))
    try first.run()
    let folder = try TemporaryDirectory()
    let path = folder.file("half.safetensors")
    try first.file().write(to: path)
    let runner = try Runner(
      Experiment(
        start: .file(path), data: nil, training: nil,
        pruning: PruningPlan(
          criterion: .magnitude, granularity: .weight, scope: .global, amount: .perEvent(0.1),
          timing: .rounds(2, recovery: .iterations(0)), compact: false, seed: 3)))
    try runner.run()
    // 1,780 · 0.9 = 1,602, and 1,441.8.
    #expect(runner.state.events.map(\.kept) == [1602, 1442])
    let row = try runner.row(command: ["espalier", "prune"], version: "test", file: nil, latencyBatches: [])
    #expect(row.weights?.askedCount == 2118 && row.weights?.removed == 2118)
    #expect(abs(try #require(row.weights?.asked) - (1 - 0.5 * 0.81)) < 1e-12)
  }

  @Test func theRowSaysThatOrderAloneDecided() throws {
    var lines: [String] = []
    let runner = try Runner(
      Experiment(
        start: .network("resnet-20", weights: nil), data: nil, training: nil,
        pruning: PruningPlan(
          criterion: .normScale, granularity: .filter, scope: .global, amount: .total(0.1), timing: .rounds(1, recovery: .iterations(0)))),
      options: .init(proves: false, note: { lines.append($0) }))
    try runner.run()
    let row = try runner.row(command: ["espalier", "prune"], version: "test", file: nil, latencyBatches: [])
    let removed = try #require(row.units).removed
    let words = "\(removed) of \(removed) decided by order alone: all scores are 1: train with --slimming first"
    #expect(row.notes == [RunNote(subject: "ties", words: words)])
    #expect(lines.contains("ties in prune 1: \(words)"))
    #expect(try row.json().contains("\"subject\" : \"ties\""))
  }

  private func unitRounds(_ repairs: [PruningPlan.Repair]) -> Experiment {
    Experiment(
      start: .network("mlp:64-40-20-10", weights: nil), data: DataPlan(dataset: "digits", subset: 300, seed: 3),
      training: plan(.epochs(1)),
      pruning: PruningPlan(
        criterion: .l2, granularity: .unit, allocation: .layer, amount: .perEvent(0.1), timing: .rounds(3, recovery: .iterations(2)),
        repairs: repairs, seed: 3), recovery: plan(.iterations(2)))
  }

  @Test func theTestSetIsAskedAfterTheLastRemovalOnly() throws {
    let plain = try Runner(unitRounds([]))
    try plain.run()
    #expect(plain.state.events.count == 3)
    #expect(plain.state.verdicts.map { "\($0.event) \($0.stage)" } == ["3 pruned"])
    let repaired = try Runner(unitRounds([.meanReplacement(MeanReplacement())]))
    try repaired.run()
    #expect(repaired.state.verdicts.map { "\($0.event) \($0.stage)" } == ["3 pruned", "3 repaired"])
    #expect(repaired.state.events.allSatisfy { $0.pruned != nil }, "the validation images judge every removal")
  }

  /// What is repaired is called so, whether or not there are validation images.
  @Test func repairedWithoutValidation() throws {
    var experiment = unitRounds([.meanReplacement(MeanReplacement())])
    experiment.data?.validation = 0
    let runner = try Runner(experiment)
    try runner.run()
    #expect(runner.state.events.allSatisfy { $0.pruned == nil })
    let row = try runner.row(command: ["espalier", "prune"], version: "test", file: nil, latencyBatches: [])
    #expect(row.stages.map { "\($0.removal) \($0.stage)" } == ["3 pruned", "3 repaired"])
    #expect(row.text(width: 100).contains(" % → repaired "))
  }

  private func halved(_ network: String, _ amount: PruningPlan.Amount = .perEvent(0.5), rounds: Int = 1) throws -> RunRecord {
    let runner = try Runner(
      Experiment(
        start: .network(network, weights: nil), data: nil, training: nil,
        pruning: PruningPlan(
          criterion: .l2, granularity: .unit, allocation: .layer, amount: amount, timing: .rounds(rounds, recovery: .epochs(0)))))
    try runner.run()
    return try runner.row(command: ["espalier", "prune"], version: "test", file: nil, latencyBatches: [])
  }

  @Test func theRowSaysWhichLayersKeepTheirLast() throws {
    let narrow = try halved("mlp:64-8-1-10")
    #expect(narrow.units?.askedCount == 5 && narrow.units?.removed == 4)
    #expect(narrow.notes == [RunNote(subject: "units", words: "fc2 keeps its only unit")])
    #expect(narrow.text(width: 100).contains("\nunits        fc2 keeps its only unit\n"))
    // 2 → 1, and the second half is the last one.
    #expect(try halved("mlp:64-8-2-10", rounds: 2).notes == [RunNote(subject: "units", words: "fc2 keeps its last unit")])
    let only = try halved("mlp:64-1-1-10")
    #expect(
      only.units?.removed == 0 && only.notes == [RunNote(subject: "units", words: "fc1 keeps its only unit, fc2 keeps its only unit")])
    #expect(try halved("mlp:64-8-10").notes == nil)
  }

  /// 64·8 + 8 + 80 + 10 parameters.
  @Test func aLimitAboveTheOriginalIsToldAsAsked() throws {
    let row = try halved("mlp:64-8-10", .cost(CostTarget(.parameters, .most(100_000))), rounds: 2)
    #expect(row.targets.map(\.asked) == [100_000, 100_000] && row.targets.map(\.achieved) == [610, 610])
    #expect(row.text(width: 100).contains("\ntarget       parameters 610 → 610 (asked at most 100,000)\n"))
  }

  /// One unit a layer is left of 40 and 20 in the end; biases that no input outweighs put all to sleep from the first removal on.
  @Test func aConstantOutputRaisesTheAlarm() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/asleep.safetensors"
      let model = try Model(Architecture.parse("mlp:64-40-20-10"), seed: 3)
      try model.tensor(ParameterName("fc2", .weight)).copy(from: .full([20, 40], -1))
      try model.tensor(ParameterName("fc2", .bias)).copy(from: .full([20], -1))
      try ModelFile(model: model, history: [], preprocessing: nil, classes: [], recipe: "{}").write(to: path)
      let runner = try Runner(
        Experiment(
          start: .file(path), data: nil, training: nil,
          pruning: PruningPlan(
            criterion: .l2, granularity: .unit, allocation: .layer, amount: .perEvent(0.5), timing: .rounds(2, recovery: .epochs(0)),
            seed: 3)))
      try runner.run()
      #expect(runner.state.events.map(\.collapsed) == [["fc2"], ["fc2"]])
      #expect(runner.state.events[0].summary.hasSuffix("which proves nothing; COLLAPSED: fc2"))
      let row = try runner.row(command: ["espalier"], version: "test", file: nil, latencyBatches: [])
      #expect(row.collapse == LayerCollapse(layers: ["fc2"], removal: 1, kept: 30, of: 60, things: "units"))
      #expect(row.proof?.constantOutputs == 2 && row.proof?.surgeries == 2)
    }
  }

  /// The row names what the scores were taken by.
  @Test func theRowNamesModeAndCurvature() throws {
    func row(_ start: Experiment.Start, _ criterion: Criterion, _ change: (inout PruningPlan) -> Void = { _ in }) throws -> [RunNote] {
      var plan = PruningPlan(
        criterion: criterion, granularity: .weight, allocation: .global, amount: .total(0.5), timing: .atStart(rounds: 1), examples: 20,
        seed: 3)
      change(&plan)
      let runner = try Runner(
        Experiment(start: start, data: DataPlan(dataset: "digits", subset: 100, seed: 3), training: nil, pruning: plan))
      try runner.run()
      return try runner.row(command: ["espalier"], version: "test", file: nil, latencyBatches: []).notes ?? []
    }
    let words = "Gauss–Newton diagonal by 4 probes for each 50 examples"
    let plain = Experiment.Start.network("mlp:64-20-10", weights: nil)
    #expect(try row(plain, Criterion(named: "obd")) == [RunNote(subject: "curvature", words: words)])
    #expect(try row(plain, .grasp).isEmpty, "there is no batch norm")
    try withTemporaryDirectory { folder in
      let path = folder + "/normed.safetensors"
      var builder = NetworkBuilder("normed", input: .image(channels: 1, height: 8, width: 8))
      builder.convolution("conv", 3, kernel: 3)
      builder.batchNorm("bn")
      builder.relu()
      builder.flatten()
      builder.linear("fc", 10)
      let classes = (0..<10).map { "\($0)" }
      let model = try Model(builder.network(), seed: 1)
      try ModelFile(model: model, history: [], preprocessing: nil, classes: classes, recipe: "{}").write(to: path)
      for (criterion, mode, words) in [
        (Criterion.grasp, nil, "batch norms in training mode: by the statistics of each batch"),
        (.grasp, BatchNormMode.evaluation, "batch norms in evaluation mode: by their running statistics"),
        (.snip, nil, "batch norms in evaluation mode: by their running statistics"),
        (.snip, .training, "batch norms in training mode: by the statistics of each batch"),
      ] { #expect(try row(.file(path), criterion) { $0.batchNorms = mode } == [RunNote(subject: "scores", words: words)]) }
    }
  }

  @Test func theRowSaysThatNothingWasProved() throws {
    for (experiment, words) in [
      (unitRounds([]), "3 surgeries not proved (--no-proof)"), (weights(sparsity: 0.97), "1 surgery not proved (--no-proof)"),
    ] {
      let runner = try Runner(experiment, options: .init(proves: false))
      try runner.run()
      let row = try runner.row(command: ["espalier", "prune"], version: "test", file: nil, latencyBatches: [])
      #expect(row.proof == nil)
      #expect(row.text(width: 100).contains("\nproof        \(words)\n"), "\(row.text(width: 100))")
      let proved = try Runner(experiment)
      try proved.run()
      let other = try proved.row(command: ["espalier", "prune"], version: "test", file: nil, latencyBatches: [])
      #expect(other.proof != nil && other.unprovedSurgeries == nil)
      for (name, tensor) in runner.model.tensors {
        #expect(try tensor.array(Float.self) == proved.model.tensor(name).array(Float.self), "\(name)")
      }
    }
  }
}
