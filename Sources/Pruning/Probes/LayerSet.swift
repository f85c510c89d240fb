public import Networks

/// Which layers a probe prunes: the paper's five, or those that a pattern matches.
///
/// Written as `all`, `firstConv`, `midConv`, `lastConv`, `firstDense`, or a pattern of names (``LayerPattern``).
public enum LayerSet: Hashable, Sendable {
  /// Every channel group, each losing its own share.
  case all
  /// The first group of convolutions.
  case firstConv
  /// The middle one: of n the number ⌊n/2⌋, counted from 0.
  case midConv
  /// The last one.
  case lastConv
  /// The first group of linear layers.
  case firstDense
  /// Groups that a pattern finds by any of their producers.
  case pattern(LayerPattern)

  private static let named: [LayerSet] = [.all, .firstConv, .midConv, .lastConv, .firstDense]

  /// A set by its name, or of the layers that a pattern matches.
  public init(_ text: String) { self = Self.named.first { $0.description == text } ?? .pattern(LayerPattern(text)) }

  /// The groups of the set, in the order of the layers.
  ///
  /// - Parameter groups: those of the network, in order.
  /// - Throws: ``PruningError/unknownLayer(option:given:possible:)`` if the network has none.
  public func groups(among groups: [ChannelGroup], of network: Network) throws -> [ChannelGroup] {
    let index = NetworkIndex(network)
    let convolutions = groups.filter { Granularity.filter.includes($0, of: index) }
    let dense = groups.filter { group in
      group.producers.allSatisfy { member in
        if case .linear = index.node(named: member.node)?.operation { true } else { false }
      }
    }
    let found: [ChannelGroup]
    switch self {
    case .all: found = groups
    case .firstConv: found = Array(convolutions.prefix(1))
    case .midConv: found = convolutions.isEmpty ? [] : [convolutions[convolutions.count / 2]]
    case .lastConv: found = Array(convolutions.suffix(1))
    case .firstDense: found = Array(dense.prefix(1))
    case .pattern(let pattern):
      let chosen = try [pattern].indices(among: groups.map(\.memberNames), option: "--layers")
      found = groups.indices.filter(chosen.contains).map { groups[$0] }
    }
    guard !found.isEmpty else {
      throw PruningError.unknownLayer(option: "--layers", given: description, possible: groups.flatMap(\.memberNames))
    }
    return found
  }
}

extension LayerSet: CustomStringConvertible {
  /// As typed.
  public var description: String {
    switch self {
    case .all: "all"
    case .firstConv: "firstConv"
    case .midConv: "midConv"
    case .lastConv: "lastConv"
    case .firstDense: "firstDense"
    case .pattern(let pattern): pattern.description
    }
  }
}

/// In JSON a set is its text.
extension LayerSet: Codable {
  /// Reads the text.
  public init(from decoder: any Decoder) throws { self.init(try decoder.singleValueContainer().decode(String.self)) }
  /// Writes the text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
