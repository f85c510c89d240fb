import Experiments
import Foundation
import Networks
import Pruning
import TestSupport
import Testing
import Torch
import Training

/// Whoever may write a checkpoint can write any number into it, and a checksum to match.
@Suite(.serialized) struct ForgedCheckpointTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func weights() -> Experiment {
    func plan(_ length: Step) -> TrainingPlan { TrainingPlan(length: length, batchSize: 60, learningRate: .init(base: 1e-3), seed: 3) }
    return Experiment(
      start: .network("mlp:64-40-20-10", weights: nil), data: DataPlan(dataset: "digits", seed: 3), training: plan(.iterations(4)),
      pruning: PruningPlan(
        criterion: .magnitude, granularity: .weight, scope: .global, amount: .total(0.9), timing: .rounds(2, recovery: .iterations(3)),
        seed: 3), recovery: plan(.iterations(3)))
  }

  /// A run that was stopped after so many steps, with what somebody made of its checkpoint, and taken up again.
  private func resumed(after steps: Int, _ change: (inout Checkpoint) throws -> Void) throws -> (path: String, error: (any Error)?) {
    let folder = try TemporaryDirectory()
    let path = folder.file("run.checkpoint")
    var count = 0
    let runner = try Runner(
      weights(),
      options: .init(
        checkpoint: path,
        interrupted: {
          count += 1
          return count == steps
        }))
    #expect(throws: TrainingError.self) { try runner.run() }
    var checkpoint = try Checkpoint(contentsOf: path)
    try change(&checkpoint)
    try checkpoint.write(to: path)
    do { try Runner(weights(), options: .init(checkpoint: path, resume: true)).run() } catch { return (path, error) }
    return (path, nil)
  }

  private static let record = ": the checkpoint's record is damaged: "
  private static let damaged = " is a damaged checkpoint: its record is impossible: "

  /// Stopped in the fifth step, the first of the first recovery (phase 2).
  @Test(arguments: [
    ("\"phase\":2", "\"phase\":-1", record + "state.phase cannot be -1"),
    ("\"phase\":2", "\"phase\":100", damaged + "phase 100 of 5"), ("\"phase\":2", "\"phase\":3", damaged + "phase 3 is not a training"),
    ("\"phase\":2", "\"phase\":0", damaged + "1 trainings before phase 0"),
    ("\"iterations\":4", "\"iterations\":\(Int.max)", record + "state.trainings.0.iterations cannot be \(Int.max)"),
    ("\"kept\":1126", "\"kept\":\(Int.max)", record + "state.events.0.kept cannot be \(Int.max)"),
    (
      "\"layer\":\"fc1\",\"units\":40", "\"layer\":\"fc1\",\"units\":\(Int.max)", record + "state.dense.widths.0.units cannot be \(Int.max)"
    ),
    ("\"layer\":\"fc1\",\"units\":40", "\"layer\":\"fc1\",\"units\":41", damaged + "dense.widths are not the network's"),
    ("\"parameters\":3630", "\"parameters\":3629", damaged + "dense.parameters cannot be 3629"),
    ("\"state\":{", "\"state\":[", ": the checkpoint's record is damaged"),
  ])
  func recordsThatNoRunWrites(from: String, to: String, words: String) throws {
    let (path, error) = try resumed(after: 5) { checkpoint in
      #expect(checkpoint.progress.contains(from), "\(checkpoint.progress)")
      checkpoint.progress = checkpoint.progress.replacingOccurrences(of: from, with: to)
    }
    #expect(error as? RecordError == RecordError("\(path)\(words)"), "\(String(describing: error))")
  }

  @Test func statesThatNoTrainingHas() throws {
    let far = try resumed(after: 2) { $0.training?.iteration = 1_000_000_000_000 }
    #expect(
      far.error as? RecordError
        == RecordError("\(far.path) is a damaged checkpoint: a training of 4 steps cannot go on from step 1000000000000"))
    let stream = try resumed(after: 2) { $0.training?.dropout = try .zeros([5056], type: .uint8) }
    #expect(
      stream.error as? RecordError
        == RecordError("\(stream.path) is a damaged checkpoint: random.dropout is not the state of a random stream"))
    let moment = try resumed(after: 2) { try $0.training?.optimizer.moments[.init("fc2", .weight)]?[1].fill(.nan) }
    #expect(
      moment.error as? RecordError == RecordError("\(moment.path) is a damaged checkpoint: a moment of fc2.weight holds NaN"))
    let hook = try resumed(after: 2) { $0.training?.hooks = ["l1": ["x": try .zeros([1])]] }
    #expect(
      hook.error as? RecordError
        == RecordError("\(hook.path) is a damaged checkpoint: it keeps something for hook l1, which this run does not have"))
    for name in ["mlp:64-41-20-10", "mlp:64-40-20-11", "lenet-300-100"] {
      let other = try resumed(after: 2) { checkpoint in
        checkpoint.model = try Model(Architecture.parse(name), seed: 1)
        checkpoint.training?.optimizer.moments = [:]
      }
      #expect((other.error as? RecordError)?.description.hasPrefix("\(other.path)\(Self.damaged)") ?? false, "\(other)")
    }
    #expect(try resumed(after: 2) { _ in }.error == nil)
  }
}
