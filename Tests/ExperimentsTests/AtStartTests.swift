import Foundation
import Networks
import Pruning
import Results
import TestSupport
import Testing
import Torch
import Training

@testable import Experiments

/// Pruning before any training.
@Suite(.serialized) struct AtStartTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func plan(_ criterion: Criterion, _ sparsity: Double, rounds: Int = 1, ignoring ignored: [String] = [], seed: UInt64 = 3)
    -> PruningPlan
  {
    PruningPlan(
      criterion: criterion, granularity: .weight, allocation: .global, amount: .total(sparsity), timing: .atStart(rounds: rounds),
      ignored: ignored, seed: seed)
  }

  /// Without data and training.
  private func run(_ network: String, _ plan: PruningPlan, note: @escaping (String) -> Void = { _ in }) throws -> (Runner, RunRecord) {
    let runner = try Runner(
      Experiment(start: .network(network, weights: nil), data: nil, training: nil, pruning: plan), options: .init(note: note))
    try runner.run()
    return (runner, try runner.row(command: ["espalier"], version: "test", file: nil, latencyBatches: []))
  }

  @Test(arguments: ["snip", "grasp"]) func theSparseNetworkIsWhatIsTrained(name: String) throws {
    func run(seed: UInt64) throws -> Runner {
      let training = TrainingPlan(
        length: .epochs(10), batchSize: 30, learningRate: LearningRateSchedule(base: 4e-3), seed: seed)
      var pruning = plan(try Criterion(named: name), 0.9, seed: seed)
      pruning.compact = false
      let runner = try Runner(
        Experiment(
          start: .network("mlp:64-40-20-10", weights: nil), data: DataPlan(dataset: "digits", seed: seed), training: training,
          pruning: pruning))
      try runner.run()
      return runner
    }
    let (first, again, other) = (try run(seed: 3), try run(seed: 3), try run(seed: 4))
    #expect(first.state.events.map(\.kept) == [356] && first.state.events.map(\.iteration) == [0])
    #expect(try first.model.facts().nonZeroWeights == 356)
    #expect(first.state.trainings.map(\.phase) == ["sparse training"] && first.state.denseTest == nil)
    let accuracy = try #require(try first.evaluateTest()).accuracy
    #expect(accuracy > 0.5, "\(accuracy)")
    func masks(_ runner: Runner) throws -> [String: [Bool]] {
      try runner.model.masks.reduce(into: [:]) { try $0[$1.key.description] = $1.value.array(Bool.self) }
    }
    #expect(try masks(first) == masks(again))
    #expect(try masks(first) != masks(other))
    let row = try first.row(command: ["espalier"], version: "test", file: nil, latencyBatches: [])
    #expect(row.layers?.map(\.total) == [2560, 800, 200] && row.layers?.reduce(0) { $0 + $1.kept } == 356)
    #expect(row.collapse == nil && !row.text().contains("density") && row.text(showsLayers: true).contains("\nlayer  kept"))
    #expect(row.dense.accuracyAtEnd == nil && row.pruned?.accuracyAtEnd != nil)
  }

  /// 78,000 weights, of which 8 stay, in layers whose fresh weights differ in size.
  @Test func manySmallStepsEmptyNoLayer() throws {
    let (_, kept) = try run("mlp:40-300-100-300-20", plan(.synflow, 0.9999, rounds: 100))
    #expect(kept.collapse == nil && kept.weights?.left == 8)
    let survivors = try #require(kept.layers)
    #expect(survivors.map(\.total) == [12000, 30000, 30000, 6000] && survivors.allSatisfy { $0.kept > 0 })
    var notes: [String] = []
    let (magnitude, emptied) = try run("mlp:40-300-100-300-20", plan(.magnitude, 0.9999, rounds: 100)) { notes.append($0) }
    let collapse = try #require(emptied.collapse)
    #expect(emptied.weights?.left == 8 && magnitude.state.events.count == 1)
    #expect(try #require(emptied.layers).contains { $0.kept == 0 })
    // Before all removals are done.
    #expect((2..<100).contains(collapse.removal) && collapse.compression > 1 && collapse.compression < 9750 && collapse.total == 78000)
    // d_k = d^{k/100}, rounded.
    #expect(collapse.kept == 78000 - Rounding.round.count(1 - pow(1e-4, Double(collapse.removal) / 100), of: 78000))
    let first = collapse.layers.joined(separator: ", ")
    #expect(notes.contains { $0.contains("COLLAPSED: ") && $0.contains("(first \(first), in removal \(collapse.removal) at compression ") })
    #expect(emptied.text().contains("\nCOLLAPSED    nothing flows through \(first) since removal \(collapse.removal), at compression "))
    #expect(emptied.text().contains("\nlayer  kept      of  density\n"))
    let json = try #require(try JSONSerialization.jsonObject(with: Data(emptied.json().utf8)) as? [String: Any])
    #expect((json["collapse"] as? [String: Any])?["removal"] as? Int == collapse.removal)
    #expect((json["layers"] as? [[String: Any]])?.count == 4)
    #expect(try RunRecord(json: Data(emptied.json().utf8)) == emptied)
  }

  @Test(arguments: [Criterion.magnitude, .synflow, .random]) func nothingLeftIsARecordAndNoError(criterion: Criterion) throws {
    // 0.9999·40 rounds to 40.
    let (runner, row) = try run("mlp:8-4-2", plan(criterion, 0.9999))
    #expect(row.weights?.left == 0 && row.collapse?.layers == ["fc1", "fc2"])
    #expect(row.layers?.map(\.kept) == [0, 0] && row.collapse?.compression == .infinity)
    #expect(row.text().contains("nothing flows through fc1, fc2 since removal 1, at compression ∞ (0 of 40 weights left)"))
    #expect(try row.json().contains("\"compression\" : \"inf\""))
    #expect(try runner.model.facts().nonZeroWeights == 0)
  }

  @Test(arguments: ["lenet-5", "resnet-8"]) func collapsedConvolutionsAreCompacted(network: String) throws {
    let (_, row) = try run(network, plan(.magnitude, 0.9995))
    #expect(row.collapse != nil && row.pruned != nil)
  }

  @Test func ignoredLayersDoNotCount() throws {
    // fc3 keeps its 200; of 3,360 others a tenth stays.
    let (_, row) = try run("mlp:64-40-20-10", plan(.synflow, 0.9, rounds: 5, ignoring: ["fc3"]))
    #expect(row.weights?.total == 3360 && row.weights?.removed == 3024)
    #expect(row.layers?.last == LayerSurvivors(layer: "fc3", kept: 200, of: 200))
  }

  @Test func tiesRemoveWhatIsAskedAndNoMore() throws {
    var model = try Model(Architecture.parse("mlp:8-4-2"), seed: 1)
    for (name, tensor) in model.tensors { model.tensors[name] = try tensor.onesLike() }
    let pruner = try Pruner(plan(.synflow, 0.5), original: model.network)
    let pruned = try pruner.prune(model, event: 1, of: 1, iteration: 0)
    // Every weight of fc1 scores 2, every one of fc2 8: 20 of the 32 in row-major order.
    #expect(pruned.event.removed == 20 && pruned.event.kept == 20)
    let mask = try #require(pruned.model.masks[ParameterName("fc1", .weight)]).array(Bool.self)
    #expect(mask == (0..<32).map { $0 >= 20 })
  }
}
