internal import Networks

extension Lowering {
  /// Fully connected layers: `Gemm`, and `MatMul`, whose bias an `Add` behind it brings.
  static let dense = [
    Rule("Gemm") { lowering, node in
      guard node.integer("transA", 0) == 0 else { throw Refusal("it transposes its input") }
      let matrix = try lowering.weight(node, 1, rank: 2)
      let isStoredByOutput = node.integer("transB", 0) != 0
      let outputs = matrix.dimensions[isStoredByOutput ? 0 : 1]
      let (alpha, beta) = (node.real("alpha", 1), node.real("beta", 1))
      var parameters: [(ParameterName.Role, Weight)] = [
        (.weight, Weight(tensor: matrix, isTransposed: !isStoredByOutput, factor: alpha))
      ]
      if let bias = try lowering.constant(node, 2), beta != 0 {
        guard bias.count == outputs, bias.dimensions.last == outputs || outputs == 1 else {
          throw Refusal("its bias does not fit its weights")
        }
        parameters.append((.bias, Weight(tensor: bias, factor: beta)))
      }
      let layer = Linear(matrix.dimensions[isStoredByOutput ? 1 : 0], outputs, bias: parameters.count > 1)
      return [try lowering.layer(.linear(layer), from: lowering.vector(node), as: node, parameters)]
    },
    Rule("MatMul") { lowering, node in
      let matrix = try lowering.weight(node, 1, rank: 2)
      let layer = Linear(matrix.dimensions[0], matrix.dimensions[1], bias: false)
      return [
        try lowering.layer(
          .linear(layer), from: lowering.vector(node), as: node, [(.weight, Weight(tensor: matrix, isTransposed: true))])
      ]
    },
  ]

  /// The first input, which must be a vector.
  private func vector(_ node: ONNXGraph.Node) throws -> String {
    let source = try feature(node)
    guard case .vector = shape(of: source) else { throw Refusal("it reads an image, \(shape(of: source)), and must read a vector") }
    return source
  }
}
