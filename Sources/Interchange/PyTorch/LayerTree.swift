/// Layers in the folders that the dots of their names make: `layer1.0.conv1` is `conv1` in `0` in `layer1`.
struct LayerTree {
  private var children: [(name: String, tree: LayerTree)] = []
  private var layer: String?

  /// Adds the expression that makes a layer.
  ///
  /// - Throws: ``PyTorchError`` for a name that PyTorch cannot give a layer.
  mutating func add(_ expression: String, at path: String) throws {
    try add(expression, path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)[...], path)
  }

  private mutating func add(_ expression: String, _ parts: ArraySlice<String>, _ path: String) throws {
    guard let first = parts.first else {
      guard children.isEmpty else { throw PyTorchError("\(path) is a layer and holds layers, which PyTorch cannot") }
      layer = expression
      return
    }
    guard layer == nil else { throw PyTorchError("\(path) lies in another layer, which PyTorch cannot") }
    guard !first.isEmpty, !PythonNames.ofModules.contains(first) else {
      throw PyTorchError("no layer can be named \(path) in PyTorch, where \(first.isEmpty ? "an empty name" : first) means something else")
    }
    let index = children.firstIndex { $0.name == first } ?? children.count
    if index == children.count { children.append((first, LayerTree())) }
    try children[index].tree.add(expression, parts.dropFirst(), path)
  }

  /// The statements of `__init__` that make all layers.
  var statements: [String] {
    children.map { name, tree in
      PythonNames.isIdentifier(name)
        ? "self.\(name) = \(tree.expression(depth: 2))" : "self.add_module(\(name.pythonLiteral), \(tree.expression(depth: 2)))"
    }
  }

  private func expression(depth: Int) -> String {
    if let layer { return layer }
    let indent = String(repeating: "    ", count: depth)
    let entries = children.map { "\(indent)    \($0.name.pythonLiteral): \($0.tree.expression(depth: depth + 1)),\n" }
    return "nn.ModuleDict({\n\(entries.joined())\(indent)})"
  }

  /// The expression by which `forward` reaches a layer.
  static func reach(_ path: String) -> String {
    let parts = path.split(separator: ".").map(String.init)
    let first = parts.first ?? ""
    let root = PythonNames.isIdentifier(first) ? "self.\(first)" : "getattr(self, \(first.pythonLiteral))"
    return root + parts.dropFirst().map { "[\($0.pythonLiteral)]" }.joined()
  }
}

/// The error of a network that cannot be written as a PyTorch module.
public struct PyTorchError: Error, CustomStringConvertible, Hashable {
  /// What cannot be written, in one line.
  public let description: String

  init(_ description: String) { self.description = description }
}
