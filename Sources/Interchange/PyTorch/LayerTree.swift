/// Layers in the folders that the dots of their names make: `layer1.0.conv1` is `conv1` in `0` in `layer1`. A layer can hold layers, too, as
/// multi-head attention does.
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
      layer = expression
      if let taken = children.first(where: { PythonNames.ofLayers.contains($0.name) }) {
        throw Self.refusal("\(path).\(taken.name)", taken.name)
      }
      return
    }
    guard !first.isEmpty, !PythonNames.ofModules.contains(first), layer == nil || !PythonNames.ofLayers.contains(first) else {
      throw Self.refusal(path, first)
    }
    let index = children.firstIndex { $0.name == first } ?? children.count
    if index == children.count { children.append((first, LayerTree())) }
    try children[index].tree.add(expression, parts.dropFirst(), path)
  }

  private static func refusal(_ path: String, _ name: String) -> PyTorchError {
    PyTorchError("no layer can be named \(path) in PyTorch, where \(name.isEmpty ? "an empty name" : name) means something else")
  }

  /// The statements of `__init__` that make all layers.
  var statements: [String] {
    children.flatMap { name, tree in
      [
        PythonNames.isIdentifier(name)
          ? "self.\(name) = \(tree.expression(depth: 2))" : "self.add_module(\(name.pythonLiteral), \(tree.expression(depth: 2)))"
      ] + tree.additions(to: Self.root(name))
    }
  }

  /// The statements that give layers the layers that they hold.
  private func additions(to place: String) -> [String] {
    children.flatMap { name, tree in
      (layer == nil ? [] : ["\(place).add_module(\(name.pythonLiteral), \(tree.expression(depth: 2)))"])
        + tree.additions(to: place + step(to: name))
    }
  }

  private func expression(depth: Int) -> String {
    if let layer { return layer }
    let indent = String(repeating: "    ", count: depth)
    let entries = children.map { "\(indent)    \($0.name.pythonLiteral): \($0.tree.expression(depth: depth + 1)),\n" }
    return "nn.ModuleDict({\n\(entries.joined())\(indent)})"
  }

  /// The expression by which `forward` reaches a layer; all must have been added.
  func reach(_ path: String) -> String {
    let parts = path.split(separator: ".").map(String.init)
    var (place, tree) = (Self.root(parts.first ?? ""), child(parts.first ?? ""))
    for part in parts.dropFirst() {
      place += tree?.step(to: part) ?? ""
      tree = tree?.child(part)
    }
    return place
  }

  private func child(_ name: String) -> LayerTree? { children.first { $0.name == name }?.tree }

  private static func root(_ name: String) -> String {
    PythonNames.isIdentifier(name) ? "self.\(name)" : "getattr(self, \(name.pythonLiteral))"
  }

  /// How a child is reached from here: by its key in a folder, by its name in a layer.
  private func step(to name: String) -> String {
    if layer == nil { return "[\(name.pythonLiteral)]" }
    return PythonNames.isIdentifier(name) ? ".\(name)" : ".get_submodule(\(name.pythonLiteral))"
  }
}

/// The error of a network that cannot be written as a PyTorch module.
public struct PyTorchError: Error, CustomStringConvertible, Hashable {
  /// What cannot be written, in one line.
  public let description: String

  init(_ description: String) { self.description = description }
}
