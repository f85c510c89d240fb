/// A group of interchangeable channels, the unit of physical removal: each channel can leave by itself, together with everything coupled
/// to it.
///
/// All channels of a group touch the same nodes. `producers` are the layers that compute them (several where values are summed, where
/// weights are shared, and after depthwise convolutions), `dependents` scale or count them, `consumers` read them. A group prints as the
/// path of a removal: `conv1[out] → bn1 → conv2[in]`, after flattening `conv2[out] → fc1[in×16]`.
public struct ChannelGroup: Hashable, Sendable, CustomStringConvertible, Identifiable {
  /// A node that a removal touches, and the place of the group's channels in it.
  public struct Member: Hashable, Sendable {
    /// Name of the node.
    public var node: String
    /// Prefix of the node's parameter names.
    public var module: String
    /// Indices of the node's features that belong to the group: `spread` for each channel, channel by channel.
    public var features: [Int]
    /// Features of the node that one channel covers: height·width after flattening, one per group in a grouped convolution, otherwise 1.
    public var spread: Int

    /// Creates a member; `features` are listed channel by channel, `spread` of them each.
    public init(node: String, module: String, features: [Int], spread: Int = 1) {
      self.node = node
      self.module = module
      self.features = features
      self.spread = spread
    }

    /// Returns the node's features that belong to the given channel of the group, ascending.
    public func features(ofChannel channel: Int) -> ArraySlice<Int> { features[channel * spread..<(channel + 1) * spread] }
  }

  /// Name of the group, unique in the network: its first producer's node, with `:2`, `:3` … appended for further groups of that node.
  public var name: String
  /// Linear layers and convolutions that compute the group's channels, in the order of the nodes.
  public var producers: [Member]
  /// Norms and other nodes that have a number for each channel, padded shortcuts and selections whose sizes depend on them, and activations
  /// that make another number of 0.
  public var dependents: [Member]
  /// Linear layers and convolutions that read the channels.
  public var consumers: [Member]
  /// Number of channels.
  public var width: Int

  /// The group's name, which identifies it within its network.
  public var id: String { name }

  /// The path of a removal, e.g. `conv1[out] → bn1 → conv2[in]`.
  public var description: String {
    func suffix(_ member: Member) -> String { member.spread == 1 ? "" : "×\(member.spread)" }
    let produced = producers.map { "\($0.node)[out\(suffix($0))]" }.joined(separator: " + ")
    let consumed = consumers.map { "\($0.node)[in\(suffix($0))]" }.joined(separator: ", ")
    var between: [String] = []
    for member in dependents where between.last != member.node { between.append(member.node) }
    return ([produced] + between + (consumed.isEmpty ? [] : [consumed])).joined(separator: " → ")
  }
}

extension Network {
  /// Finds the channels that can be removed physically, and the layers that have none, each with the reason in words.
  ///
  /// After a removal these are still the groups of the ``original`` network under the same names, restricted to the remaining channels.
  /// Every linear layer and convolution either produces at least one group or is refused; both lists are in the order of the nodes.
  /// Channels of the network's inputs and outputs are never removable, nor anything coupled to them, nor channels that no layer reads.
  ///
  /// ```swift
  /// for group in try Architecture.parse("resnet-20").channelGroups().groups { print(group) }
  /// ```
  /// - Throws: what ``shapes()`` throws, and ``NetworkError/tooLarge(_:)`` beyond 67 million channels over all nodes.
  public func channelGroups() throws -> (groups: [ChannelGroup], refused: [(producer: String, reason: String)]) {
    if let lineage { return try lineage.groups(in: self) }
    let flow = try ChannelFlow(self, shapes: try shapes())
    let classes = ChannelClasses(flow)
    var groups: [ChannelGroup] = []
    var names: [String: Int] = [:]
    for alike in classes.alike {
      guard var group = group(of: alike, classes, flow) else { continue }
      names[group.name, default: 0] += 1
      if let number = names[group.name], number > 1 { group.name += ":\(number)" }
      groups.append(group)
    }
    var removable: Set<String> = []
    for group in groups { removable.formUnion(group.producers.map(\.node)) }
    let refused = flow.touches.compactMap { touch -> (producer: String, reason: String)? in
      let name = nodes[touch.node].name
      guard touch.role == .producer, !removable.contains(name) else { return nil }
      let reason = touch.sources.first.flatMap { classes.refusal(of: $0) }.map { flow.refusals[$0].reason }
      return (name, reason ?? "no layer reads them")
    }
    return (groups, refused)
  }

  private func group(of alike: [Int], _ classes: ChannelClasses, _ flow: ChannelFlow) -> ChannelGroup? {
    guard let first = alike.first else { return nil }
    var (producers, dependents, consumers): ([ChannelGroup.Member], [ChannelGroup.Member], [ChannelGroup.Member]) = ([], [], [])
    for run in classes.runs(of: first) {
      let touch = flow.touches[run.touch]
      let node = nodes[touch.node]
      let member = ChannelGroup.Member(
        node: node.name, module: node.module, features: classes.features(of: alike, at: run.offsets), spread: run.offsets.count)
      switch touch.role {
      case .producer: producers.append(member)
      case .dependent: dependents.append(member)
      case .consumer: consumers.append(member)
      }
    }
    // Scores are read by the attention itself, which has no weights.
    let isRead = !consumers.isEmpty || dependents.contains { if case .attention? = node(named: $0.node)?.operation { true } else { false } }
    guard let name = producers.first?.node, isRead else { return nil }
    return ChannelGroup(name: name, producers: producers, dependents: dependents, consumers: consumers, width: alike.count)
  }
}

/// Classes of channels that leave together, the nodes that each class touches, and which classes are interchangeable.
private struct ChannelClasses {
  /// Removable classes that touch the same nodes equally often, grouped; within a group by the producer's feature.
  private(set) var alike: [[Int]] = []

  /// The class of each source.
  private let numbers: [Int32]
  /// Index of the refusal that keeps each class from leaving; −1 where it may leave.
  private let refusals: [Int32]
  /// The touches of class c are the entries starts[c] ..< starts[c + 1], in the order of the touches.
  private let starts: [Int32]
  private let entries: [(touch: Int32, feature: Int32)]

  init(_ flow: ChannelFlow) {
    var numbers = [Int32](repeating: -1, count: flow.count)
    var count = 0
    for source in 0..<flow.count {
      let parent = Int(flow.parent(Int32(source)))
      // A parent precedes everything it stands for, so its number is already known.
      if parent == source {
        numbers[source] = Int32(count)
        count += 1
      } else {
        numbers[source] = numbers[parent]
      }
    }
    var refusals = [Int32](repeating: -1, count: count)
    for (index, refusal) in flow.refusals.enumerated() {
      for source in refusal.sources where refusals[Int(numbers[Int(source)])] < 0 { refusals[Int(numbers[Int(source)])] = Int32(index) }
    }
    // Only what a layer produces and what may leave is examined further.
    var isFree = [Bool](repeating: false, count: count)
    for touch in flow.touches where touch.role == .producer {
      for source in touch.sources { isFree[Int(numbers[Int(source)])] = refusals[Int(numbers[Int(source)])] < 0 }
    }
    var starts = [Int32](repeating: 0, count: count + 1)
    for touch in flow.touches {
      for source in touch.sources where isFree[Int(numbers[Int(source)])] { starts[Int(numbers[Int(source)]) + 1] += 1 }
    }
    for index in starts.indices.dropFirst() { starts[index] += starts[index - 1] }
    var next = starts
    var entries = [(touch: Int32, feature: Int32)](repeating: (0, 0), count: Int(starts.last ?? 0))
    for (index, touch) in flow.touches.enumerated() {
      for (offset, source) in touch.sources.enumerated() {
        let number = Int(numbers[Int(source)])
        guard isFree[number] else { continue }
        entries[Int(next[number])] = (Int32(index), Int32(touch.features[offset]))
        next[number] += 1
      }
    }
    self.numbers = numbers
    self.refusals = refusals
    self.starts = starts
    self.entries = entries
    var places: [[Int32]: Int] = [:]
    var found: [(first: (touch: Int32, feature: Int32), classes: [Int])] = []
    for number in 0..<count where isFree[number] {
      let own = entries[Int(starts[number])..<Int(starts[number + 1])]
      guard let producer = own.first(where: { flow.touches[Int($0.touch)].role == .producer }) else { continue }
      let signature = own.map(\.touch)
      if let place = places[signature] {
        found[place].classes.append(number)
      } else {
        places[signature] = found.count
        found.append((producer, [number]))
      }
    }
    // By the first producer, not by the first source: the zeros of a shortcut may be older than the layer they are added to.
    for index in found.indices {
      found[index].classes.sort { producerFeature($0, flow) < producerFeature($1, flow) }
      found[index].first.feature = producerFeature(found[index].classes[0], flow)
    }
    alike = found.sorted { ($0.first.touch, $0.first.feature) < ($1.first.touch, $1.first.feature) }.map(\.classes)
  }

  /// Index of the flow's refusal that keeps a source from leaving; nil where it may leave.
  func refusal(of source: ChannelFlow.Source) -> Int? {
    let refusal = refusals[Int(numbers[Int(source)])]
    return refusal < 0 ? nil : Int(refusal)
  }

  private func producerFeature(_ number: Int, _ flow: ChannelFlow) -> Int32 {
    touched(number).first { flow.touches[Int($0.touch)].role == .producer }?.feature ?? 0
  }

  private func touched(_ number: Int) -> ArraySlice<(touch: Int32, feature: Int32)> {
    entries[Int(starts[number])..<Int(starts[number + 1])]
  }

  /// The touches of a class, each with its range among the class's entries; equal for all interchangeable classes.
  func runs(of number: Int) -> [(touch: Int, offsets: Range<Int>)] {
    var runs: [(touch: Int, offsets: Range<Int>)] = []
    for (offset, entry) in touched(number).enumerated() {
      if let last = runs.last, last.touch == Int(entry.touch) {
        runs[runs.count - 1].offsets = last.offsets.lowerBound..<offset + 1
      } else {
        runs.append((Int(entry.touch), offset..<offset + 1))
      }
    }
    return runs
  }

  /// Returns the features at the given offsets of each class in turn.
  func features(of numbers: [Int], at offsets: Range<Int>) -> [Int] {
    var features: [Int] = []
    features.reserveCapacity(numbers.count * offsets.count)
    for number in numbers { for offset in offsets { features.append(Int(entries[Int(starts[number]) + offset].feature)) } }
    return features
  }
}
