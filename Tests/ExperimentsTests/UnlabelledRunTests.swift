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

/// Runs on examples of which nobody says what they show.
@Suite(.serialized) struct UnlabelledRunTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private static let network = "mlp:6-16-12-3"

  /// 120 examples of three classes in six features, with labels and without, and a network that was trained for a moment.
  private func files(in folder: TemporaryDirectory) throws -> (labelled: String, unlabelled: String, model: String) {
    var generator = SeededGenerator(seed: 5)
    let labels = (0..<120).map { Int64($0 % 3) }
    var values: [Float] = []
    for label in labels {
      for feature in 0..<6 {
        let signal = Float(2 * Int(label) * (feature % 2) + feature)
        values.append(signal + Float(generator.nextUnit()))
      }
    }
    var archive = TensorArchive()
    archive.tensors["x"] = try Tensor(values, shape: [120, 6])
    try archive.write(to: folder.file("x.safetensors"))
    archive.tensors["y"] = try Tensor(labels)
    try archive.write(to: folder.file("xy.safetensors"))
    let data = "tensors:\(folder.file("xy.safetensors"))"
    let runner = try Runner(
      Experiment(start: .network(Self.network, weights: nil), data: DataPlan(dataset: data, validation: 0), training: plan(.epochs(8))))
    try runner.run()
    try runner.file().write(to: folder.file("model.safetensors"))
    return (data, "tensors:\(folder.file("x.safetensors"))", folder.file("model.safetensors"))
  }

  private func plan(_ length: Step, _ distillation: Distillation? = nil, smoothing: Double = 0) -> TrainingPlan {
    TrainingPlan(
      length: length, batchSize: 20, learningRate: .init(base: 5e-3), labelSmoothing: smoothing, distillation: distillation, seed: 3)
  }

  private func experiment(
    _ model: String, _ data: String, criterion: String = "entropy", repairs: [PruningPlan.Repair] = [], recovery: TrainingPlan? = nil,
    validation: Int? = nil, flatness: MeasureFlatness? = nil
  ) throws -> Experiment {
    Experiment(
      start: .file(model), data: DataPlan(dataset: data, validation: validation, seed: 3), training: nil,
      pruning: PruningPlan(
        criterion: try Criterion(named: criterion), granularity: criterion == "snip" ? .weight : .unit, allocation: .layer,
        amount: .total(0.5), timing: .rounds(2, recovery: recovery?.length ?? .epochs(0)), repairs: repairs, seed: 3),
      recovery: recovery, flatness: flatness)
  }

  private func result(_ experiment: Experiment) throws -> (runner: Runner, bytes: [String: [UInt8]], row: RunRecord) {
    let runner = try Runner(experiment)
    try runner.run()
    let bytes = try Dictionary(uniqueKeysWithValues: runner.model.tensors.map { ("\($0.key)", try $0.value.bytes()) })
    return (runner, bytes, try runner.row(command: ["espalier"], version: "test", file: nil, latencyBatches: []))
  }

  /// What needs no labels does not look at them: the same bits with them and without.
  @Test func calibrationIsTheSameWithoutLabels() throws {
    let folder = try TemporaryDirectory()
    let (labelled, unlabelled, model) = try files(in: folder)
    for (criterion, repairs) in [
      ("entropy", [PruningPlan.Repair.meanReplacement(MeanReplacement())]), ("apoz", [.reconstruction(Reconstruction())]),
      ("activation", [.meanReplacement(MeanReplacement(form: .paper))]), ("l2", [.reconstruction(Reconstruction())]),
    ] {
      let with = try result(experiment(model, labelled, criterion: criterion, repairs: repairs, validation: 0))
      let without = try result(experiment(model, unlabelled, criterion: criterion, repairs: repairs))
      #expect(with.bytes == without.bytes && !with.bytes.isEmpty, "\(criterion)")
      #expect(with.row.agreement == nil)
    }
  }

  /// Distillation is then all of the loss: the same bits as with labels and a weight of 1; 0.9 is what it is with labels.
  @Test func distillationWithoutLabelsIsTheWholeLoss() throws {
    let folder = try TemporaryDirectory()
    let (labelled, unlabelled, model) = try files(in: folder)
    let whole = try result(experiment(model, labelled, recovery: plan(.epochs(2), Distillation(weight: 1)), validation: 0))
    let without = try result(experiment(model, unlabelled, recovery: plan(.epochs(2), Distillation())))
    let usual = try result(experiment(model, labelled, recovery: plan(.epochs(2), Distillation()), validation: 0))
    #expect(whole.bytes == without.bytes)
    #expect(usual.bytes != without.bytes)
    #expect(without.row.distillation == DistillationSummary(temperature: 4, weight: 1))
    #expect(usual.row.distillation == DistillationSummary(temperature: 4, weight: 0.9))
    #expect(without.row.text().contains("\ndistillation  from the unpruned network, at temperature 4; the whole loss\n"))
    #expect(try without.bytes != result(experiment(model, unlabelled)).bytes)
  }

  /// Without labels the row has no accuracy; how often both networks choose alike is counted here once more, one example at a time.
  @Test func theRowTellsHowOftenBothChooseAlike() throws {
    let folder = try TemporaryDirectory()
    let (_, unlabelled, model) = try files(in: folder)
    let (runner, _, row) = try result(experiment(model, unlabelled, criterion: "random"))
    let data = try #require(runner.data)
    #expect(!data.training.isLabelled && data.validation == nil && data.test == nil && data.training.classes == 3)
    func choices(_ model: Model) throws -> [Int64] {
      let executor = try Executor(model)
      var found: [Int64] = []
      for index in 0..<120 {
        let batch = try data.training.batch(of: [index], normalization: data.normalization)
        found += try executor.forward(batch.inputs).detached().argmax(1).array(Int64.self)
      }
      return found
    }
    let (before, after) = (try choices(ModelFile(contentsOf: model).model), try choices(runner.model))
    let same = zip(before, after).filter { $0 == $1 }.count
    #expect(row.agreement == Agreement(same: same, count: 120) && same < 120 && same > 0)
    #expect(row.dense.accuracyAtEnd == nil && row.pruned?.accuracyAtEnd == nil && row.stages.isEmpty)
    let percent = Format.percent(Double(same) / 120)
    #expect(
      row.text(width: 200).contains(
        "\nagreement    no labels: accuracy is unknown; both networks put the same class first for \(percent) of 120 examples\n"))
    #expect(
      row.text(width: 200).contains(
        "120 training, 0 validation, 0 test images; accuracy ± standard error; the training examples have no labels"))
    #expect(try RunRecord(json: Data(row.json().utf8)).agreement == row.agreement)
  }

  @Test func aResumedRunRemembersTheChoices() throws {
    let folder = try TemporaryDirectory()
    let (_, unlabelled, model) = try files(in: folder)
    let run = try experiment(model, unlabelled, recovery: plan(.epochs(2), Distillation()))
    let (unbroken, broken) = (try BrokenOffRun(run), try BrokenOffRun(run, breakingAfter: [5, 4, 9]))
    #expect(broken.file == unbroken.file)
    #expect(try broken.runner.agreement() == unbroken.runner.agreement() && unbroken.runner.agreement() != nil)
  }

  @Test func whatNeedsLabelsIsRefusedInWords() throws {
    let folder = try TemporaryDirectory()
    let (_, data, model) = try files(in: folder)
    func expect(_ words: String, _ experiment: Experiment) {
      #expect(throws: PlanError(words.replacingOccurrences(of: "DATA", with: data))) { _ = try Runner(experiment) }
    }
    expect(
      "criterion taylor needs labels, and DATA has none: of those that look at examples, apoz, entropy, obd go without",
      try experiment(model, data, criterion: "taylor"))
    expect(
      "criterion snip needs labels, and DATA has none: of those that look at examples, obd goes without",
      try experiment(model, data, criterion: "snip"))
    expect(
      "training needs labels, and DATA has none: give --distill, or prune without training",
      try experiment(model, data, recovery: plan(.epochs(1))))
    expect(
      "--distill-weight 0.5 needs labels, and DATA has none: leave it out",
      try experiment(model, data, recovery: plan(.epochs(1), Distillation(weight: 0.5))))
    expect(
      "--label-smoothing changes labels, and DATA has none: leave it out",
      try experiment(model, data, recovery: plan(.epochs(1), Distillation(), smoothing: 0.1)))
    expect(
      "--flatness needs labels, and DATA has none: leave it out", try experiment(model, data, flatness: MeasureFlatness()))
    #expect(throws: DatasetError.badRequest("--validation 20 needs labels to judge by, and \(data) has none")) {
      _ = try Runner(experiment(model, data, validation: 20))
    }
    // Where accuracy is all that is wanted.
    #expect(throws: DatasetError.badFile(path: folder.file("x.safetensors"), problem: "has no tensor \"y\"; it holds \"x\"")) {
      _ = try Experiment.evaluate(.file(model), on: DataPlan(dataset: data))
    }
  }
}
