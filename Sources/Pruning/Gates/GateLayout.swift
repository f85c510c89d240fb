internal import Networks
internal import Torch
internal import Training

/// Where a network's gates stand: layer by layer, in the order of the nodes.
///
/// A gate multiplies what layers read, never what they produce: so it can always be folded into the readers' weights, whatever norms,
/// activations, pooling and sums stand before them. The channels of a channel group, which leave together, share a gate.
struct GateLayout {
  /// Consecutive gates of one kind.
  struct Layer {
    /// What the gates open and close.
    enum Subject {
      /// The channels of a group.
      case channels(ChannelGroup)
      /// Features that a linear layer reads and that no layer makes one by one: pixels, and positions of a flattened image.
      case inputs(node: String, features: [Int])
      /// The weights of a linear layer.
      case weights(ParameterName)
    }
    let name: String
    let subject: Subject
    let range: Range<Int>
    /// Number of weights behind each gate.
    let cost: Double
    /// Names that patterns can match.
    let members: [String]
  }

  /// The gates of a weight's elements or inputs.
  struct Gated {
    let name: ParameterName
    let sharing: FactorSharing
    /// By factor, the gate of the channel, or −1; empty if the factors are the gates from `first` on.
    var channel: [Int32] = []
    /// By factor, the gate of the position, or −1.
    var position: [Int32] = []
    var first = 0
    var count = 0
  }

  let layers: [Layer]
  let gated: [Gated]
  /// Number of gates.
  var count: Int { layers.last?.range.upperBound ?? 0 }

  /// Finds the places of gates.
  ///
  /// - Throws: ``PruningError/nothingToPrune(network:granularity:refused:)`` where there are none, and for patterns that match none.
  init(_ network: Network, _ granularity: Granularity, ignoring ignored: [String]) throws {
    let index = NetworkIndex(network)
    let found = try granularity.isStructured ? Self.structured(network, index, granularity) : Self.weights(of: network)
    let left = try ignored.isEmpty ? [] : ignored.map { LayerPattern($0) }.indices(among: found.map(\.members), option: "--ignore")
    var layers: [Layer] = []
    for (place, candidate) in found.enumerated() where !left.contains(place) {
      let start = layers.last?.range.upperBound ?? 0
      layers.append(
        Layer(
          name: candidate.name, subject: candidate.subject, range: start..<start + candidate.count, cost: candidate.cost,
          members: candidate.members))
    }
    guard !layers.isEmpty else {
      throw granularity.nothing(in: network, [])
    }
    self.layers = layers
    gated = try Self.gated(layers, index)
  }

  /// Returns λ of each gate.
  ///
  /// - Throws: ``PruningError`` for patterns that match no layer.
  func lambdas(_ plan: GatePlan) throws -> [Float] {
    var lambdas = Array(repeating: Float(plan.lambda), count: count)
    for given in plan.layerLambdas {
      for place in try [LayerPattern(given.layer)].indices(among: layers.map(\.members), option: "--lambda") {
        for gate in layers[place].range { lambdas[gate] = Float(given.lambda) }
      }
    }
    return lambdas
  }

  /// Returns ln α of all gates at the beginning.
  func start(_ plan: GatePlan, seed: UInt64, type: ElementType = .float32) throws -> Tensor {
    try Tensor.normal(
      [count], mean: HardConcrete.logAlpha(dropRate: plan.dropRate), deviation: 0.01, type: type,
      generator: Generator(seed: SeedPurpose.scores.seed(from: seed)))
  }

  /// Returns ln α as scores of what leaves first, layer by layer, in the weights' shapes where gates are those of weights.
  ///
  /// - Parameter model: the model with ungated weights, whose masks say what has left already.
  func scored(_ logAlphas: [Float], _ model: Model) throws -> [ScoredLayer] {
    try layers.map { layer in
      // ẑ is rounded, too: what it says must not depend on the last bit of ln α.
      let scores = layer.range.map { gate in
        let (logAlpha, least) = (logAlphas[gate], Self.least)
        return HardConcrete.value(logAlpha) == 0 ? min(logAlpha, least.nextDown) : max(logAlpha, least)
      }
      guard case .weights(let name) = layer.subject else {
        return ScoredLayer(name: layer.name, scores: try Tensor(scores), members: layer.members)
      }
      let shape = try model.tensor(name).shape
      return ScoredLayer(name: layer.name, scores: try Tensor(scores, shape: shape), kept: model.masks[name], members: layer.members)
    }
  }

  /// The least score of a gate that is open after training.
  static var least: Float { Float(HardConcrete.closedBelow).nextUp }

  private typealias Candidate = (name: String, subject: Layer.Subject, count: Int, cost: Double, members: [String])

  private static func weights(of network: Network) -> [Candidate] {
    var seen: Set<String> = []
    return network.nodes.compactMap { node in
      guard case .linear(let layer) = node.operation, seen.insert(node.module).inserted else { return nil }
      return (node.module, .weights(ParameterName(node.module, .weight)), layer.inputs * layer.outputs, 1, [node.module])
    }
  }

  private static func structured(_ network: Network, _ index: NetworkIndex, _ granularity: Granularity) throws -> [Candidate] {
    let groups = try network.channelGroups().groups
    // By linear layer, the features that are channels of a group, one feature each.
    var single: [String: Set<Int>] = [:]
    for group in groups {
      for member in group.consumers where member.spread == 1 { single[member.node, default: []].formUnion(member.features) }
    }
    return network.nodes.flatMap { node -> [Candidate] in
      var found: [Candidate] = []
      if granularity == .unit, case .linear(let layer) = node.operation, !index.isShared(node.module) {
        let features = (0..<layer.inputs).filter { single[node.name]?.contains($0) != true }
        let name = "\(node.name).inputs"
        if !features.isEmpty {
          found.append((name, .inputs(node: node.name, features: features), features.count, Double(layer.outputs), [name]))
        }
      }
      for group in groups where group.producers.first?.node == node.name && granularity.includes(group, of: index) {
        let members = [group.name] + group.producers.map(\.node).filter { $0 != group.name }
        found.append((group.name, .channels(group), group.width, group.weightsOfAChannel(index), members))
      }
      return found
    }
  }

  private static func gated(_ layers: [Layer], _ index: NetworkIndex) throws -> [Gated] {
    var found: [ParameterName: Gated] = [:]
    func change(_ reader: String, _ body: (inout Gated, _ perGroup: Int) -> Void) {
      guard let node = index.node(named: reader) else { return }
      let name = ParameterName(node.module, .weight)
      let inputs: Int
      switch node.operation {
      case .linear(let layer): inputs = layer.inputs
      // The same places in every group of a grouped convolution.
      case .convolution(let layer): inputs = layer.inputs / layer.groups
      default: return
      }
      let none = Array(repeating: Int32(-1), count: inputs)
      body(&found[name, default: Gated(name: name, sharing: .inputs, channel: none, position: none)], inputs)
    }
    for layer in layers {
      switch layer.subject {
      case .channels(let group):
        for member in group.consumers {
          change(member.node) { gated, perGroup in
            for channel in 0..<group.width {
              for feature in member.features(ofChannel: channel) {
                gated.channel[feature % perGroup] = Int32(layer.range.lowerBound + channel)
              }
            }
          }
        }
      case .inputs(let node, let features):
        change(node) { gated, _ in
          for (place, feature) in features.enumerated() { gated.position[feature] = Int32(layer.range.lowerBound + place) }
        }
      case .weights(let name): found[name] = Gated(name: name, sharing: .none, first: layer.range.lowerBound, count: layer.range.count)
      }
    }
    return found.values.sorted { $0.name < $1.name }
  }
}

extension ChannelGroup {
  /// Number of weights behind a channel: of a filter its own, of a linear layer's unit those that read it (Louizos et al. 2018).
  fileprivate func weightsOfAChannel(_ index: NetworkIndex) -> Double {
    func weights(_ node: String, isReader: Bool) -> Double {
      switch index.node(named: node)?.operation {
      case .linear(let layer): return Double(isReader ? layer.outputs : layer.inputs)
      case .convolution(let layer):
        let taps = Double(layer.kernel.height) * Double(layer.kernel.width)
        return taps * Double((isReader ? layer.outputs : layer.inputs) / layer.groups)
      default: return 0
      }
    }
    if case .convolution = producers.first.flatMap({ index.node(named: $0.node) })?.operation {
      return producers.reduce(0) { $0 + Double($1.spread) * weights($1.node, isReader: false) }
    }
    return consumers.reduce(0) { $0 + Double($1.spread) * weights($1.node, isReader: true) }
  }
}
