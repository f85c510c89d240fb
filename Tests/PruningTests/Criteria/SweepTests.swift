import Datasets
import Foundation
import Networks
import Pruning
import TestSupport
import Testing
import Torch
import Training

struct SweepTests {
  /// a = x, logits = a, by identity weights. With ℓ = ln 3:
  ///
  ///     a           label  softmax      g = p − 1[label]   g·a
  ///     (1, 1)      0      (1/2, 1/2)   (−1/2,  1/2)       (−1/2,  1/2)
  ///     (3, 3)      1      (1/2, 1/2)   ( 1/2, −1/2)       ( 3/2, −3/2)
  ///     (ℓ, 0)      1      (3/4, 1/4)   ( 3/4, −3/4)       (3ℓ/4,  0  )
  ///
  /// ā = ((4 + ℓ)/3, 4/3).
  private func twoUnits() throws -> (model: Model, batches: [Batch]) {
    let images = try Tensor([1, 1, 3, 3, log(3), 0] as [Double], shape: [3, 2])
    let labels = try Tensor([0, 1, 1] as [Int64])
    return (try identity(2), try [(0, 1), (1, 2)].map { try part(images, labels, $0.0, $0.1) })
  }

  private func identity(_ width: Int) throws -> Model {
    let network = try TinyNetworks.mlp([width, width, width], bias: false).withoutActivations()
    let identity = (0..<width * width).map { $0 % (width + 1) == 0 ? 1.0 : 0 }
    return try Model(
      network: network,
      tensors: [
        ParameterName("fc1", .weight): Tensor(identity, shape: [width, width]),
        ParameterName("fc2", .weight): Tensor(identity, shape: [width, width]),
      ])
  }

  private func part(_ images: Tensor, _ labels: Tensor, _ start: Int, _ count: Int) throws -> Batch {
    Batch(inputs: try images.narrowed(0, from: start, length: count), labels: try labels.narrowed(0, from: start, length: count))
  }

  private func statistics(_ names: [String]) throws -> Set<SweepStatistic> {
    try names.reduce(into: Set()) { try $0.formUnion(Criterion(named: $1).statistics(for: .unit)) }
  }

  @Test func scoresOfTwoUnitsByHand() throws {
    let (model, batches) = try twoUnits()
    let l = log(3.0)
    let norm = ((1 + 0.75 * l) * (1 + 0.75 * l) + 1).squareRoot() / 3
    let expected: [(criterion: String, scores: [Double])] = [
      ("rs", [-(1 + 0.75 * l) / 3, 1 / 3]), ("abs-rs", [(2 + 0.75 * l) / 3, 2 / 3]),
      // Unit 0: (3/4·ā − 1 − 3ℓ/4)/3. Unit 1: (−3/4·4/3 + 1)/3.
      ("mrs", [-l / 6, 0]),
      // Unit 0: 1/2·(ā − 1) + 1/2·(3 − ā) + 3/4·(ā − ℓ) = 2 − ℓ/2. Unit 1: 1/2·1/3 + 1/2·5/3 + 3/4·4/3.
      ("abs-mrs", [(2 - l / 2) / 3, 2 / 3]),
      // Unit 1 is 0 once.
      ("apoz", [1, 2 / 3]),
      // Three values in three bins.
      ("entropy", [l, l]),
      // ∂L/∂w_u = (E[g_u·x_0], E[g_u·x_1]) = ±((1 + 3ℓ/4)/3, 1/3).
      ("gradient-norm", [norm, norm]),
      // The batches' means of Σ g·w: unit 0 −1/2 and (3/2 + 3ℓ/4)/2, unit 1 1/2 and −3/4; the second counts twice.
      ("taylor", [(0.25 + 2 * (0.75 + 0.375 * l) * (0.75 + 0.375 * l)) / 3, (0.25 + 2 * 0.5625) / 3]),
    ]
    let result = try model.sweep(batches, statistics: statistics(expected.map(\.criterion)), layers: ["fc1"])
    for (name, scores) in expected {
      let found = try #require(try result.scores(Criterion(named: name))["fc1"]).doubles()
      for (score, right) in zip(found, scores) { #expect(abs(score - right) < 1e-14, "\(name): \(found), not \(scores)") }
    }
    let signed = try result.scores(Criterion(named: "taylor", options: [.signed]))
    #expect(relativeError(try #require(signed["fc1"]).doubles(), expected[0].scores) < 1e-14)
    #expect(abs(result.evaluation.loss - 4 * log(2) / 3) < 1e-14)
    #expect(relativeError(try result.layers[0].meanActivations().doubles(), [(4 + l) / 3, 4 / 3]) < 1e-15)
  }

  @Test func meanSquaresByHand() throws {
    let (model, batches) = try twoUnits()
    let layer = try #require(try model.sweep(batches, statistics: [.activationSquares], layers: ["fc1"]).layers.first)
    #expect(relativeError(try layer.meanSquaredActivations().doubles(), [(10 + log(3) * log(3)) / 3, 10.0 / 3]) < 1e-15)
    #expect(layer.examples == 3 && layer.units == 2 && layer.positions == 1)
  }

  /// Values 0, 0, 1, 1/2: half of the examples in bin 0, a quarter in bin 99 and in bin 50. And a unit that never changes.
  @Test func entropyByHand() throws {
    let images = try Tensor([0, 7, 0, 7, 1, 7, 0.5, 7] as [Double], shape: [4, 2])
    let batch = Batch(inputs: images, labels: try Tensor([0, 1, 0, 1] as [Int64]))
    let scores = try identity(2).sweep([batch], statistics: [.pooledActivations]).scores(Criterion(named: "entropy"))
    let found = try #require(scores["fc1"]).doubles()
    #expect(abs(found[0] - 1.5 * log(2)) < 1e-14 && found[1] == 0)
  }

  /// One weight w = 2, x = 1, logits (c·w, 0) with c = ln 3/2, so p = (3/4, 1/4) and ∂²L/∂w² = c²·p(1 − p) = 3·ln²3/64.
  @Test func curvatureByHand() throws {
    let network = try TinyNetworks.mlp([1, 1, 2], bias: false).withoutActivations()
    let model = try Model(
      network: network,
      tensors: [
        ParameterName("fc1", .weight): Tensor([2] as [Double], shape: [1, 1]),
        ParameterName("fc2", .weight): Tensor([log(3) / 2, 0] as [Double], shape: [2, 1]),
      ])
    let batch = Batch(inputs: try Tensor([1] as [Double], shape: [1, 1]), labels: try Tensor([1] as [Int64]))
    let result = try model.sweep([batch], statistics: [.hessianDiagonal], layers: ["fc1"], probes: HessianProbes(.hutchinson, count: 3))
    let score = try #require(try result.scores(Criterion(named: "obd"))["fc1"]).item()
    #expect(abs(score - 3 * log(3) * log(3) / 32) < 1e-15)
  }

  /// Behind ReLUs each weight moves the logits along straight lines, so that Gauss–Newton is the Hessian's diagonal of all layers: by
  /// second differences of the loss. 70 examples are two groups; no probe is ever negative, and 2,000 are within five standard errors of 3.2 %.
  @Test func curvatureBySecondDifferences() throws {
    let model = try TinyNetworks.mlp([3, 4, 3]).randomModel(seed: 4)
    let generator = try Generator(seed: 5)
    let labels = (0..<70).map { Int64($0 % 3) }
    let batch = Batch(inputs: try .normal([70, 3], type: .float64, generator: generator), labels: try Tensor(labels))
    let result = try model.sweep([batch], statistics: [.hessianDiagonal], probes: HessianProbes(count: 2000, seed: 1))
    func loss(_ name: ParameterName, _ index: Int, _ change: Double) throws -> Double {
      var changed = model
      var values = try model.tensor(name).doubles()
      values[index] += change
      changed.tensors[name] = try Tensor(values, shape: model.tensor(name).shape)
      return try Executor(changed).evaluate(batch).loss
    }
    let step = 1e-4
    for layer in result.layers {
      for (index, found) in try layer(.hessianDiagonal).doubles().enumerated() {
        let name = layer.parameter
        let wanted = try (loss(name, index, step) - 2 * loss(name, index, 0) + loss(name, index, -step)) / (step * step)
        #expect(abs(found - wanted) < 0.16 * wanted + 1e-6, "\(name)[\(index)]: \(found), \(wanted)")
      }
    }
    let one = try model.sweep([batch], statistics: [.hessianDiagonal], probes: HessianProbes(count: 1))
    for layer in one.layers { #expect(try layer(.hessianDiagonal).doubles().allSatisfy { $0 >= 0 }) }
  }

  /// Within a layer taylor-activation is abs-rs; where layers compete its scores are divided by their 2-norm.
  @Test func taylorOfActivationsNormalizesLayers() throws {
    let (model, batches) = try twoUnits()
    let result = try model.sweep(batches, statistics: statistics(["abs-rs"]))
    let plain = try result.scores(Criterion(named: "abs-rs"))
    let taylor = try result.scores(Criterion(named: "taylor-activation"))
    for layer in ["fc1", "fc2"] { #expect(try plain[layer]?.doubles() == taylor[layer]?.doubles()) }
    #expect(try Criterion(named: "taylor-activation").definition.normalization == .l2)
    #expect(try Criterion(named: "abs-rs").definition.normalization == LayerNormalization.none)
  }

  /// However the examples are split, every statistic but the averages over batches is the same; and the model is left as it was.
  @Test(arguments: 0..<8) func splitsDoNotMatter(seed: UInt64) throws {
    var random = Seeded(seed)
    let network = try TinyNetworks.sequential(&random)
    let model = try network.randomModel(seed: seed)
    let generator = try Generator(seed: seed + 100)
    let images = try Tensor.normal([7] + network.inputShape.dimensions, type: .float64, generator: generator)
    let labels = try Tensor((0..<7).map { _ in Int64(random.below(3)) })
    let before = try model.tensors.mapValues { try $0.bytes() }
    let nodes = Set(network.nodes.map(\.name))
    let exact = Set(SweepStatistic.allCases).subtracting([.unitTaylorSquares, .weightTaylorSquares, .hessianDiagonal])
    for place in MeanPlace.allCases {
      let whole = try model.sweep([part(images, labels, 0, 7)], statistics: exact, place: place, meanMaps: nodes)
      let split = try [(0, 1), (1, 4), (5, 2)].map { try part(images, labels, $0.0, $0.1) }
      let parts = try model.sweep(split, statistics: exact, place: place, meanMaps: nodes)
      for (one, other) in zip(whole.layers, parts.layers) {
        for statistic in exact {
          let error = relativeError(try other(statistic).doubles(), try one(statistic).doubles())
          #expect(error < 1e-12, "seed \(seed), \(place), \(one.node): \(statistic.rawValue) is off by \(error)")
        }
      }
      for node in nodes {
        let error = try relativeError(#require(parts.meanMaps[node]), #require(whole.meanMaps[node]))
        #expect(error < 1e-12, "seed \(seed), map of \(node): \(error)")
      }
      let plain = try split.map { try Executor(model).evaluate($0) }
      #expect(abs(parts.evaluation.loss - plain.map { $0.loss * Double($0.count) }.reduce(0, +) / 7) < 1e-12, "seed \(seed)")
      #expect(abs(parts.evaluation.loss - whole.evaluation.loss) < 1e-12, "seed \(seed)")
      #expect(parts.evaluation.correct == plain.map(\.correct).reduce(0, +), "seed \(seed)")
    }
    #expect(try model.tensors.mapValues { try $0.bytes() } == before, "seed \(seed)")
    #expect(model.tensors.values.allSatisfy { !$0.requiresGradient && $0.gradient == nil }, "seed \(seed)")
  }

  /// What else is gathered in the same pass changes nothing.
  @Test(arguments: 0..<4) func questionsDoNotDisturbEachOther(seed: UInt64) throws {
    var random = Seeded(seed &+ 50)
    let network = try TinyNetworks.sequential(&random)
    let model = try network.randomModel(seed: seed)
    let images = try Tensor.normal([4] + network.inputShape.dimensions, type: .float64, generator: Generator(seed: seed))
    let labels = try Tensor([0, 1, 2, 1] as [Int64])
    let batches = try [(0, 3), (3, 1)].map { try part(images, labels, $0.0, $0.1) }
    let together = try model.sweep(batches, statistics: Set(SweepStatistic.allCases))
    for statistic in SweepStatistic.allCases {
      let alone = try model.sweep(batches, statistics: [statistic])
      for (one, other) in zip(alone.layers, together.layers) {
        let error = try relativeError(other(statistic), one(statistic))
        #expect(error < 1e-12, "seed \(seed), \(one.node): \(statistic.rawValue) is off by \(error)")
      }
    }
  }

  /// Two nodes with one weight: each has its own activations, and both the weight's whole gradient, that of ordinary training.
  @Test func sharedWeights() throws {
    var builder = NetworkBuilder("shared", input: .vector(3))
    builder.linear("fc1", 3)
    builder.relu()
    builder.append("fc2", .linear(Linear(3, 3)), from: [builder.last], module: "fc1")
    let model = try builder.network().randomModel(seed: 8)
    let images = try Tensor.normal([5, 3], type: .float64, generator: Generator(seed: 9))
    let labels = try Tensor([0, 1, 2, 2, 1] as [Int64])
    let batches = try [(0, 2), (2, 3)].map { try part(images, labels, $0.0, $0.1) }
    let layers = try model.sweep(batches, statistics: [.weightGradients, .activationSums]).layers
    #expect(layers.map(\.node) == ["fc1", "fc2"] && layers.allSatisfy { $0.parameter == ParameterName("fc1", .weight) })
    let weight = try model.tensor(ParameterName("fc1", .weight))
    try weight.requireGradient()
    try Executor(model).forward(images).crossEntropy(labels).backward()
    for layer in layers { #expect(try relativeError(layer(.weightGradients), #require(weight.gradient)) < 1e-14, "\(layer.node)") }
    #expect(try layers[0](.activationSums).doubles() != layers[1](.activationSums).doubles())
  }

  /// A model in training: its own gradients and what they are asked for stay as they are, and recording may be off outside.
  @Test func trainingIsNotDisturbed() throws {
    let (model, batches) = try twoUnits()
    for tensor in model.tensors.values { try tensor.requireGradient() }
    let all = Set(SweepStatistic.allCases)
    let result = try withoutGradients { try model.sweep(batches, statistics: all) }
    #expect(result.layers.count == 2 && result.layers.allSatisfy { !$0.weight.requiresGradient })
    #expect(model.tensors.values.allSatisfy { $0.requiresGradient && $0.gradient == nil })
  }

  @Test func placesFollowTheOnlyReader() throws {
    var builder = NetworkBuilder("branches", input: .image(channels: 1, height: 8, width: 8))
    builder.convolution("conv1", 4, kernel: 3, padding: 1)
    builder.batchNorm("bn1")
    builder.relu("relu1")
    let pooled = builder.maxPool(2, "pool1")
    builder.convolution("conv2", 4, kernel: 3, padding: 1)
    builder.batchNorm("bn2")
    builder.add([builder.last, pooled], "sum")
    builder.relu("relu2")
    builder.averagePool(2, "pool2")
    builder.dropout(0.5, "dropout1")
    builder.flatten("flatten1")
    builder.linear("fc1", 5)
    builder.activation(.tanh, "tanh1")
    builder.dropout(0.5, "dropout2")
    builder.linear("fc2", 3)
    let network = try builder.network()
    func nodes(_ place: MeanPlace) -> [String] { ["conv1", "conv2", "fc1", "fc2"].map { network.scoredNode(of: $0, place: place) } }
    #expect(nodes(.output) == ["relu1", "bn2", "tanh1", "fc2"])
    #expect(nodes(.consumer) == ["pool1", "bn2", "dropout2", "fc2"])
  }

  /// A second head is on no path to the loss: its gradients are 0, and its activations are there.
  @Test func layersBesideTheLossScoreZero() throws {
    var builder = NetworkBuilder("heads", input: .vector(3))
    let trunk = builder.linear("trunk", 4)
    builder.linear("main", 2, from: trunk)
    builder.linear("side", 5, from: trunk)
    let model = try builder.network(outputs: ["main", "side"]).randomModel(seed: 3)
    let batch = Batch(inputs: try .ones([2, 3], type: .float64), labels: try Tensor([0, 1] as [Int64]))
    let result = try model.sweep([batch], statistics: Set(SweepStatistic.allCases))
    for name in ["abs-rs", "gradient-norm", "taylor", "obd"] {
      let scores = try result.scores(Criterion(named: name))
      #expect(try scores["side"]?.doubles() == [0, 0, 0, 0, 0], "\(name)")
      #expect(try #require(scores["trunk"]).doubles().contains { $0 != 0 }, "\(name)")
    }
    #expect(try result.scores(Criterion(named: "apoz"))["side"]?.doubles() == [1, 1, 1, 1, 1])
  }

  @Test func evaluationBatchesAndWeightsAlone() throws {
    let set = try ExampleSet(
      bytes: (0..<5 * 12).map { UInt8($0 * 4) }, labels: [0, 1, 2, 1, 0], channels: 1, height: 4, width: 3, classNames: ["a", "b", "c"])
    let batches = try set.batches(of: 2, normalization: Normalization(mean: [0.5], deviation: [0.25]))
    let model = try TinyNetworks.mlp([12, 4, 3]).randomModel(seed: 2, type: .float32)
    let criterion = try Criterion(named: "abs-mrs")
    let scores = try model.layerScores(criterion, batches: batches)
    let list = try (0..<batches.count).map { try batches.batch($0) }
    let same = try model.sweep(list, statistics: criterion.statistics(for: .unit)).scores(criterion)
    #expect(try scores.mapValues { try $0.doubles() } == same.mapValues { try $0.doubles() })
    #expect(scores.mapValues(\.shape) == ["fc1": [4], "fc2": [3]])
    let plain = try model.layerScores(.l2, batches: nil)
    #expect(try plain.mapValues { try $0.doubles() } == model.layerScores(.l2, batches: batches).mapValues { try $0.doubles() })
    #expect(!Criterion.l2.needsExamples && criterion.needsExamples)
  }
}

extension Network {
  /// The same layers, read without what lies between them.
  func withoutActivations() throws -> Network {
    var builder = NetworkBuilder(name, input: try inputShape)
    for node in nodes {
      if case .linear(let layer) = node.operation { builder.linear(node.name, layer.outputs, bias: layer.bias) }
    }
    return try builder.network()
  }
}
