internal import Words

/// A network's JSON: `{"name": …, "nodes": [{"name": …, "operation": {…}, "inputs": […]}, …], "outputs": […]}`, and after removals
/// `"original"`, the nodes before the first removal, and `"removed"`, the channels removed since, by group.
///
/// Decoding never yields a network that ``Network/validate()`` or ``Network/shapes()`` would refuse.
extension Network: Codable {
  private enum Key: String, CodingKey { case name, nodes, outputs, original, removed }

  /// - Throws: a ``NetworkError`` that says what is wrong, and at which node.
  public init(from decoder: any Decoder) throws {
    do {
      let fields = try decoder.container(keyedBy: Key.self)
      self.init(
        name: try fields.decode(String.self, forKey: .name), nodes: try Self.nodes(.nodes, of: fields),
        outputs: try fields.decode([String].self, forKey: .outputs))
    } catch let error as NetworkError {
      throw error
    } catch {
      throw NetworkError.malformed("a network must be an object with \"name\" (text), \"nodes\" and \"outputs\" (arrays)")
    }
    _ = try shapes()
    lineage = try Self.lineage(of: self, from: decoder)
  }

  /// Decodes a list of nodes; their number is checked before any is decoded.
  private static func nodes(_ key: Key, of fields: KeyedDecodingContainer<Key>) throws -> [Node] {
    try Limits.check(nodes: fields.nestedUnkeyedContainer(forKey: key).count ?? 0)
    return try fields.decode([Node].self, forKey: key)
  }

  private static func lineage(of network: Network, from decoder: any Decoder) throws -> Lineage? {
    let original: Network
    let removed: [String: [Int]]
    do {
      let fields = try decoder.container(keyedBy: Key.self)
      guard fields.contains(.original), try !fields.decodeNil(forKey: .original) else { return nil }
      original = Network(name: network.name, nodes: try nodes(.original, of: fields), outputs: network.outputs)
      removed = try fields.decode([String: [Int]].self, forKey: .removed)
    } catch let error as NetworkError {
      throw error
    } catch {
      throw NetworkError.malformed("\"original\" must be an array of nodes, and \"removed\" an object of indices by channel group")
    }
    return try Lineage(original: original, removed: removed, to: network)
  }

  /// Encodes name, nodes and outputs, and after removals the original nodes and the removed channels.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(name, forKey: .name)
    try fields.encode(nodes, forKey: .nodes)
    try fields.encode(outputs, forKey: .outputs)
    try fields.encodeIfPresent(lineage?.nodes, forKey: .original)
    try fields.encodeIfPresent(lineage?.removed, forKey: .removed)
  }
}

extension Network.Node: Codable {
  private enum Key: String, CodingKey { case name, operation, inputs, module }

  /// - Throws: ``NetworkError/malformed(_:)``, beginning with the node's name.
  public init(from decoder: any Decoder) throws {
    guard let fields = try? decoder.container(keyedBy: Key.self), let name = try? fields.decode(String.self, forKey: .name) else {
      throw NetworkError.malformed("a node must be an object with a field \"name\"")
    }
    do {
      self.init(
        name: name, operation: try fields.decode(Operation.self, forKey: .operation),
        inputs: try fields.decode([String].self, forKey: .inputs), module: try fields.decodeIfPresent(String.self, forKey: .module))
    } catch let NetworkError.malformed(problem) {
      throw NetworkError.malformed("node \(name.quoted): \(problem)")
    } catch let error as NetworkError {
      throw error
    } catch {
      throw NetworkError.malformed("node \(name.quoted): needs \"operation\" (an object) and \"inputs\" (an array of names)")
    }
  }

  /// Encodes the node; its module only where it differs from its name.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(name, forKey: .name)
    try fields.encode(operation, forKey: .operation)
    try fields.encode(inputs, forKey: .inputs)
    if module != name { try fields.encode(module, forKey: .module) }
  }
}
