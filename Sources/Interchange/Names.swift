internal import Networks
internal import Words

/// Names of nodes and modules: printable, each once.
struct Names {
  private var taken: Set<String> = []
  private var counts: [String: Int] = [:]

  /// Returns a name, with a number behind it if it is taken.
  mutating func unique(_ name: String) -> String {
    var candidate = name
    while !taken.insert(candidate).inserted {
      counts[name, default: 1] += 1
      candidate = "\(name)_\(counts[name, default: 1])"
    }
    return candidate
  }

  /// Endings of the names that exporters give to the weights of a module.
  private static let endings = [".weight", "_weight", "_weights", "_scale", ".gamma"]

  /// Returns the module that a layer's weights belong to: `layer1.0.conv1` of the constant `layer1.0.conv1.weight`, or else of the node
  /// `/layer1/layer1.0/conv1/Conv`.
  static func module(of node: ONNXGraph.Node, weight: String) -> String {
    for ending in endings where weight.hasSuffix(ending) && weight.utf8.count > ending.utf8.count {
      let name = printable(String(weight.dropLast(ending.count)))
      // `onnx::Conv_321.weight` and bare numbers say nothing.
      if !name.contains("::"), name.contains(where: \.isLetter) { return name }
    }
    return name(of: node, dropsOperation: true)
  }

  /// Returns a name for a node: PyTorch's exporter writes `/layer1/layer1.0/relu/Relu`, in which each part may repeat the one before it.
  ///
  /// - Parameter dropsOperation: whether the last part goes, if it is not all there is: the operation of a module is its whole content.
  static func name(of node: ONNXGraph.Node, dropsOperation: Bool) -> String {
    guard node.name.hasPrefix("/") else {
      let name = printable(node.name.isEmpty ? node.outputs.first ?? "" : node.name)
      return name.isEmpty ? node.operation.isEmpty ? "node" : printable(node.operation) : name
    }
    var parts = node.name.split(separator: "/").map(String.init)
    if dropsOperation, parts.count > 1, parts.last?.hasPrefix(node.operation) == true { parts.removeLast() }
    let path = parts.reduce(into: [String]()) { path, part in
      if let last = path.last, part.hasPrefix(last + ".") { path.removeLast() }
      path.append(part)
    }
    return printable(path.joined(separator: "."))
  }

  /// Returns the text with `_` for blanks and what is invisible, cut to a length that leaves room for a number.
  static func printable(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    var bytes = 0
    for scalar in text.unicodeScalars {
      let isKept = scalar.isVisible && scalar.properties.generalCategory != .spaceSeparator
      bytes += isKept ? UTF8.width(scalar) : 1
      guard bytes <= 180 else { break }
      result.append(isKept ? scalar : "_")
    }
    return String(result)
  }
}
