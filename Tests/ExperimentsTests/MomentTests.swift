import Experiments
import Foundation
import Networks
import Pruning
import Results
import TestSupport
import Testing
import Torch
import Training

/// What observers learn of a run. That metrics are the same after a break, for all methods, is checked by every test with a `BrokenOffRun`.
@Suite(.serialized) struct MomentTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private final class Recorder: RunObserver {
    var moments: [RunMoment] = []
    var begins: [Int] = []
    var fails = false
    func begin(after count: Int) { begins.append(count) }
    func observe(_ moment: RunMoment) throws {
      if fails { throw CocoaError(.fileWriteOutOfSpace) }
      moments.append(moment)
    }
  }

  /// 300 images, 30 to a step, of which none are held out but those of the data set's own plan.
  private func experiment() -> Experiment {
    func plan(_ length: Step) -> TrainingPlan {
      TrainingPlan(
        length: length, batchSize: 30, learningRate: .init(base: 0.01, decay: .multiStep(milestones: [.epochs(1)], factor: 0.5)), seed: 3)
    }
    return Experiment(
      start: .network("mlp:64-20-10", weights: nil), data: DataPlan(dataset: "digits", subset: 300, seed: 3), training: plan(.epochs(2)),
      pruning: PruningPlan(
        criterion: .magnitude, granularity: .weight, scope: .layer, amount: .total(0.75),
        timing: .rounds(2, recovery: .epochs(1)), schedule: .linear, compact: false, seed: 3), recovery: plan(.epochs(1)))
  }

  @Test func observersLearnWhatHappensInItsOrder() throws {
    let recorder = Recorder()
    let runner = try Runner(experiment(), options: .init(observers: [recorder]))
    try runner.run()
    let perEpoch = try #require(runner.state.trainings.first?.iterationsPerEpoch)
    #expect(recorder.begins == [0] && runner.state.moments == recorder.moments.count)
    let words = recorder.moments.map { moment in
      switch moment {
      case .began(let phase): "began \(phase.phase) \(phase.training) at \(phase.step / perEpoch) of \(phase.steps / perEpoch)"
      case .ended(let phase): "ended \(phase.phase) \(phase.training) at \(phase.step / perEpoch) of \(phase.steps / perEpoch)"
      case .evaluated(let point):
        "evaluated \(point.phase) \(point.training) at \(point.step / perEpoch), epoch \(point.epoch ?? -1), rate \(point.learningRate)"
      case .removed(let removal): "removed \(removal.number): \(removal.removed) \(removal.things), \(removal.kept) left"
      }
    }
    // 64·20 + 20·10 = 1,480 weights, of which 3/8 and then as many again leave each layer.
    #expect(
      words == [
        "began training 0 at 0 of 2", "evaluated training 0 at 1, epoch 1.0, rate 0.01", "evaluated training 0 at 2, epoch 2.0, rate 0.005",
        "ended training 0 at 2 of 2", "removed 1: 555 weights, 925 left", "began round 1/2 1 at 2 of 1",
        "evaluated round 1/2 1 at 3, epoch 1.0, rate 0.01", "ended round 1/2 1 at 3 of 1", "removed 2: 555 weights, 370 left",
        "began round 2/2 2 at 3 of 1", "evaluated round 2/2 2 at 4, epoch 1.0, rate 0.01", "ended round 2/2 2 at 4 of 1",
      ])
    guard case .removed(let last) = recorder.moments[8], case .evaluated(let end) = recorder.moments[10] else {
      Issue.record("other moments")
      return
    }
    #expect(last.sparsity == 0.75 && last.layers == [.init(layer: "fc1", kept: 320, of: 1280), .init(layer: "fc2", kept: 50, of: 200)])
    let training = try #require(runner.state.trainings.last)
    #expect(end.validationLoss == training.last?.validation?.loss && end.validationAccuracy == training.last?.validation?.accuracy)
    #expect(end.trainingLoss == training.last?.trainingLoss && end.iteration == perEpoch)
    #expect(last.accuracyBefore == runner.state.events[1].before?.accuracy && last.accuracyAfter == runner.state.events[1].after?.accuracy)
    // What it was before: a whole network for two epochs, then 925 and 370 weights for one each.
    let images = 30 * perEpoch
    #expect(runner.state.work == TrainingWork(examples: 4 * images, trainingMACs: Double(images * (2 * 1480 + 925 + 370))))
    let row = try runner.row(command: ["espalier"], version: "test", file: nil, latencyBatches: [])
    #expect(row.work == runner.state.work && row.evaluations?.map(\.epoch) == [1, 2, 3, 4])
    #expect(RowQuantity.named("training-flops")?.value(row) == 6 * Double(images * (2 * 1480 + 925 + 370)))
    #expect(RowQuantity.named("dense-training-flops")?.value(row) == 6 * Double(images * 4 * 1480))
  }

  /// Broken off between and in trainings, with removals in their course, at each of several steps.
  @Test func brokenOffTheWorkIsCountedOnce() throws {
    let whole = try BrokenOffRun(experiment())
    let perEpoch = try #require(whole.runner.state.trainings.first?.iterationsPerEpoch)
    let broken = try BrokenOffRun(experiment(), breakingAfter: [1, perEpoch - 1, perEpoch - 1, 3])
    #expect(broken.runner.state.work == whole.runner.state.work && broken.file == whole.file)
    #expect(broken.metrics.count == 12 && broken.runner.state.moments == 12)
  }

  @Test func linesAreObjectsWithTheirKind() throws {
    let metrics = try BrokenOffRun(experiment()).metrics
    let moments = try metrics.map { try JSONDecoder().decode(RunMoment.self, from: Data($0.utf8)) }
    #expect(metrics.first == #"{"moment":"began","phase":"training","step":0,"steps":\#(stepsOf(moments)),"training":0}"#)
    #expect(metrics[8].hasPrefix(#"{"accuracyAfter":0."#) && metrics[8].contains(#","kept":370,"layers":[{"density":0.25,"kept":320,"#))
    #expect(metrics[8].contains(#""moment":"removed","number":2,"removed":555,"sparsity":0.75,"step":"#))
    #expect(metrics[1].hasPrefix(#"{"epoch":1,"iteration":"#) && metrics[1].contains(#""learningRate":0.01,"moment":"evaluated","phase":"#))
  }

  private func stepsOf(_ moments: [RunMoment]) -> Int { if case .began(let phase) = moments.first { phase.steps } else { -1 } }

  /// Without the file there is no beginning, which is said.
  @Test func aFileThatLacksItsBeginningIsSaid() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/m.jsonl"
      var notes: [String] = []
      let file = MetricsFile(path) { notes.append($0) }
      try file.begin(after: 3)
      #expect(notes == ["\(path) has 0 of the 3 lines from before the checkpoint"])
      try file.observe(.began(.init(phase: "p", training: 0, step: 0, steps: 1)))
      let again = MetricsFile(path) { notes.append($0) }
      try again.begin(after: 1)
      #expect(notes.count == 1)
      #expect(
        try String(contentsOfFile: path, encoding: .utf8)
          == "{\"moment\":\"began\",\"phase\":\"p\",\"step\":0,\"steps\":1,\"training\":0}\n")
    }
  }

  /// Hours of training without the file that was asked for are worth less than an error.
  @Test func anErrorOfAnObserverEndsTheRun() throws {
    let recorder = Recorder()
    recorder.fails = true
    let runner = try Runner(experiment(), options: .init(observers: [recorder]))
    #expect(throws: CocoaError(.fileWriteOutOfSpace)) { try runner.run() }
  }
}
