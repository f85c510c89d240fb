extension Network {
  /// The last layer, if the network's first output is that of a linear layer; otherwise nil.
  public var head: Node? {
    guard let name = outputs.first, let node = node(named: name), case .linear = node.operation else { return nil }
    return node
  }

  /// Returns the network with another number of outputs of its last layer, for another data set; what was removed before it stays removed.
  ///
  /// - Throws: ``NetworkError/invalid(_:)`` if the network does not end in a linear layer of its own.
  public func withHead(outputs count: Int) throws -> Network {
    guard let head, nodes.count(where: { $0.module == head.module }) == 1, count > 0 else {
      throw NetworkError.invalid("\(name) does not end in a linear layer that could be exchanged")
    }
    func exchanged(_ nodes: [Node]) -> [Node] {
      nodes.map { node in
        guard node.name == head.name, case .linear(var layer) = node.operation else { return node }
        layer.outputs = count
        var node = node
        node.operation = .linear(layer)
        return node
      }
    }
    var network = self
    network.nodes = exchanged(nodes)
    network.lineage = lineage?.mappingNodes(exchanged)
    return network
  }
}
