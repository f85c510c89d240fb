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

/// Whole runs that learn from a teacher, on the embedded digits.
@Suite(.serialized) struct DistillationRunTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private static let network = Experiment.Start.network("mlp:64-20-10", weights: nil)

  private func plan(_ length: Step, _ distillation: Distillation? = nil) -> TrainingPlan {
    TrainingPlan(length: length, batchSize: 60, learningRate: .init(base: 1.2e-3), distillation: distillation, seed: 3)
  }

  private func pruning(_ timing: PruningPlan.Timing, granularity: Granularity = .weight) -> PruningPlan {
    PruningPlan(
      criterion: granularity == .weight ? .magnitude : .l2, granularity: granularity, allocation: granularity == .weight ? .global : .layer,
      amount: .total(0.6), timing: timing, compact: false, seed: 3)
  }

  private func experiment(
    _ start: Experiment.Start = network, training: TrainingPlan?, _ timing: PruningPlan.Timing, granularity: Granularity = .weight,
    recovery: TrainingPlan? = nil
  ) -> Experiment {
    Experiment(
      start: start, data: DataPlan(dataset: "digits", subset: 300, seed: 3), training: training,
      pruning: pruning(timing, granularity: granularity), recovery: recovery)
  }

  /// Trained, then pruned in two rounds, after each of which it learns from what it was before the first.
  private func rounds(_ distillation: Distillation? = Distillation(), granularity: Granularity = .weight) -> Experiment {
    experiment(
      training: plan(.epochs(4)), .rounds(2, recovery: .epochs(2)), granularity: granularity, recovery: plan(.epochs(2), distillation))
  }

  private func file(_ network: String = "mlp:64-30-10", in folder: TemporaryDirectory) throws -> String {
    let path = folder.file("teacher.safetensors")
    let trained = Experiment(
      start: .network(network, weights: nil), data: DataPlan(dataset: "digits", subset: 300, seed: 3), training: plan(.epochs(6)))
    let runner = try Runner(trained)
    try runner.run()
    try runner.file().write(to: path)
    return path
  }

  /// Steps after which runs are broken off: in the dense training, in the first recovery, twice in the second.
  @Test func resumedRunsEndWithTheSameBytes() throws {
    for granularity in [Granularity.weight, .unit] {
      let unbroken = try BrokenOffRun(rounds(granularity: granularity))
      #expect(try BrokenOffRun(rounds(granularity: granularity), breakingAfter: [7, 15, 6, 3]).file == unbroken.file)
      #expect(try BrokenOffRun(rounds(nil, granularity: granularity)).file != unbroken.file)
    }
  }

  /// The teacher lies in the checkpoint: a run goes on with it when its file has become another.
  @Test func aGivenTeacherIsKeptAcrossAKill() throws {
    let folder = try TemporaryDirectory()
    let teacher = try file(in: folder)
    let experiment = Experiment(
      start: Self.network, data: DataPlan(dataset: "digits", subset: 300, seed: 3),
      training: plan(.epochs(4), Distillation(temperature: 2, teacher: teacher)))
    func run(to stop: Int?, resume: Bool) throws -> Runner {
      var count = 0
      let options = Runner.Options(
        checkpoint: folder.file("run.checkpoint"), resume: resume,
        interrupted: {
          count += 1
          return count == stop
        })
      let runner = try Runner(experiment, options: options)
      if stop != nil { #expect(throws: TrainingError.self) { try runner.run() } } else { try runner.run() }
      return runner
    }
    let whole = try run(to: nil, resume: false).model
    _ = try run(to: 7, resume: false)
    try FileManager.default.removeItem(atPath: teacher)
    let resumed = try run(to: nil, resume: true).model
    for (name, tensor) in whole.tensors { #expect(try tensor.bytes() == resumed.tensor(name).bytes(), "\(name)") }
  }

  /// What the network was when its own training had ended, not what a removal made of it.
  @Test func theNetworkIsItsOwnTeacher() throws {
    let dense = try Runner(
      Experiment(start: Self.network, data: DataPlan(dataset: "digits", subset: 300, seed: 3), training: plan(.epochs(4))))
    try dense.run()
    let runner = try BrokenOffRun(rounds()).runner
    let teacher = try #require(try runner.teacher(of: plan(.epochs(1), Distillation())))
    #expect(teacher.network == dense.model.network)
    for (name, tensor) in dense.model.tensors { #expect(try tensor.bytes() == teacher.tensor(name).bytes(), "\(name)") }
    #expect(try runner.teacher(of: plan(.epochs(1))) == nil)
  }

  /// A trained model pruned in the course of one training learns from what it was at its start.
  @Test func aTrainedModelTeachesWhatIsPrunedInTraining() throws {
    let folder = try TemporaryDirectory()
    let path = try file("mlp:64-20-10", in: folder)
    let run = experiment(.file(path), training: plan(.epochs(4), Distillation()), .during(every: .epochs(1), until: .epochs(3)))
    let unbroken = try BrokenOffRun(run)
    #expect(try BrokenOffRun(run, breakingAfter: [7, 9]).file == unbroken.file)
    let teacher = try #require(try unbroken.runner.teacher(of: plan(.epochs(1), Distillation())))
    for (name, tensor) in try ModelFile(contentsOf: path).model.tensors { #expect(try tensor.bytes() == teacher.tensor(name).bytes()) }
  }

  @Test func theRowTellsOfTheTeacher() throws {
    let runner = try BrokenOffRun(rounds()).runner
    let row = try runner.row(command: ["espalier", "prune"], version: "test", file: nil, latencyBatches: [])
    #expect(row.distillation == DistillationSummary(temperature: 4, weight: 0.9))
    #expect(row.text().contains("\ndistillation  from the unpruned network, at temperature 4; 90 % of the loss, labels the rest\n"))
    #expect(try RunRecord(json: Data(row.json().utf8)).distillation == row.distillation)
    // A teacher's forward pass is a third of a step's work: 300 examples, 4 epochs dense, 4 with a teacher of 1,480 MACs.
    let plain = try BrokenOffRun(rounds(nil)).runner
    let (taught, alone) = (try #require(runner.state.work), try #require(plain.state.work))
    let examples = Double(runner.state.trainings.dropFirst().reduce(0) { $0 + $1.iterations } * 60)
    #expect(abs(taught.trainingMACs - alone.trainingMACs - examples * 1480 / 3) < 1)
  }

  @Test func theRecipeHoldsIt() throws {
    let experiment = rounds(Distillation(temperature: 2, weight: 0.5, teacher: "t.safetensors"))
    #expect(
      try experiment.json.contains(#""distillation":{"teacher":"t.safetensors","temperature":2,"weight":0.5}"#))
    #expect(try JSONDecoder().decode(Experiment.self, from: Data(experiment.json.utf8)).json == experiment.json)
    #expect(try !rounds(nil).json.contains("distillation"))
  }

  @Test func runsWithoutATeacherAreRefused() throws {
    let words = PlanError(
      "--distill has no teacher, as no network is trained before the first removal: give --teacher MODEL, or a trained model to prune")
    let distillation = Distillation()
    for experiment in [
      experiment(training: plan(.epochs(4), distillation), .atStart(rounds: 1)),
      experiment(training: plan(.epochs(4), distillation), .during(every: .epochs(1), until: .epochs(3))),
      experiment(training: nil, .rounds(1, recovery: .epochs(2)), recovery: plan(.epochs(2), distillation)),
      Experiment(start: Self.network, data: DataPlan(dataset: "digits"), training: plan(.epochs(1), distillation)),
    ] { #expect(throws: words) { try experiment.validate() } }
    try experiment(training: plan(.epochs(4), Distillation(teacher: "t")), .atStart(rounds: 1)).validate()
    let folder = try TemporaryDirectory()
    let teacher = try file("mlp:64-30-10", in: folder)
    let few = Experiment(
      start: .network("mlp:7-8-2", weights: nil), data: DataPlan(dataset: "tensors:\(try vectors(in: folder))"),
      training: plan(.epochs(1), Distillation(teacher: teacher)))
    #expect(
      throws: PlanError(
        "\(teacher) holds a network for 1×8×8 inputs and 10 classes; tensors:\(folder.file("x.safetensors")) has 7 vectors and 2 classes")
    ) { _ = try Runner(few) }
  }

  private func vectors(in folder: TemporaryDirectory) throws -> String {
    let path = folder.file("x.safetensors")
    try TensorArchive(
      tensors: [
        "x": Tensor((0..<280).map { Float($0 % 11) }, shape: [40, 7]), "y": Tensor((0..<40).map { Int64($0 % 2) }, shape: [40]),
      ], metadata: [:]
    ).write(to: path)
    return path
  }

  /// A checkpoint from which somebody took the teacher.
  @Test func aCheckpointWithoutItsTeacherIsDamaged() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("run.checkpoint")
    func stopped(_ change: (inout Checkpoint) -> Void) throws {
      try? FileManager.default.removeItem(atPath: path)
      var count = 0
      let runner = try Runner(
        rounds(),
        options: .init(
          checkpoint: path,
          interrupted: {
            count += 1
            return count == 22
          }))
      #expect(throws: TrainingError.self) { try runner.run() }
      var checkpoint = try Checkpoint(contentsOf: path)
      change(&checkpoint)
      try checkpoint.write(to: path)
    }
    try stopped { $0.aside["teacher.fc1.weight"] = nil }
    #expect(throws: RecordError("\(path) is a damaged checkpoint: what is kept of the teacher's fc1.weight does not fit this run")) {
      try Runner(rounds(), options: .init(checkpoint: path, resume: true)).run()
    }
    try stopped { $0.progress = $0.progress.replacingOccurrences(of: "\"teacher\":{", with: "\"forgotten\":{") }
    #expect(throws: RecordError("\(path) is a damaged checkpoint: it lacks the teacher")) {
      try Runner(rounds(), options: .init(checkpoint: path, resume: true)).run()
    }
  }
}
