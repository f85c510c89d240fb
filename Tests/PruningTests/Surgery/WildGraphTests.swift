import Datasets
import Foundation
import Networks
import Pruning
import TestSupport
import Testing
import Torch
import Training

/// Everything that is done with a network, done with many random ones: `ESPALIER_RANDOM_GRAPHS=2000` for a long run, `…=2000-3000` for these
/// seeds. What fails names its seed and shows its network.
@Suite struct WildGraphTests {
  static let seeds: Range<UInt64> = {
    let given = (ProcessInfo.processInfo.environment["ESPALIER_RANDOM_GRAPHS"] ?? "").split(separator: "-").compactMap { UInt64($0) }
    return given.count == 2 ? given[0]..<max(given[0], given[1]) : 0..<(given.first ?? 60)
  }()

  static let data: TrainingData? = try? {
    let normalization = try Dataset.named("digits").normalization
    let images = try Dataset.load(name: "digits").train.subset(40, seed: 3)
    return TrainingData(training: images, validation: images, test: nil, normalization: normalization)
  }()

  /// What happened, so that a generator that makes nothing of interest is noticed.
  struct Tally: Equatable {
    var refused = 0
    var weights = 0
    var dead = 0
    var units = 0
    var trained = 0
  }

  @Test(arguments: 0..<10 as Range<UInt64>) func everyNetworkGoesThrough(block: UInt64) throws {
    try TorchRuntime.configure(threads: 1)
    var tally = Tally()
    for seed in Self.seeds where seed % 10 == block {
      do {
        var run = WildRun(seed: seed, data: try #require(Self.data))
        try run.run(&tally)
      } catch {
        let network = try JSONEncoder().encode(WildGraph.network(seed: seed))
        Issue.record("seed \(seed): \(error); the network is \(String(decoding: network, as: UTF8.self))")
      }
    }
    let count = Self.seeds.count / 10
    #expect(tally.weights >= count && tally.units >= count / 4 && tally.trained >= count, "\(tally)")
  }
}

/// One random network, from fresh weights to its files.
private struct WildRun {
  let seed: UInt64
  let data: TrainingData
  private var random: Seeded

  init(seed: UInt64, data: TrainingData) {
    self.seed = seed
    self.data = data
    random = Seeded(seed &* 77)
  }

  mutating func run(_ tally: inout WildGraphTests.Tally) throws {
    let network = try WildGraph.network(seed: seed)
    let type: ElementType = random.chance(0.3) ? .float64 : .float32
    let model = try random.chance(0.5) ? network.randomModel(seed: seed, type: type) : Model(network, seed: seed).cast(to: type)
    try step("file of the whole model") { try checkFile(model) }
    let masked = try step("weights") { try weightsLeave(model, &tally) }
    try step("training with masks") { try checkFile(trained(masked, &tally)) }
    let start = random.chance(0.3) ? masked : model
    if let small = try step("units", { try unitsLeave(start, &tally) }) {
      try step("training without units") { try checkFile(trained(small, &tally)) }
    }
  }

  private func step<Result>(_ name: String, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch { throw TorchError("\(name): \(error)") }
  }

  private mutating func plan(_ granularity: Granularity, _ amount: PruningPlan.Amount) -> PruningPlan {
    PruningPlan(
      criterion: granularity == .weight ? .magnitude : .l2, granularity: granularity, allocation: random.chance(0.6) ? .global : .layer,
      amount: amount, timing: .rounds(2, recovery: .iterations(0)), seed: seed)
  }

  private func pruner(_ plan: PruningPlan, _ model: Model) throws -> Pruner {
    let pruner = try Pruner(plan, original: model.network)
    pruner.examples = { [data] in try data.examples(20, seed: 1, channelsLast: model.network.hasConvolutions) }
    return pruner
  }

  /// Two removals of weights, then of what is dead; every cut is proved.
  private mutating func weightsLeave(_ model: Model, _ tally: inout WildGraphTests.Tally) throws -> Model {
    let pruner = try pruner(plan(.weight, .total([0.3, 0.6, 0.9, 0.98][random.below(4)])), model)
    var masked = model
    for event in 1...2 { masked = try pruner.prune(masked, event: event, of: 2, iteration: 0).model }
    let compacted = try pruner.compact(masked, iteration: 0)
    try checkFile(compacted.model)
    _ = try masked.compacted(duringTraining: true, seed: seed)
    tally.weights += 1
    if compacted.removal != nil { tally.dead += 1 }
    return masked
  }

  /// Two removals of units, perhaps repaired; nil where none can leave, or not so many.
  private mutating func unitsLeave(_ model: Model, _ tally: inout WildGraphTests.Tally) throws -> Model? {
    var plan = plan(random.chance(0.8) ? .unit : .filter, .perEvent([0.2, 0.5, 0.8][random.below(3)]))
    if random.chance(0.3) { plan.repairs.append(.meanReplacement(MeanReplacement(form: random.chance(0.5) ? .exact : .paper))) }
    if random.chance(0.3) { plan.repairs.append(.reconstruction(Reconstruction())) }
    if random.chance(0.3) { plan.repairs.append(.batchNorms) }
    do {
      let pruner = try pruner(plan, model)
      var small = model
      for event in 1...2 {
        small = try pruner.prune(small, event: event, of: 2, iteration: 0).model
        try checkFile(small)
      }
      let scan = SensitivityScan(.l1, granularity: .unit, fractions: [0.3, 0.9])
      let points = try scan.run(small, layers: small.unitScores(.l1, granularity: .unit)) { _ in Evaluation(loss: 0, correct: 0, count: 1) }
      guard points.allSatisfy({ $0.removed < $0.total }) else { throw TorchError("a scan has emptied a layer") }
      tally.units += 1
      return small
    } catch let error as PruningError {
      switch error {
      case .nothingToPrune, .emptied, .floors:
        tally.refused += 1
        return nil
      default: throw error
      }
    }
  }

  /// The model after two steps.
  private func trained(_ model: Model, _ tally: inout WildGraphTests.Tally) throws -> Model {
    let plan = TrainingPlan(
      length: .iterations(2), batchSize: 8, optimizer: .sgd(momentum: 0.9), learningRate: .init(base: 1e-4), augment: false, seed: seed)
    let trainer = try Trainer(plan, model: model.copied(), data: data)
    do { try trainer.run() } catch TrainingError.nonFiniteLoss {
      tally.refused += 1
      return model
    }
    tally.trained += 1
    return trainer.model
  }

  /// What is read is what was written: the graph, where it came from, and every bit.
  private func checkFile(_ model: Model) throws {
    try withTemporaryDirectory { folder in
      let file = ModelFile(model: model)
      try file.write(to: folder + "/a.st")
      let read = try ModelFile(contentsOf: folder + "/a.st")
      try read.write(to: folder + "/b.st")
      let (one, other) = (FileManager.default.contents(atPath: folder + "/a.st"), FileManager.default.contents(atPath: folder + "/b.st"))
      guard one == other, read.model.network == model.network else { throw TorchError("the file gives back another model") }
    }
  }
}
