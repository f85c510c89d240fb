/// An opaque node of a network, and the channels that it keeps.
public struct OpaqueNode: Codable, Hashable, Sendable {
  /// Channels of a layer that cannot leave because of the node.
  public struct Kept: Codable, Hashable, Sendable {
    /// Name of the layer's node.
    public var layer: String
    /// Number of its channels in the original network, which are all still there.
    public var channels: Int

    /// Creates a number of channels of a layer.
    public init(layer: String, channels: Int) { (self.layer, self.channels) = (layer, channels) }
  }

  /// Name of the node.
  public var node: String
  /// Name of its function, e.g. `exp`.
  public var function: String
  /// The linear layers and convolutions whose channels it reads, or that are coupled to them or to its own value; in the order of the nodes.
  public var kept: [Kept]

  /// Creates what is said of a node.
  public init(node: String, function: String, kept: [Kept]) { (self.node, self.function, self.kept) = (node, function, kept) }
}

extension Network {
  /// Returns the opaque nodes in their order, each with the channels that it keeps; some of these may stay for other reasons, too.
  ///
  /// - Throws: what ``channelGroups()`` throws.
  public func opaqueNodes() throws -> [OpaqueNode] {
    let network = original
    guard network.nodes.contains(where: { $0.operation.type == .opaque }) else { return [] }
    let flow = try ChannelFlow(network, shapes: try network.shapes())
    var roots: [Int] = []
    roots.reserveCapacity(flow.count)
    for source in 0..<flow.count {
      let parent = Int(flow.parent(Int32(source)))
      roots.append(parent == source ? source : roots[parent])
    }
    return flow.refusals.compactMap { refusal in
      guard let place = refusal.opaque, case .opaque(let function) = network.nodes[place].operation else { return nil }
      let pinned = Set(refusal.sources.map { roots[Int($0)] })
      let kept = flow.touches.compactMap { touch -> OpaqueNode.Kept? in
        guard touch.role == .producer else { return nil }
        let count = touch.sources.count { pinned.contains(roots[Int($0)]) }
        return count > 0 ? OpaqueNode.Kept(layer: network.nodes[touch.node].name, channels: count) : nil
      }
      return OpaqueNode(node: network.nodes[place].name, function: function.name.rawValue, kept: kept)
    }
  }
}
