/// Channels that are alike in a network: each of them leaves alone, but with everything that it is coupled to.
///
/// All channels of a group touch the same nodes. The layers that make them are `producers` (several where values are summed,
/// where weights are shared, and behind depthwise convolutions), `dependents` scale or count them, `consumers` read them.
/// Printed as the path of a removal: `conv1[out] → bn1 → conv2[in]`, after flattening `conv2[out] → fc1[in×16]`.
public struct ChannelGroup: Hashable, Sendable, CustomStringConvertible, Identifiable {
  /// A node that a removal touches, and where the group's channels lie in it.
  public struct Member: Hashable, Sendable {
    /// The node.
    public var node: String
    /// The prefix of its parameters' names.
    public var module: String
    /// The node's features that are the group's channels, `spread` of them for each channel in turn.
    public var features: [Int]
    /// How many of the node's features one channel covers: height·width after flattening, one per group in a grouped convolution.
    public var spread: Int

    /// A member whose features are given channel by channel.
    public init(node: String, module: String, features: [Int], spread: Int = 1) {
      self.node = node
      self.module = module
      self.features = features
      self.spread = spread
    }

    /// The node's features that are the group's channel `channel`, ascending.
    public func features(ofChannel channel: Int) -> ArraySlice<Int> { features[channel * spread..<(channel + 1) * spread] }
  }

  /// Unique in the network: the first producer's node, with `:2`, `:3` … behind it for its further groups.
  public var name: String
  /// Linear layers and convolutions that make these channels, in the order of the nodes.
  public var producers: [Member]
  /// Norms that scale them, and padded shortcuts and narrowings that count them.
  public var dependents: [Member]
  /// Linear layers and convolutions that read them.
  public var consumers: [Member]
  /// Channels.
  public var width: Int

  /// The group's name.
  public var id: String { name }

  /// The path of a removal.
  public var description: String {
    func suffix(_ member: Member) -> String { member.spread == 1 ? "" : "×\(member.spread)" }
    let produced = producers.map { "\($0.node)[out\(suffix($0))]" }.joined(separator: " + ")
    let consumed = consumers.map { "\($0.node)[in\(suffix($0))]" }.joined(separator: ", ")
    var between: [String] = []
    for member in dependents where between.last != member.node { between.append(member.node) }
    return ([produced] + between + [consumed]).joined(separator: " → ")
  }
}

extension Network {
  /// Which channels can be removed physically, and which layers have none that can, with the reason in words.
  ///
  /// After a removal these are still the groups of the ``original`` network under the same names, with the channels that are left.
  /// Every linear layer and convolution is a producer of at least one group or refused; both in the order of the nodes. Never
  /// removable are channels of the network's inputs and outputs, with all that is coupled to them, and channels nobody reads.
  ///
  /// ```swift
  /// for group in try Architecture.parse("resnet-20").channelGroups().groups { print(group) }
  /// ```
  /// - Throws: what ``shapes()`` throws, and ``NetworkError/tooLarge(_:)`` beyond 67 million channels in all nodes together.
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
    guard let name = producers.first?.node, !consumers.isEmpty else { return nil }
    return ChannelGroup(name: name, producers: producers, dependents: dependents, consumers: consumers, width: alike.count)
  }
}

/// The sets of channels that leave together, what each touches, and which of them are alike.
private struct ChannelClasses {
  /// Classes that touch the same nodes equally often and may leave, in the order of their first member.
  private(set) var alike: [[Int]] = []

  /// The class of each source.
  private let numbers: [Int32]
  /// Which of the refusals says why a class may not leave; −1 where it may.
  private let refusals: [Int32]
  /// What class c touches stands at starts[c] ..< starts[c + 1], in the order of the touches.
  private let starts: [Int32]
  private let entries: [(touch: Int32, feature: Int32)]

  init(_ flow: ChannelFlow) {
    var numbers = [Int32](repeating: -1, count: flow.count)
    var count = 0
    for source in 0..<flow.count {
      let parent = Int(flow.parent(Int32(source)))
      // A parent stands before all that it stands for, so its number is known.
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
    // Only what a layer makes, and what may leave, is looked at any further.
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

  /// Which of the flow's refusals says why a source may not leave; nil where it may.
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

  /// The touches of a class, each with its place among the class's entries: the same for all that are alike.
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

  /// The features at these places of each class in turn.
  func features(of numbers: [Int], at offsets: Range<Int>) -> [Int] {
    var features: [Int] = []
    features.reserveCapacity(numbers.count * offsets.count)
    for number in numbers { for offset in offsets { features.append(Int(entries[Int(starts[number]) + offset].feature)) } }
    return features
  }
}
