import Datasets
import Foundation
import Networks
import Pruning
import Results
import Testing
import Torch
import Training

@Suite struct PenaltyProbeTests {
  /// Units say h₁ = x₁ and h₂ = x₂/2; the first logit is h₁ + 2h₂, the second 0; both examples, (1, 1) and (0, 1), are of class 0.
  /// So the loss is ln(1 + e^−d) with d = x₁ + x₂ = 2 and 1.
  private func tiny() throws -> (model: Model, data: PenaltyProbeData, training: TrainingData) {
    var builder = NetworkBuilder("tiny", input: .image(channels: 1, height: 1, width: 2))
    builder.flatten()
    builder.linear("fc1", 2)
    builder.linear("fc2", 2)
    let model = try Model(
      network: builder.network(),
      tensors: [
        ParameterName("fc1", .weight): Tensor([1, 0, 0, 0.5] as [Float], shape: [2, 2]),
        ParameterName("fc1", .bias): Tensor([0, 0] as [Float]),
        ParameterName("fc2", .weight): Tensor([1, 2, 0, 0] as [Float], shape: [2, 2]),
        ParameterName("fc2", .bias): Tensor([0, 0] as [Float]),
      ])
    let images = try ExampleSet(bytes: [255, 255, 0, 255], labels: [0, 0], channels: 1, height: 1, width: 2, classNames: ["a", "b"])
    let data = TrainingData(training: images, validation: nil, test: nil, normalization: Normalization(mean: [0], deviation: [1]))
    return (model, PenaltyProbeData(scoring: try data.evaluationBatches(images, channelsLast: false)), data)
  }

  @Test func eachPartOfTheDataIsDrawnFromItsSet() throws {
    let data = try ProbeFixtures.data()
    var probe = try PenaltyProbe(amounts: [.count(1)], layers: [.all], examples: 40, looksAtTest: true, seed: 9)
    probe.separate = true
    let drawn = try PenaltyProbeData(probe, from: data, channelsLast: false)
    #expect(drawn.scoring.set.count == 40 && drawn.measuring.set.count == 40)
    // All 24 test images there are.
    let test = try #require(drawn.test?.set)
    #expect(test.count == 24)
    let all = try data.evaluationBatches(try #require(data.test), channelsLast: false).batch(0).inputs.sum().item() as Double
    #expect(abs(try data.evaluationBatches(test, channelsLast: false).batch(0).inputs.sum().item() as Double - all) < 1e-3 * abs(all))
    #expect(try drawn.scoring.batch(0).inputs.bytes() != drawn.measuring.batch(0).inputs.bytes())
  }

  private func loss(_ margins: [Double]) -> Double { margins.map { log(1 + exp(-$0)) }.reduce(0, +) / Double(margins.count) }

  /// g = ∂L/∂h is −σ(−d) for h₁ and twice that for h₂: σ(−2) = 0.119, σ(−1) = 0.269.
  ///
  /// | scorer  | h₁                               | h₂                       | leaves |
  /// | l2      | 1                                | 0.5                      | h₂     |
  /// | rs      | ½·0.119 = 0.060                  | ½(0.119 + 0.269) = 0.194 | h₁     |
  /// | mrs     | ½(0.5·0.119 − 0.5·0.269) = −0.04 | 0                        | h₁     |
  /// | abs-rs  | 0.060                            | 0.194                    | h₁     |
  /// | abs-mrs | ½(0.5·0.119 + 0.5·0.269) = 0.10  | 0                        | h₂     |
  ///
  /// Without h₁ both margins are 1, with its mean ½ in the bias 1.5; without h₂ they are 1 and 0, with its mean 2·½ as before.
  @Test func penaltiesByHand() throws {
    try TorchRuntime.configure(threads: 1)
    let (model, data, _) = try tiny()
    let probe = try PenaltyProbe(
      scorers: ["l2", "rs", "mrs", "abs-rs", "abs-mrs"].map { try Criterion(named: $0) }, amounts: [.count(1)], layers: [.firstDense])
    let result = try probe.probe(model, on: data, step: 4)
    let before = loss([2, 1])
    let expected: [(String, Int, Double, Double)] = [
      ("l2", 1, loss([1, 0]), before), ("rs", 0, loss([1, 1]), loss([1.5, 1.5])), ("mrs", 0, loss([1, 1]), loss([1.5, 1.5])),
      ("abs-rs", 0, loss([1, 1]), loss([1.5, 1.5])), ("abs-mrs", 1, loss([1, 0]), before),
    ]
    #expect(result.rows.count == 10 && result.choices.count == 5)
    for (number, (scorer, unit, without, with)) in expected.enumerated() {
      let rows = Array(result.rows[(2 * number)..<(2 * number + 2)])
      #expect(rows.map(\.scorer) == [scorer, scorer] && rows.map(\.propagated) == [false, true])
      #expect(rows.map(\.step) == [4, 4] && rows.map(\.layers) == ["firstDense", "firstDense"])
      #expect(rows.map(\.amount) == [.count(1), .count(1)] && rows.map(\.removed) == [1, 1])
      #expect(abs(rows[0].penalty - (without - before)) < 1e-6, "\(scorer)")
      #expect(abs(rows[1].penalty - (with - before)) < 1e-6, "\(scorer)")
      #expect(result.choices[number].units == [unit] && result.choices[number].group == "fc1")
      // h₁² is 1 and 0, h₂² is ¼.
      #expect(result.choices[number].squaredActivations == [unit == 0 ? 0.5 : 0.25])
    }
  }

  /// Two layers at once: h₂ = x₂/2 and k₂ = (h₁ + h₂)/4 leave, of d = k₁ + 4·k₂ with k₁ = h₁.
  ///
  /// Examples (1, 1) and (0, 1): h₂ is ½ and k₂ is 0.375 and 0.125, on average ¼, in the *unpruned* model; without h₂, k₂ would be 0.25
  /// and 0. So d = 2.5 and 0.5 before, 1 and 0 without them, and 1 + 4·¼ = 2 and 1 with the means.
  @Test func severalLayersAtOnceUseMeansOfTheUnprunedModel() throws {
    try TorchRuntime.configure(threads: 1)
    var builder = NetworkBuilder("tiny", input: .image(channels: 1, height: 1, width: 2))
    builder.flatten()
    for (name, units) in [("fc1", 2), ("fc2", 2), ("fc3", 2)] { builder.linear(name, units, bias: false) }
    let model = try Model(
      network: builder.network(),
      tensors: [
        ParameterName("fc1", .weight): Tensor([1, 0, 0, 0.5] as [Float], shape: [2, 2]),
        ParameterName("fc2", .weight): Tensor([1, 0, 0.25, 0.25] as [Float], shape: [2, 2]),
        ParameterName("fc3", .weight): Tensor([1, 4, 0, 0] as [Float], shape: [2, 2]),
      ])
    let result = try PenaltyProbe(scorers: [Criterion(named: "l2")], amounts: [.count(1)]).probe(model, on: tiny().data)
    #expect(result.rows.map(\.removed) == [2, 2] && result.choices.map(\.units) == [[1], [1]])
    for (row, after) in zip(result.rows, [loss([1, 0]), loss([2, 1])]) {
      #expect(abs(row.lossBefore - loss([2.5, 0.5])) < 1e-6 && abs(row.lossAfter - after) < 1e-6)
    }
  }

  /// A step of plain SGD after h₂ has left: h = u·x₁ + v·x₂ + c with u = 1 and x₂ = 1, the margin is d = w·h + b with w = w₀ − w₁ = 1,
  /// p = σ(−d) for x₁ = 1 and 0, and all derivatives are means.
  @Test func aRetrainingPenaltyByHand() throws {
    try TorchRuntime.configure(threads: 1)
    let (model, data, training) = try tiny()
    let plan = TrainingPlan(length: .iterations(3), batchSize: 2, optimizer: .sgd(momentum: 0), learningRate: .init(base: 0.5))
    let trainer = try Trainer(plan, model: model, data: training)
    let probe = try PenaltyProbe(
      scorers: [Criterion(named: "l2")], amounts: [.count(1)], retraining: .init(steps: [1]))
    let result = try probe.probe(model, on: data, continuation: TrainingContinuation(of: trainer, data: training))
    #expect(result.rows.map(\.retrainSteps) == [0, 1, 0, 1])
    let p = [1 / (1 + exp(1.0)), 0.5]
    // ∂L/∂w₀ = −mean(p·h), ∂L/∂b₀ = −mean(p), the second logit's are opposite; ∂L/∂u = −mean(p·x₁), ∂L/∂v = ∂L/∂c = −mean(p).
    let (ph, mean) = (p[0] / 2, (p[0] + p[1]) / 2)
    let (u, c) = (1 + 0.5 * ph, 2 * 0.5 * mean)
    let (w, b) = (1 + 2 * 0.5 * ph, 2 * 0.5 * mean)
    #expect(abs(result.rows[1].lossAfter - loss([w * (u + c) + b, w * c + b])) < 1e-6)
  }

  @Test func theGivenModelIsUntouchedAndRandomnessIsOfTheStep() throws {
    try TorchRuntime.configure(threads: 1)
    let model = try ProbeFixtures.model()
    let before = try model.tensors.mapValues { try $0.bytes() }
    let probe = try ProbeFixtures.probe(.output)
    let data = try PenaltyProbeData(probe, from: ProbeFixtures.data(), channelsLast: true)
    let first = try probe.probe(model, on: data, step: 5)
    #expect(try model.tensors.mapValues { try $0.bytes() } == before)
    #expect(try probe.probe(model, on: data, step: 5) == first)
    // Six scorers with and without, two amounts, two sets of layers.
    #expect(first.rows.count == 6 * 2 * 2 * 2 && Set(first.rows.map(\.lossBefore)).count == 1)
    #expect(first.rows.allSatisfy { $0.meanAt == "output" && $0.testLossBefore != nil && $0.testLossAfter != nil })
    // Half of 6, 5 and 8 units; of the last convolution's 5.
    #expect(Set(first.rows.filter { $0.amount == .fraction(0.5) }.map { "\($0.layers) \($0.removed)" }) == ["all 10", "lastConv 3"])
    // Scores are the unpruned model's: a layer loses the same units alone and together with all others.
    func ofLastConvolution(_ layers: String) -> [[Int]] { first.choices.filter { $0.layers == layers && $0.group == "conv2" }.map(\.units) }
    #expect(ofLastConvolution("all").count == 12 && ofLastConvolution("all") == ofLastConvolution("lastConv"))
    let later = try probe.probe(model, on: data, step: 6)
    func chosen(_ result: PenaltyProbeResult, _ scorer: String) -> [[Int]] { result.choices.filter { $0.scorer == scorer }.map(\.units) }
    #expect(chosen(later, "random") != chosen(first, "random"))
    #expect(chosen(later, "abs-rs") == chosen(first, "abs-rs"))
  }

  /// A fraction that rounds to no unit at all costs exactly nothing.
  @Test func nothingRemovedCostsNothing() throws {
    let (model, data, _) = try tiny()
    let result = try PenaltyProbe(amounts: [.fraction(0.1)]).probe(model, on: data)
    #expect(result.rows.map(\.penalty) == Array(repeating: 0, count: 12) && !result.rows.contains(where: \.isInformative))
  }

  @Test func separateExamples() throws {
    let data = try ProbeFixtures.data()
    var probe = try ProbeFixtures.probe()
    let same = try PenaltyProbeData(probe, from: data, channelsLast: true)
    #expect(same.scoring === same.measuring && same.scoring.set.count == 20 && same.test?.set.count == 20)
    probe.separate = true
    probe.looksAtTest = false
    let two = try PenaltyProbeData(probe, from: data, channelsLast: true)
    #expect(two.scoring !== two.measuring && two.test == nil)
    #expect(try two.scoring.batch(0).inputs.bytes() != two.measuring.batch(0).inputs.bytes())
    let model = try ProbeFixtures.model()
    let before = try Executor(model).evaluate(two.measuring).loss
    #expect(abs((try probe.probe(model, on: two).rows.first?.lossBefore ?? 0) - before) < 1e-6)
  }

  @Test func setsOfLayers() throws {
    let network = try Architecture.parse("small-conv")
    let groups = try network.channelGroups().groups
    func names(_ text: String) throws -> [String] { try LayerSet(text).groups(among: groups, of: network).map(\.name) }
    #expect(try names("all") == ["conv1", "conv2", "conv3", "fc1", "fc2"])
    #expect(try ["firstConv", "midConv", "lastConv", "firstDense"].flatMap(names) == ["conv1", "conv2", "conv3", "fc1"])
    #expect(try names("*1") == ["conv1", "fc1"])
    for text in ["all", "midConv", "conv?"] {
      #expect(LayerSet(text).description == text)
      #expect(try JSONDecoder().decode(LayerSet.self, from: JSONEncoder().encode(LayerSet(text))) == LayerSet(text))
    }
    let (model, data, _) = try tiny()
    let error = #expect(throws: PruningError.self) { try PenaltyProbe(amounts: [.count(1)], layers: [.midConv]).probe(model, on: data) }
    #expect(error?.description == "--layers \"midConv\" matches no layer: choose from fc1")
  }

  @Test func impossibleProbes() throws {
    func words(_ make: () throws -> PenaltyProbe) -> String {
      do {
        _ = try make()
        return "none"
      } catch { return "\(error)" }
    }
    #expect(words { try PenaltyProbe(amounts: []) } == "a probe needs an amount to remove: give --fractions or --counts")
    #expect(
      words { try PenaltyProbe(amounts: [.fraction(1)]) }
        == "--fractions 1.0 is not a fraction: give a number from 0 up to, but not including, 1")
    #expect(words { try PenaltyProbe(amounts: [.count(0)]) } == "--counts 0 is impossible: give at least 1 unit")
    #expect(words { try PenaltyProbe(amounts: [.count(1)], examples: 0) } == "a probe of 0 examples is impossible: give at least 1")
    #expect(
      words { try PenaltyProbe(scorers: [], amounts: [.count(1)]) }
        == "a probe needs a scorer: choose from random, l2, rs, mrs, abs-rs, abs-mrs")
    #expect(
      words { try PenaltyProbe(amounts: [.count(1)], layers: []) }
        == "a probe needs layers: all, firstConv, midConv, lastConv, firstDense, or names")
    #expect(
      words { try PenaltyProbe(scorers: [Criterion(named: "activation")], amounts: [.count(1)]) }
        == "criterion activation cannot score a copy at one moment: choose another for a probe")
    #expect(
      words { try PenaltyProbe(amounts: [.count(1)], retraining: .init(steps: [0])) }
        == "a retraining of 0 steps is impossible: give 1 to 1000000")
    let (model, data, _) = try tiny()
    let probe = try PenaltyProbe(amounts: [.fraction(0.9)])
    #expect(throws: PruningError.emptied(layer: "fc1", asked: 2, present: 2)) { try probe.probe(model, on: data) }
  }
}
