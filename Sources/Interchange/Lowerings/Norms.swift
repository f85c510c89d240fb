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
      return [.feature(try lowering.layer(.batchNorm(norm), from: lowering.feature(node), as: node, parameters))]
    },
    Rule("LayerNormalization") { lowering, node in
      let view = try lowering.view(node)
      let features = lowering.network.shape(of: view.source).channels
      guard let axis = node.integer("axis", -1).axis(of: view.axes.count), axis == view.axes.count - 1,
        view.isWhole(axis, .channels, features)
      else {
        throw Refusal(
          "it normalises (\(view.words)) from axis \(node.integer("axis", -1)) on, and all channels as the last axis are possible")
      }
      var parameters = [(ParameterName.Role.weight, Weight(tensor: try lowering.weight(node, 1, rank: 1)))]
      let shift =
        try lowering.constant(node, 2)
        ?? ONNXTensor("zero", repeating: 0, count: features)
      parameters.append((.bias, Weight(tensor: shift)))
      guard parameters.allSatisfy({ $0.1.tensor.count == features }) else { throw Refusal("its parameters have different lengths") }
      return [
        .feature(
          try lowering.layer(.channelNorm(ChannelNorm(features, epsilon: node.real("epsilon", 1e-5))), over: view, as: node, parameters))
      ]
    },
    // The steps of a layer norm before version 17: (x − μ)/√(mean((x − μ)²) + ε).
    Rule("Pow") { lowering, node in
      guard case .constant? = lowering.value(node, 1) else { return [try lowering.paired(OpaqueFunction(.power), node)] }
      guard let exponents = try lowering.numbers(node, 1)?.values, let exponent = exponents.first, exponents.count == 1 else {
        throw Refusal("its exponent has several numbers, and one is possible")
      }
      if case .partial(let partial)? = lowering.value(node, 0), partial.form == .centred, exponent == 2 {
        return [.partial(Partial(form: .squares, view: partial.view))]
      }
      guard exponent == 2 else { return [try lowering.opaque(.constantPower, node, exponent)] }
      // A product can lose channels.
      if let input = node.inputs.first { try lowering.settle(input) }
      let view = try lowering.view(node)
      let square = try lowering.emit(.multiply, from: [view.source, view.source], as: node)
      return [.feature(view.of(square.source))]
    },
    Rule("Sqrt") { lowering, node in
      guard case .partial(let partial)? = lowering.value(node, 0), case .variance(let epsilon?) = partial.form else {
        return [try lowering.opaque(.sqrt, node)]
      }
      return [.partial(Partial(form: .deviation(epsilon: epsilon), view: partial.view))]
    },
    Rule("GroupNormalization") { lowering, node in
      let source = try lowering.feature(node)
      let (features, groups) = (lowering.network.shape(of: source).channels, node.integer("num_groups", 0))
      guard groups > 0, features.isMultiple(of: groups) else { throw Refusal("its \(groups) groups do not divide \(features) channels") }
      let parameters = try [(1, ParameterName.Role.weight), (2, .bias)].map { index, role in
        let tensor = try lowering.weight(node, index, rank: 1)
        // Before version 21 there was a number for each group.
        guard tensor.count == groups, groups < features, let numbers = try tensor.numbers() else { return (role, Weight(tensor: tensor)) }
        let spread = numbers.flatMap { Array(repeating: $0, count: features / groups) }
        return (role, Weight(tensor: ONNXTensor(tensor.name, dimensions: [features], numbers: spread, isInteger: false)))
      }
      guard parameters.allSatisfy({ $0.1.tensor.count == features }) else { throw Refusal("its parameters have different lengths") }
      return [
        .feature(
          try lowering.layer(
            .groupNorm(GroupNorm(groups: groups, features, epsilon: node.real("epsilon", 1e-5))), from: source, as: node, parameters))
      ]
    },
    Rule("LRN") { lowering, node in
      let size = node.integer("size", 0)
      let norm = LocalResponseNorm(size, alpha: node.real("alpha", 1e-4), beta: node.real("beta", 0.75), k: node.real("bias", 1))
      guard size % 2 == 1 else { throw Refusal("its size \(size) is even, and neighbours are as many on both sides") }
      return [.feature(try lowering.emit(.localResponseNorm(norm), from: [lowering.feature(node)], as: node))]
    },
    Rule("InstanceNormalization") { lowering, node in
      let parameters = try [(1, ParameterName.Role.weight), (2, .bias)].map { (index, role) in
        (role, Weight(tensor: try lowering.weight(node, index, rank: 1)))
      }
      let features = parameters[0].1.tensor.count
      guard parameters[1].1.tensor.count == features else { throw Refusal("its parameters have different lengths") }
      let view = try lowering.view(node)
      let channels = lowering.network.shape(of: view.source).channels
      if features < channels || view.axes.last?.contains(where: { $0.axis == .channels }) == true {
        // PyTorch's group norm: groups as channels, all of a group along one axis.
        let parts = [View.Factor(axis: .channels, size: features, stride: channels / max(features, 1))]
        guard view.axes.count == 3, view.isWhole(0, .batch, lowering.batch), view.axes[1] == (features == 1 ? [] : parts),
          try parameters[0].1.tensor.isFilled(with: 1), try parameters[1].1.tensor.isFilled(with: 0)
        else { throw Refusal("it normalises (\(view.words)), and channels or groups of them are possible") }
        let norm = GroupNorm(groups: features, channels, epsilon: node.real("epsilon", 1e-5), affine: false)
        return [.feature(try lowering.emit(.groupNorm(norm), over: view, as: node))]
      }
      let norm = GroupNorm(groups: features, features, epsilon: node.real("epsilon", 1e-5))
      return [.feature(try lowering.layer(.groupNorm(norm), from: lowering.feature(node), as: node, parameters))]
    },
  ]
}
