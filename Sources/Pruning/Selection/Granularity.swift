public import Networks

/// The size of the things that leave.
public enum Granularity: String, Codable, Hashable, Sendable, CaseIterable {
  /// Single weights of linear and convolution layers: held at 0 by masks.
  case weight
  /// Units of linear layers and filters of convolutions: cut out of the network.
  case unit
  /// Filters of convolutions only.
  case filter

  /// Whether whole channels leave, physically.
  public var isStructured: Bool { self != .weight }

  /// Whether channels of this group can leave at this granularity.
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

  /// The word for many of these things, e.g. `filters`.
  public var plural: String { rawValue + "s" }
}

/// Whether layers compete with each other for what stays.
public enum Scope: String, Codable, Hashable, Sendable, CaseIterable {
  /// The same fraction leaves every layer.
  case layer
  /// The lowest scores leave, wherever they are.
  case global
}
