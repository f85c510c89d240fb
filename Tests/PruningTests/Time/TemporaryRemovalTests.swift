import Datasets
import Networks
import TestSupport
import Testing
import Torch

@testable import Pruning
@testable import Training

/// Removals that disturb what they choose and leave it there, step by step in small trainings.
@Suite(.serialized) struct TemporaryRemovalTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func perceptron() throws -> Network {
    var builder = NetworkBuilder("tiny", input: .image(channels: 1, height: 4, width: 4))
    builder.flatten()
    builder.linear("fc1", 6)
    builder.activation(.tanh)
    builder.linear("fc2", 2)
    return try builder.network()
  }

  private func convolutional() throws -> Network {
    var builder = NetworkBuilder("tiny", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("conv", 8, kernel: 3, padding: 1)
    builder.batchNorm("bn")
    builder.activation(.tanh)
    builder.flatten()
    builder.linear("fc", 2)
    return try builder.network()
  }

  private func plan(_ granularity: Granularity, _ temporary: TemporaryRemoval, every: Int = 4) -> PruningPlan {
    PruningPlan(
      criterion: granularity == .weight ? .magnitude : .l2, granularity: granularity, allocation: .layer, amount: .perEvent(0.25),
      timing: .during(every: .iterations(every)), temporary: temporary, seed: 1)
  }

  /// What a training of 12 steps showed: every tensor after each step, those before each removal, and the removals.
  private struct Course {
    var after: [Int: [String: [Double]]] = [:]
    var before: [Int: [String: [Double]]] = [:]
    var events: [PruningEvent] = []
    var trainer: Trainer
    var hook: TemporaryRemovalHook

    func after(_ step: Int, _ name: String) throws -> [Double] { try #require(after[step]?[name]) }
    func before(_ step: Int, _ name: String) throws -> [Double] { try #require(before[step]?[name]) }
  }

  private func values(_ model: Model) throws -> [String: [Double]] {
    Dictionary(uniqueKeysWithValues: try model.tensors.map { ($0.key.description, try $0.value.doubles()) })
  }

  private func train(_ network: Network, _ plan: PruningPlan, masking: Bool = false) throws -> Course {
    let pixels = (0..<384).map { (index: Int) -> UInt8 in
      let value = index * 37 + index / 16 * 11
      return UInt8(value % 251)
    }
    let images = try ExampleSet(
      bytes: pixels, labels: (0..<24).map { $0 % 2 }, channels: 1, height: 4, width: 4, classNames: ["even", "odd"])
    let data = TrainingData(
      training: images, validation: images, test: nil, normalization: Normalization(mean: [0.5], deviation: [0.25]))
    let training = TrainingPlan(
      length: .iterations(12), batchSize: 8, optimizer: .adam(), learningRate: .init(base: 0.01), evaluateEvery: .iterations(12),
      augment: false)
    let pruner = try Pruner(plan, original: network)
    let model = try Model(network, seed: 4)
    let hook = try TemporaryRemovalHook(try #require(plan.temporary), pruner: pruner, model: model)
    var course = Course(trainer: try Trainer(training, model: model, data: data, hooks: [pruner, hook]), hook: hook)
    var (before, events): ([Int: [String: [Double]]], [PruningEvent]) = ([:], [])
    pruner.willPrune = { before[$0.iteration] = try values($0.model) }
    pruner.didPrune = { event, _ in events.append(event) }
    var after: [Int: [String: [Double]]] = [:]
    try course.trainer.run(afterStep: { after[$0.iteration] = try values($0.model) })
    (course.before, course.after, course.events) = (before, after, events)
    #expect(course.trainer.model.masks.isEmpty)
    return course
  }

  /// The places of the `count` smallest magnitudes among those that are not in `gone`.
  private func smallest(_ count: Int, _ values: [Double], without gone: Set<Int> = []) -> Set<Int> {
    Set(values.indices.filter { !gone.contains($0) }.sorted { abs(values[$0]) < abs(values[$1]) }.prefix(count))
  }

  private func zeros(_ values: [Double]) -> Set<Int> { Set(values.indices.filter { values[$0] == 0 }) }

  @Test(arguments: [0, 2]) func chosenWeightsAreZeroWhileTheyAreHeldAndTrainOn(hold: Int) throws {
    let course = try train(perceptron(), plan(.weight, TemporaryRemoval(.zero, hold: .iterations(hold))))
    // A quarter of 96 and of 12, then of 72 and of 9; at step 12 nothing is chosen.
    #expect(
      course.events.map(\.iteration) == [4, 8] && course.events.map(\.removed) == [27, 20] && course.events.map(\.kept) == [81, 61])
    #expect(course.events.allSatisfy { $0.isTemporary == true && $0.before != nil && $0.after != nil && $0.after != $0.before })
    let before = try course.before(4, "fc1.weight")
    let first = smallest(24, before)
    for step in 4...(4 + hold) { #expect(try zeros(course.after(step, "fc1.weight")) == first) }
    let freed = try course.after(5 + hold, "fc1.weight")
    #expect(zeros(freed).isEmpty)
    // The others were only trained, and by the first step after the removal already.
    let (then, next) = (try course.after(4, "fc1.weight"), try course.after(5, "fc1.weight"))
    #expect(before.indices.allSatisfy { first.contains($0) || then[$0] == before[$0] && next[$0] != before[$0] })
    let second = smallest(18, try course.before(8, "fc1.weight"), without: first)
    #expect(try zeros(course.after(8, "fc1.weight")) == second)
    #expect(course.after[8]?["fc1.bias"] == course.before[8]?["fc1.bias"])
  }

  @Test func restoredWeightsAreWhatTheyWere() throws {
    let course = try train(perceptron(), plan(.weight, TemporaryRemoval(.restore, hold: .iterations(3))))
    let (first, second) = (try course.before(4, "fc1.weight"), try course.before(8, "fc1.weight"))
    let chosen = smallest(24, first)
    for step in 4...6 { #expect(try zeros(course.after(step, "fc1.weight")) == chosen) }
    let restored = try course.after(7, "fc1.weight")
    #expect(chosen.allSatisfy { restored[$0] == first[$0] })
    // All that was chosen so far.
    let all = chosen.union(smallest(18, second, without: chosen))
    #expect(try zeros(course.after(8, "fc1.weight")) == all)
    let last = try course.after(11, "fc1.weight")
    #expect(all.allSatisfy { last[$0] == second[$0] } && zeros(last).isEmpty)
    #expect(try course.hook.state().keys.filter { $0.hasPrefix("before") }.isEmpty)
  }

  @Test(arguments: [0, 2]) func noiseHasTheDeviationOfTheOthers(hold: Int) throws {
    let course = try train(perceptron(), plan(.weight, TemporaryRemoval(.noise, hold: .iterations(hold))))
    let stream = try Generator(seed: SeedPurpose.noise.seed(from: 1) &+ 4)
    for (layer, count, shape) in [("fc1.weight", 24, [6, 16]), ("fc2.weight", 3, [2, 6])] {
      let before = try course.before(4, layer)
      let chosen = smallest(count, before)
      let others: [Double] = before.indices.filter { !chosen.contains($0) }.map { before[$0] }
      let mean: Double = others.reduce(0, +) / Double(others.count)
      let squares: [Double] = others.map { ($0 - mean) * ($0 - mean) }
      let deviation = (squares.reduce(0, +) / Double(others.count - 1)).squareRoot()
      let noise = try Tensor.empty(shape)
      try noise.fillNormal(deviation: deviation, generator: stream)
      let draws = try noise.doubles()
      let expected = before.indices.map { (index: Int) -> Double in
        chosen.contains(index) ? before[index] + draws[index] : before[index]
      }
      #expect(try relativeError(course.after(4, layer), expected) < 1e-6, "\(layer)")
    }
    // Drawn anew after each step: while it lasts, steps are large.
    func moved(_ step: Int) throws -> Double {
      let (a, b) = (try course.after(step - 1, "fc1.weight"), try course.after(step, "fc1.weight"))
      return zip(a, b).map { abs($0 - $1) }.max() ?? 0
    }
    for step in 5...7 { #expect(try (moved(step) > 0.05) == (step <= 4 + hold)) }
  }

  @Test func unitsKeepTheirNormsWhereTheyAreZeroed() throws {
    let course = try train(convolutional(), plan(.unit, TemporaryRemoval(.zero, hold: .iterations(1))))
    #expect(course.events.map(\.removed) == [2, 2] && course.events.map(\.kept) == [6, 4])
    func norms(_ values: [Double]) -> [Double] {
      (0..<8).map { (row: Int) -> Double in
        let squares = values[row * 9..<row * 9 + 9].map { $0 * $0 }
        return squares.reduce(0, +).squareRoot()
      }
    }
    let first = smallest(2, norms(try course.before(4, "conv.weight")))
    for step in 4...5 { #expect(try zeros(norms(course.after(step, "conv.weight"))) == first) }
    #expect(try zeros(norms(course.after(6, "conv.weight"))).isEmpty)
    for name in ["conv.bias", "bn.weight", "bn.bias", "bn.running_var"] { #expect(course.after[4]?[name] == course.before[4]?[name]) }
    let second = smallest(2, norms(try course.before(8, "conv.weight")), without: first)
    #expect(try zeros(norms(course.after(8, "conv.weight"))) == second)
    #expect(course.trainer.model.network == (try convolutional()))
  }

  @Test func unitsAreSilencedWholeWhereTheyAreRestored() throws {
    let course = try train(convolutional(), plan(.unit, TemporaryRemoval(.restore, hold: .iterations(2))))
    let before = try #require(course.before[4])
    let first = zeros(try course.after(4, "bn.weight"))
    #expect(try first.count == 2 && zeros(course.after(4, "conv.bias")).isSuperset(of: first))
    #expect(try zeros(course.after(5, "bn.bias")).isSuperset(of: first))
    let restored = try #require(course.after[6])
    for name in ["conv.bias", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"] {
      let (now, then) = (try #require(restored[name]), try #require(before[name]))
      #expect(first.allSatisfy { now[$0] == then[$0] }, "\(name)")
    }
    #expect(try zeros(course.after(8, "bn.weight")).count == 4)
  }

  @Test func forgedStatesAreRefused() throws {
    let course = try train(perceptron(), plan(.weight, TemporaryRemoval(.restore, hold: .iterations(3))))
    let state = try course.hook.state()
    try course.hook.restore(state)
    func refused(_ key: String, _ tensor: Tensor?, _ words: String? = nil) {
      var forged = state
      forged[key] = tensor
      #expect(throws: RecordError("its temporary removal is damaged: \(words ?? key)")) { try course.hook.restore(forged) }
    }
    refused("left", nil, "its parts")
    refused("chosen.fc9.weight", try Tensor.zeros([1], type: .int32), "its parts")
    refused("left", try Tensor([Int64(-1)], shape: [1]))
    refused("chosen.fc2.weight", try Tensor.zeros([3], type: .int32))
    refused("chosen.fc2.weight", try Tensor.full([2, 6], -1, type: .int32))
    refused("before.fc1.weight", try Tensor.zeros([6, 16]))
  }

  @Test func plansThatContradictItAreRefused() throws {
    func refused(_ words: String, _ change: (inout PruningPlan) -> Void) {
      var plan = plan(.unit, TemporaryRemoval(.zero))
      change(&plan)
      #expect(throws: PlanError(words)) { try plan.validate() }
    }
    refused("--temporary zero disturbs weights in a training: give --every, from one time to the next") {
      $0.timing = .rounds(2, recovery: .epochs(1))
    }
    refused("--temporary does not go with --repair: nothing is removed that leaves something to mend") {
      $0.repairs = [.meanReplacement(MeanReplacement())]
    }
    refused("--temporary does not go with --criterion activation, which sums over the steps between removals") {
      $0.criterion = .activation
    }
    refused("--temporary restore has no effect without --hold: give the steps after which weights come back, e.g. --hold 100it") {
      $0.temporary = TemporaryRemoval(.restore)
    }
    func late(_ hold: Step, _ words: String) throws {
      let span = try TrainingSpan(
        TrainingPlan(length: .iterations(22), batchSize: 8, learningRate: .init(base: 0.01)), perEpoch: 3)
      #expect(throws: PlanError(words)) { try plan(.unit, TemporaryRemoval(.noise, hold: hold), every: 10).checkTemporary(in: span) }
    }
    try late(.iterations(10), "--hold 10it lasts until the next removal, 10 steps later: give at most --hold 9it")
    try late(
      .epochs(1), "--hold 1ep lasts beyond the end, 2 steps after the last removal: give at most --hold 2it, or an earlier --until")
  }

  @Test func itsWords() {
    func words(_ temporary: TemporaryRemoval) -> String { plan(.unit, temporary).words }
    #expect(words(TemporaryRemoval(.zero)) == "units by l2, 25 % of each layer each time, every 4it, zeroed once instead of removed")
    #expect(words(TemporaryRemoval(.noise, hold: .epochs(1))).hasSuffix(", made noisy for 1ep instead of removed"))
    #expect(words(TemporaryRemoval(.restore, hold: .iterations(9))).hasSuffix(", silenced and restored after 9it instead of removed"))
  }
}
