public import Networks

/// A set of layers that a probe prunes: one of the paper's five, or the layers that match a pattern.
///
/// Written as `all`, `firstConv`, `midConv`, `lastConv`, `firstDense`, or a pattern of names (``LayerPattern``).
public enum LayerSet: Hashable, Sendable {
  /// All channel groups, each losing its own share.
  case all
  /// The first group whose layers are convolutions.
  case firstConv
  /// The middle group of convolutions: of n groups the one with index ⌊n/2⌋, counted from 0.
  case midConv
  /// The last group of convolutions.
  case lastConv
  /// The first group whose layers are linear.
  case firstDense
  /// The groups of which any producer matches a pattern.
  case pattern(LayerPattern)

  private static let named: [LayerSet] = [.all, .firstConv, .midConv, .lastConv, .firstDense]

  /// Creates a set from its name; any other text is a pattern.
  public init(_ text: String) { self = Self.named.first { $0.description == text } ?? .pattern(LayerPattern(text)) }

  /// Returns the groups of the set, in the order of the layers.
  ///
  /// - Parameter groups: all channel groups of the network, in order.
  /// - Throws: ``PruningError/unknownLayer(option:given:possible:)`` if no group belongs to the set.
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
  /// Name of the set, or the pattern.
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

/// Encoded as the text of ``description``.
extension LayerSet: Codable {
  /// Decodes the text of ``description``.
  public init(from decoder: any Decoder) throws { self.init(try decoder.singleValueContainer().decode(String.self)) }
  /// Encodes the text of ``description``.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
