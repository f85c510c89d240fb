public import Networks
internal import Torch
public import Training

/// What removing dead units leaves.
public struct Compaction {
  /// The smaller model.
  public var model: Model
  /// How its tensors were cut, in order.
  public var slices: [TensorSlice]
  /// Units that left: ascending indices among the units each group had at the beginning.
  public var removed: SurgeryPlan
  /// Dead units that had to stay.
  public var stayed: [Stay]
  /// That the outputs are unchanged; nil where nothing was cut.
  public var proof: EquivalenceProof?

  /// The dead units that had to stay, in one line per group and reason: `conv1: 3 units without input stay: conv2 pads its input`.
  public var notes: [String] {
    var counts: [(key: Stay, count: Int)] = []
    for stay in stayed {
      var key = stay
      key.unit = 0
      if let index = counts.firstIndex(where: { $0.key == key }) { counts[index].count += 1 } else { counts.append((key, 1)) }
    }
    return counts.map { key, count in
      "\(key.group): \(count) unit\(count == 1 ? "" : "s") without \(key.lacks) stay\(count == 1 ? "s" : ""): \(key.reason)"
    }
  }

  /// A dead unit that had to stay, and why; e.g. `conv1 unit 3 has no input but stays: conv2 pads its input`.
  public struct Stay: Hashable, Sendable, CustomStringConvertible {
    /// The channel group.
    public var group: String
    /// Its index at the beginning.
    public var unit: Int
    /// What it lacks: `input` or `output`.
    public var lacks: String
    /// Why it stays.
    public var reason: String
    /// The line to show.
    public var description: String { "\(group) unit \(unit) has no \(lacks) but stays: \(reason)" }
  }
}

extension Model {
  /// The model without dead units: those whose incoming weights are all 0 or whose outgoing ones are, again and again until
  /// none is left, with the proof that the outputs are unchanged.
  ///
  /// An input-less unit still emits act(bias) at every position (behind a norm: of the norm's image of the bias). That
  /// constant moves into its consumers' biases, or the running means of the norms right behind them; exact for linear
  /// layers and convolutions without padding, and anywhere if it is 0. Elsewhere the unit stays and is reported.
  /// - Parameters:
  ///   - duringTraining: removes only units without output, since an input-less unit's bias still learns; and counts only
  ///     masked weights as gone, since a weight that happens to be 0 still learns.
  ///   - seed: for the proof's random batch.
  /// - Throws: ``PruningError`` if the proof fails; ``NetworkError`` from the network's shapes.
  public func compacted(duringTraining: Bool = false, seed: UInt64 = 0, proves: Bool = true) throws -> Compaction {
    try withoutGradients {
      var search = try DeadUnitSearch(self, masked: duringTraining)
      while true {
        var progress = false
        let names = try network.channelGroups().groups.map(\.name)
        // Lack of output spreads towards the input of the network, lack of input towards its output.
        for name in names.reversed() { progress = try search.removeWithoutOutput(name) || progress }
        if !duringTraining { for name in names { progress = try search.removeWithoutInput(name) || progress } }
        if !progress { break }
      }
      let proof = search.slices.isEmpty || !proves ? nil : try Equivalence.prove(masked: self, compacted: search.model, seed: seed)
      return Compaction(
        model: search.model, slices: search.slices, removed: SurgeryPlan(removals: search.removed), stayed: search.stayed, proof: proof)
    }
  }
}

/// The state of a search for dead units: the model as cut so far, and where its units were at the beginning.
private struct DeadUnitSearch {
  private(set) var model: Model
  private(set) var slices: [TensorSlice] = []
  private(set) var removed: [String: [Int]] = [:]
  private var reasons: [String: [Int: Compaction.Stay]] = [:]
  private var present: [String: [Int]] = [:]
  private let order: [String]
  private let masked: Bool

  init(_ model: Model, masked: Bool) throws {
    self.model = model
    self.masked = masked
    order = try model.network.channelGroups().groups.map(\.name)
  }

  var stayed: [Compaction.Stay] {
    order.flatMap { name in (reasons[name] ?? [:]).values.sorted { $0.unit < $1.unit } }
  }

  mutating func removeWithoutOutput(_ name: String) throws -> Bool {
    guard let group = try group(name) else { return false }
    var live = Array(repeating: 0.0, count: group.width)
    for consumer in group.consumers {
      let weights = try kept(ParameterName(consumer.module, .weight))
      let perInput = try perInput(weights, of: consumer.node)
      let part = try perInput.indexed(0, consumer.features).reshaped([group.width, consumer.spread])
      live = zip(live, try part.sum(1).cast(to: .float64).array(Double.self)).map(+)
    }
    let dead = live.indices.filter { live[$0] == 0 }
    if let norm = group.dependents.first(where: { model.network.normalisesTogether($0.node) }) {
      // Nobody reads it, but the norm hears it, and so do the units beside it.
      for unit in dead { note(unit, of: group, lacks: "output", because: "\(norm.node) normalises it with other units") }
      return false
    }
    return try remove(dead, from: group, lacking: "output")
  }

  mutating func removeWithoutInput(_ name: String) throws -> Bool {
    guard let group = try group(name) else { return false }
    var live = Array(repeating: 0.0, count: group.width)
    // A depthwise convolution makes nothing of its own: it passes on what the layer before it says.
    for producer in group.producers where !model.network.isDepthwise(producer.node) {
      let perUnit = try kept(ParameterName(producer.module, .weight)).contiguous().flattened(from: 1).sum(1)
      let part = try perUnit.indexed(0, producer.features).reshaped([group.width, producer.spread])
      live = zip(live, try part.sum(1).cast(to: .float64).array(Double.self)).map(+)
    }
    let dead = live.indices.filter { live[$0] == 0 }
    guard !dead.isEmpty else { return false }
    let path = try ConstantPath(group, in: model)
    let free = spared(dead.filter { path.obstacles[$0] == nil }, of: group, lacking: "input")
    for unit in dead {
      guard let reason = path.obstacles[unit] else { continue }
      note(unit, of: group, lacks: "input", because: reason)
    }
    guard !free.isEmpty else { return false }
    model.tensors.merge(try path.folded(free)) { $1 }
    return try cut(free, from: group)
  }

  /// The number of weights that read each of a layer's inputs.
  private func perInput(_ kept: Tensor, of node: String) throws -> Tensor {
    let taps = try kept.rank == 4 ? kept.sum(2, 3) : kept.cast(to: .int64)
    guard case .convolution(let layer) = model.network.node(named: node)?.operation, layer.groups > 1 else { return try taps.sum(0) }
    return try taps.reshaped([layer.groups, layer.outputs / layer.groups, layer.inputs / layer.groups]).sum(1).flattened()
  }

  private func group(_ name: String) throws -> ChannelGroup? {
    try model.network.channelGroups().groups.first { $0.name == name }
  }

  /// True where a weight counts.
  private func kept(_ name: ParameterName) throws -> Tensor {
    let weight = try model.tensor(name).detached()
    guard masked else { return try weight.notEqual(0) }
    return try model.masks[name] ?? weight.onesLike(type: .bool)
  }

  private mutating func remove(_ units: [Int], from group: ChannelGroup, lacking what: String) throws -> Bool {
    let free = spared(units, of: group, lacking: what)
    return free.isEmpty ? false : try cut(free, from: group)
  }

  /// A layer needs a unit: if all would go, the first stays.
  private mutating func spared(_ units: [Int], of group: ChannelGroup, lacking what: String) -> [Int] {
    guard units.count == group.width, let first = units.first else { return units }
    note(first, of: group, lacks: what, because: "a layer keeps at least one unit")
    return Array(units.dropFirst())
  }

  private mutating func note(_ unit: Int, of group: ChannelGroup, lacks what: String, because reason: String) {
    let index = (present[group.name] ?? Array(0..<group.width))[unit]
    reasons[group.name, default: [:]][index] = .init(group: group.name, unit: index, lacks: what, reason: reason)
  }

  private mutating func cut(_ units: [Int], from group: ChannelGroup) throws -> Bool {
    let (network, slices) = try model.network.removing([group.name: units])
    model = try model.cut(to: network, slices: slices)
    self.slices += slices
    let before = present[group.name] ?? Array(0..<group.width)
    let gone = Set(units)
    present[group.name] = before.indices.filter { !gone.contains($0) }.map { before[$0] }
    for unit in units {
      removed[group.name, default: []].append(before[unit])
      reasons[group.name]?[before[unit]] = nil
    }
    return true
  }
}
