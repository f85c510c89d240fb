internal import Networks
internal import Torch
internal import Training

/// A search for dead units in time linear in the network's size: groups are examined again only if something next to them has been removed.
///
/// The model keeps its full size until the search is over; removed units are only marked.
struct DeadUnitSearch {
  /// The model at its full size, with the constants of removed input-less units moved to their consumers.
  private var model: Model
  private let masked: Bool
  private let index: NetworkIndex
  private let shapes: [String: FeatureShape]
  private let groups: [ChannelGroup]
  /// By module, for each output the number of weights that feed it, and for each input the number of weights that read it, counting those
  /// of which neither end has been removed.
  private var feeding: [String: [Int64]] = [:]
  private var reading: [String: [Int64]] = [:]
  /// Indices of groups by the nodes that produce their channels, and by those that consume them.
  private var made: [String: [Int]] = [:]
  private var read: [String: [Int]] = [:]
  /// Remaining units of each group: ascending indices into its original units.
  private var present: [[Int]]
  private var reasons: [[Int: Compaction.Stay]]
  /// Whether each group still has to be searched for units without output, and without input.
  private var doubtfulOutputs: [Bool]
  private var doubtfulInputs: [Bool]

  init(_ model: Model, masked: Bool) throws {
    self.model = model
    self.masked = masked
    index = NetworkIndex(model.network)
    shapes = try model.network.shapes()
    groups = try model.network.channelGroups().groups
    present = groups.map { Array(0..<$0.width) }
    reasons = Array(repeating: [:], count: groups.count)
    doubtfulOutputs = Array(repeating: true, count: groups.count)
    doubtfulInputs = doubtfulOutputs
    for (number, group) in groups.enumerated() {
      for member in group.producers { made[member.node, default: []].append(number) }
      for member in group.consumers { read[member.node, default: []].append(number) }
    }
    for node in model.network.nodes where feeding[node.module] == nil && (made[node.name] != nil || read[node.name] != nil) {
      let counts = try counts(node.module)
      let groups = node.operation.convolutionGroups
      feeding[node.module] = try counts.sum(1).array(Int64.self)
      reading[node.module] = try counts.reshaped([groups, counts.shape[0] / groups, counts.shape[1]]).sum(1).flattened().array(Int64.self)
    }
  }

  /// Searches until no dead unit is left but those that have to stay.
  mutating func run(alsoWithoutInput: Bool) throws {
    var isDone = false
    while !isDone {
      isDone = true
      // Missing outputs propagate towards the network's input, missing inputs towards its output.
      var next = doubtfulOutputs.lastIndex(of: true)
      while let group = next {
        doubtfulOutputs[group] = false
        isDone = try !removeWithoutOutput(group) && isDone
        next = doubtfulOutputs[..<group].lastIndex(of: true)
      }
      guard alsoWithoutInput else { continue }
      next = doubtfulInputs.firstIndex(of: true)
      while let group = next {
        doubtfulInputs[group] = false
        isDone = try !removeWithoutInput(group) && isDone
        next = doubtfulInputs[(group + 1)...].firstIndex(of: true)
      }
    }
  }

  /// Removed units by group: ascending indices into its original units.
  var removed: [String: [Int]] {
    var removed: [String: [Int]] = [:]
    for (group, left) in zip(groups, present) where left.count < group.width {
      let left = Set(left)
      removed[group.name] = (0..<group.width).filter { !left.contains($0) }
    }
    return removed
  }

  /// Dead units that had to stay, in the order of the groups.
  var stayed: [Compaction.Stay] { reasons.flatMap { $0.values.sorted { $0.unit < $1.unit } } }

  /// Returns the model without the removed units, and the slices by which its tensors were cut.
  func compacted() throws -> (model: Model, slices: [TensorSlice]) {
    let removed = removed
    guard !removed.isEmpty else { return (model, []) }
    let (network, slices) = try model.network.removing(removed, groups: groups)
    return (try model.cut(to: network, slices: slices), slices)
  }

  // MARK: - One group

  private mutating func removeWithoutOutput(_ number: Int) throws -> Bool {
    let group = groups[number]
    // What only attention reads, by its scores, is heard.
    guard !group.consumers.isEmpty else { return false }
    let dead = unheard(number, by: group.consumers, reading)
    if let norm = group.dependents.first(where: { index.normalisesTogether($0.node) }) {
      // The unit has no consumer, but the norm reads it together with the units beside it.
      for unit in dead { note(unit, of: number, lacks: "output", because: "\(norm.node) normalises it with other units") }
      return false
    }
    return try remove(spared(dead, of: number, lacking: "output"), from: number)
  }

  private mutating func removeWithoutInput(_ number: Int) throws -> Bool {
    let group = groups[number]
    // A depthwise convolution does not produce anything of its own: it passes on the output of the layer before it.
    let dead = unheard(number, by: group.producers.filter { !index.isDepthwise($0.node) }, feeding)
    guard !dead.isEmpty else { return false }
    let path = try ConstantPath(group, units: dead, in: model, index, shapes)
    let obstacles = Dictionary(uniqueKeysWithValues: zip(dead, path.obstacles))
    let free = spared(dead.filter { obstacles[$0] == .some(nil) }, of: number, lacking: "input")
    for unit in dead {
      guard let reason = obstacles[unit] ?? nil else { continue }
      note(unit, of: number, lacks: "input", because: reason)
    }
    guard !free.isEmpty else { return false }
    model.tensors.merge(try path.folded(free)) { $1 }
    return try remove(free, from: number)
  }

  /// Returns the units that no weight connects to the given members.
  private func unheard(_ number: Int, by members: [ChannelGroup.Member], _ counts: [String: [Int64]]) -> [Int] {
    var live = [Int64](repeating: 0, count: groups[number].width)
    for member in members {
      guard let counts = counts[member.module] else { continue }
      for unit in present[number] { for feature in member.features(ofChannel: unit) { live[unit] += counts[feature] } }
    }
    return present[number].filter { live[$0] == 0 }
  }

  /// Returns the units that can be removed: a layer keeps at least one, so if all would go, the first stays.
  private mutating func spared(_ units: [Int], of number: Int, lacking what: String) -> [Int] {
    guard units.count == present[number].count, let first = units.first else { return units }
    note(first, of: number, lacks: what, because: "a layer keeps at least one unit")
    return Array(units.dropFirst())
  }

  private mutating func note(_ unit: Int, of number: Int, lacks what: String, because reason: String) {
    reasons[number][unit] = .init(group: groups[number].name, unit: unit, lacks: what, reason: reason)
  }

  // MARK: - What a removal changes

  private mutating func remove(_ units: [Int], from number: Int) throws -> Bool {
    guard !units.isEmpty else { return false }
    let group = groups[number]
    let gone = Set(units)
    present[number].removeAll { gone.contains($0) }
    for unit in units { reasons[number][unit] = nil }
    var seen: Set<String> = []
    for member in group.producers where !index.isDepthwise(member.node) {
      // These layers consume other groups' channels, which may now lack an output.
      for other in read[member.node] ?? [] { doubtfulOutputs[other] = true }
      guard seen.insert(member.module).inserted else { continue }
      try forgetOutputs(units.flatMap { member.features(ofChannel: $0) }, of: member)
    }
    seen = []
    for member in group.consumers {
      for other in made[member.node] ?? [] { doubtfulInputs[other] = true }
      guard seen.insert(member.module).inserted else { continue }
      try forgetInputs(units.flatMap { member.features(ofChannel: $0) }, of: member)
    }
    return true
  }

  /// Subtracts the weights of removed outputs from the counts of the inputs that they read.
  private mutating func forgetOutputs(_ outputs: [Int], of member: ChannelGroup.Member) throws {
    guard let node = index.node(named: member.node), var counts = reading[member.module] else { return }
    let gone = try self.counts(member.module, 0, outputs)
    let (groups, places) = (node.operation.convolutionGroups, gone.shape[1])
    let size = (feeding[member.module]?.count ?? 0) / groups
    let numbers = try groups == 1 ? gone.sum(0).array(Int64.self) : gone.array(Int64.self)
    for row in 0..<(groups == 1 ? 1 : outputs.count) {
      let start = groups == 1 ? 0 : outputs[row] / size * places
      for place in 0..<places { counts[start + place] -= numbers[row * places + place] }
    }
    reading[member.module] = counts
  }

  /// Subtracts the weights of removed inputs from the counts of the outputs that they fed.
  private mutating func forgetInputs(_ inputs: [Int], of member: ChannelGroup.Member) throws {
    guard let node = index.node(named: member.node), var counts = feeding[member.module] else { return }
    // The same places in every group of a grouped convolution.
    let size = (reading[member.module]?.count ?? 0) / node.operation.convolutionGroups
    let gone = try self.counts(member.module, 1, Set(inputs.map { $0 % size }).sorted()).sum(1).array(Int64.self)
    for output in counts.indices { counts[output] -= gone[output] }
    feeding[member.module] = counts
  }

  /// Returns the number of live weights between each output and input [outputs, inputs of a group], for all indices of a dimension or for
  /// some.
  private func counts(_ module: String, _ dimension: Int = 0, _ indices: [Int]? = nil) throws -> Tensor {
    let name = ParameterName(module, .weight)
    func part(_ tensor: Tensor) throws -> Tensor { try indices.map { try tensor.detached().indexed(dimension, $0) } ?? tensor.detached() }
    let weight = try model.tensor(name)
    let kept: Tensor
    if let mask = model.masks[name], masked {
      kept = try part(mask)
    } else {
      kept = try masked ? part(weight).onesLike(type: .bool) : part(weight).notEqual(0)
    }
    return try kept.rank == 4 ? kept.sum(2, 3) : kept.cast(to: .int64)
  }
}

extension Operation {
  /// Number of groups of a convolution; 1 for all other operations.
  fileprivate var convolutionGroups: Int { if case .convolution(let layer) = self { layer.groups } else { 1 } }
}
