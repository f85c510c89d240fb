/// Channels that leave a network together: one layer's units, the norms on their way, and the layers that read them.
///
/// Printed as the path of a removal: `conv1[out] → bn1 → conv2[in]`, after flattening `conv2[out] → fc1[in×16]`.
public struct ChannelGroup: Hashable, Sendable, CustomStringConvertible, Identifiable {
  /// A layer that a removal touches, and where the group's channels lie in its features.
  public struct Member: Hashable, Sendable {
    /// The node.
    public var node: String
    /// The prefix of its parameters' names.
    public var module: String
    /// The layer's feature that belongs to the group's channel 0.
    public var offset: Int
    /// How many of the layer's features one channel covers: 1, or height·width after flattening.
    public var spread: Int

    /// A member whose features begin at `offset`, `spread` of them per channel.
    public init(node: String, module: String, offset: Int = 0, spread: Int = 1) {
      self.node = node
      self.module = module
      self.offset = offset
      self.spread = spread
    }

    /// The layer's features that are the group's channel `channel`: offset + channel·spread, and spread − 1 more.
    public func features(ofChannel channel: Int) -> Range<Int> { offset + channel * spread..<offset + (channel + 1) * spread }
  }

  /// Linear layers and convolutions whose output channels these are.
  public var producers: [Member]
  /// Norms that scale them.
  public var dependents: [Member]
  /// Linear layers and convolutions that read them.
  public var consumers: [Member]
  /// Channels.
  public var width: Int

  /// The first producer's node name.
  public var name: String { producers.first?.node ?? "" }
  /// The group's name.
  public var id: String { name }

  /// The path of a removal.
  public var description: String {
    let consumed = consumers.map { "\($0.node)[in\($0.spread == 1 ? "" : "×\($0.spread)")]" }.joined(separator: ", ")
    let produced = producers.map { "\($0.node)[out]" }.joined(separator: " + ")
    return ([produced] + dependents.map(\.node) + [consumed]).joined(separator: " → ")
  }
}

extension Network {
  /// Which channels can be removed physically, and which cannot, with the reason in words.
  ///
  /// Every linear layer and convolution appears once, as a group's producer or as refused, in the order of the nodes.
  /// Removable are the units of layers on a sequential path (norm, activation, pooling, dropout, flattening) to other
  /// convolutions or linear layers, also inside residual blocks; not yet removable what reaches a sum, a concatenation, a
  /// padded shortcut or a grouped convolution, and never the network's outputs.
  /// - Throws: what ``shapes()`` throws.
  public func channelGroups() throws -> (groups: [ChannelGroup], refused: [(producer: String, reason: String)]) {
    var spaceOf: [String: Int] = [:]
    let spaces = ChannelSpaces(self, shapes: try shapes(), spaceOf: &spaceOf)
    var groups: [ChannelGroup] = []
    var refused: [(producer: String, reason: String)] = []
    for node in nodes {
      guard let index = spaceOf[node.name] else { continue }
      let space = spaces[index]
      if let reason = space.refusal {
        refused.append((node.name, reason))
      } else if space.producers.count > 1 {
        refused.append((node.name, "they are made by \(space.producers.map(\.node).joined(separator: " and "))"))
      } else if space.consumers.isEmpty {
        refused.append((node.name, "no layer reads them"))
      } else {
        groups.append(
          ChannelGroup(producers: space.producers, dependents: space.dependents, consumers: space.consumers, width: space.width))
      }
    }
    return (groups, refused)
  }
}
