public import Networks
internal import Training

/// The size of the things that are removed.
public enum Granularity: String, Codable, Hashable, Sendable, CaseIterable {
  /// Single weights of linear and convolution layers, which masks hold at 0.
  case weight
  /// Units of linear layers and filters of convolutions, which are cut out of the network.
  case unit
  /// Filters of convolutions only, which are cut out of the network.
  case filter

  /// Whether whole channels are cut out of the network.
  public var isStructured: Bool { self != .weight }

  /// Returns whether channels of a group can be removed at this granularity.
  public func includes(_ group: ChannelGroup, of index: NetworkIndex) -> Bool {
    switch self {
    case .weight: false
    case .unit: true
    case .filter:
      group.producers.allSatisfy { member in
        if case .convolution = index.node(named: member.node)?.operation { true } else { false }
      }
    }
  }

  /// Returns the error for a network in which nothing can be removed, which names the granularities at which there may be something.
  func nothing(in network: Network, _ refused: [(producer: String, reason: String)]) -> PruningError {
    let others: [Granularity] =
      switch self {
      case .filter: [.unit, .weight]
      case .unit: [.weight]
      case .weight: []
      }
    let hasNone = self == .filter && !network.hasConvolutions
    return .nothingToPrune(
      network: network.name, granularity: plural,
      refused: hasNone ? ["it has no convolutions"] : refused.map { "\($0.producer): \($0.reason)" }, instead: others.map(\.rawValue))
  }

  /// Plural for messages, e.g. `filters`.
  public var plural: String { rawValue + "s" }
}

/// Whether layers are pruned separately or ranked together.
public enum Scope: String, Codable, Hashable, Sendable, CaseIterable {
  /// Every layer loses the same fraction.
  case layer
  /// The lowest scores of all layers are removed, wherever they are.
  case global
}
