internal import Networks

extension Lowering {
  /// Norms with running statistics, and of neighbours or single channels of an example.
  static let norms = [
    Rule("BatchNormalization") { lowering, node in
      guard node.integer("training_mode", 0) == 0 else { throw Refusal("it is in training mode; export the model for inference") }
      let roles: [ParameterName.Role] = [.weight, .bias, .runningMean, .runningVariance]
      let parameters = try zip(1..., roles).map { (index, role) in (role, Weight(tensor: try lowering.weight(node, index, rank: 1))) }
      let features = parameters[0].1.tensor.count
      guard parameters.allSatisfy({ $0.1.tensor.count == features }) else { throw Refusal("its parameters have different lengths") }
      // ONNX weighs the old statistics, PyTorch the new ones; the difference is rounded to what was written.
      let momentum = ((1 - node.real("momentum", 0.9)) * 1e6).rounded() / 1e6
      let norm = BatchNorm(features, epsilon: node.real("epsilon", 1e-5), momentum: momentum)
      return [try lowering.layer(.batchNorm(norm), from: lowering.feature(node), as: node, parameters)]
    },
    Rule("LRN") { lowering, node in
      let size = node.integer("size", 0)
      let norm = LocalResponseNorm(size, alpha: node.real("alpha", 1e-4), beta: node.real("beta", 0.75), k: node.real("bias", 1))
      guard size % 2 == 1 else { throw Refusal("its size \(size) is even, and neighbours are as many on both sides") }
      return [try lowering.emit(.localResponseNorm(norm), from: [lowering.feature(node)], as: node)]
    },
    Rule("InstanceNormalization") { lowering, node in
      let parameters = try [(1, ParameterName.Role.weight), (2, .bias)].map { (index, role) in
        (role, Weight(tensor: try lowering.weight(node, index, rank: 1)))
      }
      let features = parameters[0].1.tensor.count
      guard parameters[1].1.tensor.count == features else { throw Refusal("its parameters have different lengths") }
      let norm = GroupNorm(groups: features, features, epsilon: node.real("epsilon", 1e-5))
      return [try lowering.layer(.groupNorm(norm), from: lowering.feature(node), as: node, parameters)]
    },
  ]
}
