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

@Suite(.serialized) struct IntersectionTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func row(_ runner: Runner) throws -> RunRecord {
    try runner.row(command: ["espalier"], version: "0", file: nil, latencyBatches: [])
  }

  /// 16 units lose a quarter three times: 12, 9, 7 by the exact curve.
  @Test func oneAfterTheOther() throws {
    let folder = try TemporaryDirectory()
    let sequence = DataSequence(datasets: try SequenceFixtures.datasets(folder), headFit: HeadFit(steps: 60))
    let runner = try Runner(SequenceFixtures.experiment(sequence))
    try runner.run()
    let row = try row(runner)
    let found = try #require(row.sequence)
    #expect(found.changes.map(\.dataset) == [0, nil, 1, nil, 0, nil, 1] && found.changes.map(\.pass) == [1, 1, 1, 1, 2, 2, 2])
    #expect(found.changes.map(\.left) == [16, 12, 12, 9, 9, 7, 7] && row.units?.removed == 9 && row.units?.total == 16)
    // 200 digits are ten batches of 20, 80 colours four, twice each.
    #expect(found.changes.map(\.step) == [20, 20, 28, 28, 48, 48, 56] && runner.state.events.map(\.iteration) == [20, 28, 48])
    #expect(
      found.changes.map { $0.accuracies.map { $0 != nil } } == [[true, false], [true, false]] + Array(repeating: [true, true], count: 5))
    #expect(found.changes.last?.accuracies.map { $0?.count } == [100, 40])
    #expect(found.datasets.map(\.training) == [200, 80] && found.datasets.map(\.validation) == [100, 40])
    #expect(found.datasets.map(\.classes) == [10, 4] && found.datasets.map(\.test) == [360, 0])
    #expect(
      found.datasets.map(\.adaptation) == ["grey repeated to 3 channels, black border, from 8×8 to 10×10", nil] && found.votes.isEmpty)
    #expect(found.changes.map { $0.training?.count } == [200, nil, 80, nil, 200, nil, 80])
    #expect(found.changes[6].training.map { $0.fraction > 0.9 } == true)
    // What was learned is known at the end of each training: in forty steps, far more than chance.
    #expect(found.afterTraining(on: 0).count == 2 && found.afterTraining(on: 1).count == 2)
    let last = found.datasets.indices.map { found.afterTraining(on: $0).last?.fraction ?? 0 }
    #expect(last[0] > 0.2 && last[1] > 0.9, "\(last)")
    // Each removal knows what it cost on the data set just trained on.
    #expect(
      runner.state.events.map { $0.before?.count } == [100, 40, 100] && runner.state.events.map { $0.after?.count } == [100, 40, 100])
    #expect(runner.state.events[0].before?.correct == found.changes[0].accuracies[0]?.correct)
    #expect(runner.state.events[0].after?.correct == found.changes[1].accuracies[0]?.correct)
    #expect(runner.state.events.allSatisfy { $0.proof.map { $0 < 1e-5 } ?? false })
    // The model is that of the last data set; the row's first table compares networks with that last layer.
    #expect(try runner.model.network.classes == 4 && runner.classes.count == 4 && row.dense.parameters == 301 * 16 + 17 * 4)
    #expect(row.pruned?.parameters == 301 * 7 + 8 * 4 && row.dense.accuracyAtEnd == nil)
    #expect(row.data?.name.hasPrefix("digits, tensors:") == true && row.data?.training == 280 && row.data?.validation == 140)
    #expect(found.datasets[0].testAtEnd?.count == 360 && found.datasets[1].testAtEnd == nil)
    let fits = found.datasets.compactMap(\.fit)
    #expect(fits.count == 2 && fits.map(\.examples) == [200, 80] && fits[1].accuracy > 0.5 && fits[1].accuracy > fits[1].start, "\(fits)")
    #expect(row.text().contains("accuracy after") && row.text().contains("\nadapted  ") && row.text().contains("\ndata sets  "))
  }

  /// What a last layer does not read any more leaves it, whichever data set it belongs to: its accuracy is that of the network with the
  /// same rows, and is the same again from the file's tensors.
  @Test func keptLastLayersLoseTheInputsThatLeave() throws {
    let folder = try TemporaryDirectory()
    let sequence = DataSequence(datasets: try SequenceFixtures.datasets(folder), passes: 1)
    let runner = try Runner(SequenceFixtures.experiment(sequence))
    runner.aside = [
      "head.0.weight": try Tensor((0..<160).map { Float($0) }, shape: [10, 16]), "head.1.weight": try Tensor.zeros([4, 16]),
    ]
    let groups = try runner.model.network.channelGroups().groups
    let cut = try Surgeon.operate(
      SurgeryPlan(removals: [groups[0].name: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]]), on: runner.model, groups: groups, seed: 1)
    runner.model = cut.model
    try runner.cutHeads(by: cut.slices)
    let left: [Float] = (0..<10).flatMap { (row: Int) -> [Float] in [Float(row * 16 + 14), Float(row * 16 + 15)] }
    #expect(try runner.aside["head.0.weight"]?.array(Float.self) == left)
    #expect(runner.aside["head.1.weight"]?.shape == [4, 2])
  }

  @Test func rememberedOrFresh() throws {
    let folder = try TemporaryDirectory()
    let plans = try SequenceFixtures.datasets(folder)
    func after(_ heads: DataSequence.Heads) throws -> (Runner, Tensor) {
      let runner = try Runner(SequenceFixtures.experiment(DataSequence(datasets: plans, heads: heads)))
      try runner.use(dataset: 0)
      runner.model = try runner.withHead(of: 0, number: 0, runner.model)
      let head = try #require(runner.model.head).weight
      return (runner, head)
    }
    let (remembered, first) = try after(.remembered)
    let (fresh, second) = try after(.fresh)
    #expect(try first.shape == [10, 16] && first.array(Float.self) == second.array(Float.self))
    // Drawn again for a later training it is the same if remembered (nothing is kept yet), and another if fresh.
    let again = try #require(try remembered.withHead(of: 0, number: 2, remembered.model).head).weight
    let other = try #require(try fresh.withHead(of: 0, number: 2, fresh.model).head).weight
    #expect(try again.array(Float.self) == first.array(Float.self) && other.array(Float.self) != first.array(Float.self))
    // Kept, it comes back as it was.
    try remembered.keepHead(of: 0)
    remembered.model = try remembered.withHead(of: 1, number: 1, remembered.model)
    #expect(try remembered.model.network.classes == 4)
    let back = try #require(try remembered.withHead(of: 0, number: 2, remembered.model).head).weight
    #expect(try back.array(Float.self) == first.array(Float.self))
  }

  /// With steps too small to move anything, a second training ends with the last layer that it began with: the first one, or another draw.
  @Test(arguments: DataSequence.Heads.allCases) func whatASecondTrainingBeginsWith(heads: DataSequence.Heads) throws {
    let folder = try TemporaryDirectory()
    let sequence = DataSequence(datasets: try SequenceFixtures.datasets(folder), heads: heads)
    var training = try #require(SequenceFixtures.experiment(sequence).training)
    training.plan.learningRate.base = 1e-12
    let runner = try Runner(SequenceFixtures.experiment(sequence))
    var kept: [[Float]] = []
    for segment in [0, 2] {
      try TrainOnDataset(training, sequence, segment: segment).carryOut(in: runner)
      kept.append(try runner.aside["head.0.weight"]?.array(Float.self) ?? [])
    }
    let difference = zip(kept[0], kept[1]).map { abs($0 - $1) }.max() ?? 0
    #expect(kept.map(\.count) == [160, 160] && (heads == .remembered ? difference < 1e-6 : difference > 0.01), "\(difference)")
  }

  /// Votes before each pass: 16, 12, 9 units, every branch from the same weights, and the branches leave no trace in them.
  @Test func byMajority() throws {
    let folder = try TemporaryDirectory()
    let sequence = DataSequence(datasets: try SequenceFixtures.datasets(folder), keepIf: .majority, headFit: HeadFit(steps: 5))
    #expect(sequence.removals == 2)
    let experiment = SequenceFixtures.experiment(sequence)
    let runner = try Runner(experiment)
    try runner.run()
    let found = try #require(try row(runner).sequence)
    #expect(found.changes.map(\.dataset) == [nil, 0, 1, nil, 0, 1] && found.changes.map(\.pass) == [1, 1, 1, 2, 2, 2])
    #expect(found.changes.map(\.left) == [12, 12, 12, 9, 9, 9] && found.votes.map(\.removed) == [4, 3])
    #expect(runner.state.trainings.map(\.phase).count(where: { $0.hasPrefix("vote of") }) == 4 && runner.state.trainings.count == 8)
    #expect(runner.aside.keys.allSatisfy { $0.hasPrefix("head.") } && runner.state.events.map { $0.before == nil } == [true, true])
    // Both keep 12 of 16: at least 8 have both votes, and those without any vote, at most 4, leave first.
    for vote in found.votes { #expect(vote.overruled <= vote.removed && vote.spared <= 4) }
  }

  /// A branch begins with the weights of the pass and ends with them: after both votes the model is still the initial one.
  @Test func branchesAreGivenUp() throws {
    let folder = try TemporaryDirectory()
    let sequence = DataSequence(datasets: try SequenceFixtures.datasets(folder), passes: 1, keepIf: .atLeast(1))
    var experiment = SequenceFixtures.experiment(sequence)
    experiment.stages = Array(experiment.stages.prefix(2))
    #expect(experiment.stages.allSatisfy { $0 is VoteOnDataset })
    // The sequence is known from its trainings, of which one must be left.
    experiment.stages.append(TrainOnDataset(try #require(experiment.training), sequence, segment: 0))
    let runner = try Runner(experiment)
    let start = try runner.model.copied()
    runner.state.stage = 0
    for stage in experiment.stages.prefix(2) {
      if runner.pruner == nil { try runner.preparePruner() }
      try stage.carryOut(in: runner)
      for (name, tensor) in runner.model.tensors {
        #expect(try tensor.flattened().array(Float.self) == start.tensor(name).flattened().array(Float.self), "\(name)")
      }
    }
    #expect(try runner.ballot?.votes.values.map { try $0.sum().item() } == [24])
  }

  /// Weights of the shared layers leave, and the last layer, which must be left alone, keeps all of its own.
  @Test func weights() throws {
    let folder = try TemporaryDirectory()
    let sequence = DataSequence(datasets: try SequenceFixtures.datasets(folder), headFit: HeadFit(steps: 5))
    let head = try #require(try Architecture.parse("mlp:300-16-4").head).module
    let experiment = SequenceFixtures.experiment(
      sequence, granularity: .weight, criterion: .magnitude, amount: .total(0.8), ignoring: [head])
    let runner = try Runner(experiment)
    try runner.run()
    let found = try #require(try row(runner).sequence)
    #expect(found.changes.last?.left == 960 && found.things == "weights" && runner.state.events.last?.kept == 960)
    #expect(runner.model.masks.keys.allSatisfy { $0.module != head })
    // The same seed, the same bits.
    let again = try Runner(experiment)
    try again.run()
    for (name, tensor) in runner.model.tensors {
      #expect(try tensor.flattened().array(Float.self) == again.model.tensor(name).flattened().array(Float.self))
    }
    #expect(throws: PlanError("weights of the last layer belong to one data set: add \(head) to the layers that are left alone")) {
      _ = try Runner(
        SequenceFixtures.experiment(sequence, granularity: .weight, criterion: .magnitude, amount: .total(0.8)))
    }
  }

  /// One data set drawn anew for each training: other examples, and validation images that stay.
  @Test func resampling() throws {
    let sequence = DataSequence(
      datasets: [DataPlan(dataset: "digits", validation: 100, seed: 3)], passes: 3, resample: 150, headFit: HeadFit(steps: 5))
    let runner = try Runner(SequenceFixtures.experiment(sequence, network: "mlp:64-16-10"))
    var labels: [[Int64]] = []
    for segment in 0..<3 {
      try runner.use(dataset: 0, segment: segment)
      #expect(runner.data?.training.count == 150 && runner.data?.validation?.count == 100 && runner.data?.test == nil)
      labels.append(runner.data?.training.labels ?? [])
    }
    #expect(Set(labels).count == 3)
    try runner.run()
    let found = try #require(try row(runner).sequence)
    #expect(found.changes.map(\.left) == [16, 12, 12, 9, 9] && found.datasets.map(\.training) == [150])
    #expect(found.words == "3 passes over 1 data set, 150 examples drawn with replacement for each training, last layers remembered")
  }

  /// Nothing asked, nothing removed: the baseline without pruning.
  @Test func withoutPruning() throws {
    let folder = try TemporaryDirectory()
    let sequence = DataSequence(datasets: try SequenceFixtures.datasets(folder), headFit: HeadFit(steps: 5))
    let runner = try Runner(SequenceFixtures.experiment(sequence, amount: .perEvent(0)))
    try runner.run()
    let row = try row(runner)
    #expect(row.sequence?.changes.map(\.left) == Array(repeating: 16, count: 7) && row.units?.removed == 0)
  }

  @Test func aModelFileGoesOnWithItsOwnLastLayer() throws {
    let folder = try TemporaryDirectory()
    let plans = try SequenceFixtures.datasets(folder)
    let path = folder.file("m.safetensors")
    let data = try plans[0].load().adapted(to: [3, 10, 10])
    let model = try Model(Architecture.parse("mlp:300-16-10"), seed: 1)
    try ModelFile(model: model, preprocessing: data.preprocessing, classes: data.training.classNames).write(to: path)
    var experiment = SequenceFixtures.experiment(DataSequence(datasets: plans, passes: 1))
    experiment.start = .file(path)
    let runner = try Runner(experiment)
    #expect(try runner.model.network.classes == 4)
    let head = try #require(model.head)
    #expect(try runner.aside["head.0.weight"]?.array(Float.self) == head.weight.array(Float.self) && runner.aside["head.1.weight"] == nil)
    try runner.run()
    #expect(try row(runner).sequence?.changes.map(\.left) == [16, 12, 12])
  }

  /// The file of a run on several data sets says in which shape they were; elsewhere another shape is refused.
  @Test func itsFileIsEvaluatedInTheCommonShape() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("m.safetensors")
    let sequence = DataSequence(datasets: try SequenceFixtures.datasets(folder).reversed(), passes: 1, headFit: HeadFit(steps: 5))
    let runner = try Runner(SequenceFixtures.experiment(sequence, network: "mlp:300-16-10"))
    try runner.run()
    try runner.file().write(to: path)
    var notes: [String] = []
    let digits = DataPlan(dataset: "digits", seed: 3)
    let found = try Experiment.evaluate(.file(path), on: digits) { notes.append($0) }
    #expect(found.evaluation.correct == (try row(runner)).sequence?.datasets[1].testAtEnd?.correct && found.evaluation.count == 360)
    #expect(notes == ["digits: grey repeated to 3 channels, black border, from 8×8 to 10×10"])
    var file = runner.file()
    file.recipe = nil
    try file.write(to: path)
    #expect {
      _ = try Experiment.evaluate(.file(path), on: digits)
    } throws: {
      "\($0)" == "\(path) holds a network for 3×10×10 inputs and 10 classes; digits has 1×8×8 images and 10 classes"
    }
  }

  @Test func whatIsRefused() throws {
    let plans = [DataPlan(dataset: "mnist"), DataPlan(dataset: "kmnist")]
    func problem(_ sequence: DataSequence) -> String {
      do { try sequence.validate() } catch { return "\(error)" }
      return "no error"
    }
    #expect(problem(DataSequence(datasets: plans)) == "no error")
    #expect(problem(DataSequence(datasets: [])) == "a sequence of 0 data sets is impossible: give 1 to 100")
    #expect(problem(DataSequence(datasets: plans, passes: 0)) == "--passes 0 is impossible: give 1 to 10000")
    #expect(
      problem(DataSequence(datasets: [plans[0]], passes: 1))
        == "one data set in one pass leaves no removal between trainings: give --passes 2 or more")
    #expect(
      problem(DataSequence(datasets: [plans[0], plans[0]])) == "--datasets names mnist twice: --passes repeats the whole sequence")
    #expect(
      problem(DataSequence(datasets: [plans[0]], keepIf: .majority))
        == "--keep-if majority needs several data sets to vote: give --datasets")
    #expect(problem(DataSequence(datasets: plans, keepIf: .atLeast(3))) == "--keep-if 3 is impossible: of 2 data sets, give 1 to 2")
    for count in [0, 10_000_001, 99_999_999_999, .max] {
      #expect(problem(DataSequence(datasets: plans, resample: count)) == "--resample \(count) is impossible: give 1 to 10000000 examples")
    }
    #expect(problem(DataSequence(datasets: plans, resample: 10_000_000)) == "no error")
    #expect(problem(DataSequence(datasets: plans, headFit: HeadFit(steps: 0))) == "--head-steps 0 is impossible: give 1 to 100000")
  }

  @Test func refusedOnceTheDataAreKnown() throws {
    let folder = try TemporaryDirectory()
    func problem(_ plans: [DataPlan], network: String) -> String {
      do { _ = try Runner(SequenceFixtures.experiment(DataSequence(datasets: plans), network: network)) } catch { return "\(error)" }
      return "no error"
    }
    var plans = try SequenceFixtures.datasets(folder)
    #expect(problem(plans, network: "mlp:300-16-10") == "network mlp:300-16-10 has 10 outputs, \(plans[1].dataset) has 4 classes")
    #expect(
      problem(plans.reversed(), network: "lenet-5").hasPrefix(
        "network lenet-5 takes 1×28×28 images, digits, brought to the shape of \(plans[1].dataset), has 3×10×10"))
    #expect(problem(plans.reversed(), network: "mlp:300-16-4") == "network mlp:300-16-4 has 4 outputs, digits has 10 classes")
    plans[1].validation = 0
    #expect(
      problem(plans, network: "mlp:300-16-4")
        == "\(plans[1].dataset) has neither validation nor test images, by which a sequence is judged: give --validation")
    let endless = Network(
      name: "endless",
      nodes: [
        .init(name: "x", operation: .input(.vector(300)), inputs: []), .init(name: "fc", operation: .linear(Linear(300, 4)), inputs: ["x"]),
        .init(name: "relu", operation: .activation(.relu), inputs: ["fc"]),
      ], outputs: ["relu"])
    #expect(throws: PlanError("a data set of a sequence has a last layer of its own: endless does not end in a linear layer")) {
      try DataSequence(datasets: plans).check(on: Model(endless, seed: 1), [], training: nil)
    }
  }

  /// In recipes the plans stand beside each other, and give the same stages again.
  @Test func recipes() throws {
    let plans = [DataPlan(dataset: "mnist", subset: 100), DataPlan(dataset: "kmnist", subset: 100)]
    for rule in [KeepRule.all, .majority, .atLeast(2)] {
      let experiment = SequenceFixtures.experiment(DataSequence(datasets: plans, passes: 3, heads: .fresh, keepIf: rule, resample: 50))
      let json = try experiment.json
      #expect(json.contains("\"keepIf\":\"\(rule)\"") && !json.contains("\"stages\""))
      #expect(try JSONDecoder().decode(Experiment.self, from: Data(json.utf8)) == experiment)
    }
    #expect(KeepRule("0") == nil && KeepRule("most") == nil && KeepRule("2") == .atLeast(2))
  }
}
