internal import Networks

extension Lowering {
  /// Norms with running statistics: `BatchNormalization`.
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
    }
  ]
}
