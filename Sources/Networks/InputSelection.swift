extension Network {
  /// Returns the network in which linear layers read only some features of their inputs, and the slices that cut a model's weights to
  /// match.
  ///
  /// Pixels, and single positions of a flattened image, cannot leave by themselves: what makes them makes all of them. An `indexSelect`
  /// node before the layer passes on those that it still reads; a layer that had one gets a shorter one. The result has no known
  /// ``original``: what its layers read is no longer a matter of channels alone.
  ///
  /// ```swift
  /// let (smaller, slices) = try network.reading(["fc1": [100, 101, 128]])  // of 784 pixels
  /// ```
  /// - Parameter features: by layer, the ascending indices of the features that it goes on to read; a layer that reads all stays as it is.
  /// - Throws: ``NetworkError/removal(layer:problem:)`` for a node that is not a linear layer or shares its weights, and for indices that
  ///   are none, not ascending or out of range; what ``shapes()`` throws.
  public func reading(_ features: [String: [Int]]) throws -> (network: Network, slices: [TensorSlice]) {
    let index = NetworkIndex(self)
    var kept: [String: [Int]] = [:]
    for (name, chosen) in features.sorted(by: { $0.key < $1.key }) {
      guard let node = index.node(named: name), case .linear(let layer) = node.operation, !index.isShared(node.module) else {
        throw NetworkError.removal(layer: name, problem: "only a linear layer with weights of its own can read a part of its input")
      }
      guard let first = chosen.first, let last = chosen.last, first >= 0, last < layer.inputs,
        zip(chosen, chosen.dropFirst()).allSatisfy({ $0 < $1 })
      else { throw NetworkError.removal(layer: name, problem: "what it reads must be ascending indices of its \(layer.inputs) inputs") }
      if chosen.count < layer.inputs { kept[name] = chosen }
    }
    guard !kept.isEmpty else { return (self, []) }
    var network = Network(name: name, nodes: [], outputs: outputs)
    var slices: [TensorSlice] = []
    var names = Set(nodes.map(\.name))
    for (place, node) in nodes.enumerated() {
      guard let chosen = kept[node.name], case .linear(var layer) = node.operation, let input = node.inputs.first else {
        network.nodes.append(node)
        continue
      }
      var reader = node
      layer.inputs = chosen.count
      reader.operation = .linear(layer)
      if let before = network.nodes.last, before.name == input, case .indexSelect(let indices) = before.operation,
        index.place(of: input).map({ index.readers(of: $0) }) == [place], !index.isOutput(input)
      {
        network.nodes[network.nodes.count - 1].operation = .indexSelect(chosen.map { indices[$0] })
      } else {
        var name = "\(node.name).inputs"
        while !names.insert(name).inserted { name += "'" }
        network.nodes.append(Node(name: name, operation: .indexSelect(chosen), inputs: [input]))
        reader.inputs = [name]
      }
      network.nodes.append(reader)
      slices.append(TensorSlice(parameter: ParameterName(node.module, .weight), dimension: 1, keep: chosen))
    }
    _ = try network.shapes()
    return (network, slices)
  }
}
