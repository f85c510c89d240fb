import Experiments
import Foundation
import Networks
import Pruning
import Results
import TestSupport
import Testing
import Torch
import Training

struct StageTests {
  private let training = RegularizedTraining(TrainingPlan(length: .epochs(4), batchSize: 60, learningRate: .init(base: 0.001), seed: 3))
  private let recovery = RegularizedTraining(TrainingPlan(length: .epochs(1), batchSize: 60, learningRate: .init(base: 0.001), seed: 3))

  private func plan(_ timing: PruningPlan.Timing, method: String? = nil, granularity: Granularity = .weight) -> PruningPlan {
    PruningPlan(method: method, criterion: .magnitude, granularity: granularity, allocation: .global, amount: .total(0.5), timing: timing)
  }

  private func experiment(_ stages: [any Stage]) -> Experiment {
    Experiment(start: .network("lenet-300-100", weights: nil), data: DataPlan(dataset: "digits", subset: 300, seed: 3), stages: stages)
  }

  private func names(_ stages: [any Stage]) -> String { stages.map { type(of: $0).name }.joined(separator: " ") }

  @Test(arguments: [
    (PruningPlan.Timing.rounds(2, recovery: .epochs(1)), "train prune recover prune recover compact", "prune recover prune recover"),
    (.rounds(1, recovery: .epochs(0)), "train prune compact", "prune"),
    (.atStart(rounds: 3), "prune-at-start train compact", "prune-at-start"),
    (.during(every: .epochs(1)), "prune-in-training compact", ""),
    (.everyStep, "train-scores compact", ""),
  ])
  func timingsBecomeStages(timing: PruningPlan.Timing, trained: String, given: String) {
    #expect(names(MethodOptions(training: training, recovery: recovery, pruning: plan(timing)).stagesByTiming) == trained)
    // Units leave physically: nothing is left to cut out at the end.
    let units = MethodOptions(recovery: recovery, pruning: plan(timing, granularity: .unit))
    #expect(names(units.stagesByTiming) == given)
  }

  @Test func withoutPruningARunIsItsTraining() {
    #expect(names(MethodOptions(training: training).stagesByTiming) == "train")
    #expect(MethodOptions().stagesByTiming.isEmpty)
  }

  /// What a method makes of plans is written as the plans, as the first model files were.
  @Test(arguments: PruningMethod.all.map(\.name))
  func recipesOfMethodsAreTheirPlans(method: String) throws {
    let timings: [PruningPlan.Timing] = [.rounds(2, recovery: .epochs(1)), .atStart(rounds: 1), .during(every: .epochs(1)), .everyStep]
    for timing in timings {
      let run = Experiment(
        start: .network("lenet-300-100", weights: nil), data: nil, training: training.plan, slimming: 1e-4, l1: 1e-5,
        pruning: plan(timing, method: method), recovery: recovery.plan)
      let json = try run.json
      #expect(json.contains("\"l1\":1e-05") && json.contains("\"slimming\":0.0001") && !json.contains("\"stages\""), "\(json)")
      let back = try JSONDecoder().decode(Experiment.self, from: Data(json.utf8))
      #expect(back == run)
    }
  }

  /// A list that no method makes: two removals before one training.
  @Test func otherRecipesAreTheirStages() throws {
    let pruning = plan(.rounds(2, recovery: .epochs(0)))
    let lists: [[any Stage]] = [
      [Prune(pruning, round: 1, of: 2), Prune(pruning, round: 2, of: 2), Train(training)],
      // One field cannot say two strengths.
      [
        Train(training), Prune(plan(.rounds(1, recovery: .epochs(1))), round: 1, of: 1),
        Recover(RegularizedTraining(recovery.plan, l1: 1e-4), round: 1, of: 1), Compact(plan(.rounds(1, recovery: .epochs(1)))),
      ],
    ]
    for stages in lists {
      let run = experiment(stages)
      let json = try run.json
      let back = try JSONDecoder().decode(Experiment.self, from: Data(json.utf8))
      #expect(json.contains("\"stages\":[{") && back == run && names(back.stages) == names(stages), "\(json)")
    }
    #expect(experiment(lists[0]) != experiment(lists[1]))
  }

  @Test func anUnknownStageIsNamedWithThePossibleOnes() throws {
    let json = try experiment([Train(training), Train(training)]).json.replacing("\"stage\":\"train\"", with: "\"stage\":\"rest\"")
    let error = #expect(throws: DecodingError.self) { try JSONDecoder().decode(Experiment.self, from: Data(json.utf8)) }
    guard case .dataCorrupted(let context)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(
      context.debugDescription == "unknown stage \"rest\": choose one of train, prune-at-start, prune-in-training, train-scores, "
        + "train-gates, prune, recover, compact, meta-prune, train-on-dataset, vote-on-dataset, prune-on-datasets, "
        + "fit-heads, measure-flatness")
  }

  /// A list that plans cannot say runs, breaks off and goes on like any other.
  @Test func otherListsAreCarriedOut() throws {
    let pruning = plan(.rounds(2, recovery: .epochs(0)))
    let run = experiment([
      Prune(pruning, round: 1, of: 2), Prune(pruning, round: 2, of: 2), Train(training), Compact(pruning),
    ])
    let runner = try Runner(run)
    try runner.run()
    #expect(runner.state.trainings.map(\.phase) == ["sparse training"] && runner.state.events.count == 2)
    #expect(try MaskSet(runner.model).kept > 0 && runner.state.events.last?.kept == 25_100)
    let row = try runner.row(command: ["espalier"], version: "test", file: nil, latencyBatches: [])
    #expect(row.weights?.removed == 25_100 && row.steps == runner.state.trainings[0].iterations && row.layers?.count == 3)
    let files = try (BrokenOffRun(run).file, BrokenOffRun(run, breakingAfter: [7, 9]).file)
    #expect(files.0 == files.1)
  }

  /// A file of a later version still says which data it was trained on.
  @Test func theDataOfAnUnknownRecipeAreKnown() throws {
    let recipe = try experiment([Train(training), Train(training)]).json.replacing("\"stage\":\"train\"", with: "\"stage\":\"rest\"")
    let file = ModelFile(
      model: try Model(Architecture.parse("mlp:64-10"), seed: 1), history: [], preprocessing: nil, classes: [], recipe: recipe)
    let folder = try TemporaryDirectory()
    let path = folder.file("later.safetensors")
    try file.write(to: path)
    #expect(try Experiment.dataset(of: path) == "digits")
    // Without its weights, which may be a gigabyte and are read where they are needed.
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes.replaceSubrange(bytes.count - 4..<bytes.count, with: [0, 0, 0xC0, 0x7F])
    try bytes.write(to: URL(fileURLWithPath: path))
    #expect(throws: ModelFileError.self) { try ModelFile(contentsOf: path) }
    #expect(try Experiment.dataset(of: path) == "digits")
    let bare = folder.file("bare.safetensors")
    try TensorArchive(tensors: ["fc1.weight": Tensor([1], shape: [1])]).write(to: bare)
    #expect(
      throws: ModelFileError.reading(
        path: bare, problem: "it holds weights, but no network: give it as the weights of a network that is named")
    ) { try Experiment.dataset(of: bare) }
    #expect(throws: TensorArchiveError.reading(path: folder.path, problem: "it is a folder")) { try Experiment.dataset(of: folder.path) }
  }

  @Test func checkpointsKeepWhatStagesFoundOut() throws {
    var state = RunState()
    state[RandomWeights.self] = RandomWeights(count: 17)
    let json = String(decoding: try JSONEncoder().encode(state), as: UTF8.self)
    #expect(json.contains("\"randomWeights\":17") && json.contains("\"phase\":0"))
    let back = try JSONDecoder().decode(RunState.self, from: Data(json.utf8))
    #expect(back[RandomWeights.self]?.count == 17 && back[RegrowthReport.self] == nil)
  }
}
