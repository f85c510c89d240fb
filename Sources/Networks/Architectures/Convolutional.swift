internal import Words

extension Architecture {
  /// Conv-2, Conv-4 and Conv-6 of Frankle & Carbin 2019 for CIFAR-10: pairs of 3×3 convolutions (64, 128, 256 filters, padded to the same
  /// size, ReLU), 2×2 max pooling after each pair, linear 256→256→10.
  ///
  /// The paper gives 4.3, 2.4 and 1.7 million weights. This layout has 4.3, 2.4 and 2.3 million: for Conv-6 the paper's own description
  /// (256 channels of 4×4 into 256 units) contradicts its table.
  static let frankleConvolutional = Architecture(
    pattern: "conv-2, conv-4, conv-6", summary: "Frankle & Carbin's scaled-down VGGs: 2, 4 or 6 convolutions, linear 256→256→classes",
    examples: ["conv-2", "conv-4", "conv-6"]
  ) { name in
    guard let text = name.after("conv-") else { return nil }
    guard let depth = text.depth, [2, 4, 6].contains(depth) else {
      throw NetworkError.architecture("unknown network \(name.quoted): depth must be 2, 4 or 6")
    }
    return Blueprint(input: .exactly(.image(channels: 3, height: 32, width: 32)), classes: .any(native: 10)) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      for index in 0..<depth {
        builder.convolution("conv\(index + 1)", 64 << (index / 2), kernel: 3, padding: 1)
        builder.relu()
        if index % 2 == 1 { builder.maxPool(2) }
      }
      builder.flatten("flatten")
      builder.classifier([256, 256, classes], names: ["fc1", "fc2", "fc3"])
      return try builder.network()
    }
  }

  /// The small and medium networks of Mean Replacement Pruning (anonymous, 2019, appendix 6.3) for CIFAR-10: three convolutions (5×5,
  /// 3×3, 3×3, no padding, ReLU), each followed by 2×2 max pooling, and two hidden linear layers.
  ///
  /// Small: 32-64-128 filters, 512-128 units; medium: 64-128-256 and 1024-256. The appendix specifies neither padding nor activation nor
  /// the output layer; those are our choices.
  static let meanReplacementConvolutional = Architecture(
    pattern: "small-conv, medium-conv", summary: "three unpadded convolutions, two hidden linear layers (Mean Replacement Pruning, 2019)",
    examples: ["small-conv", "medium-conv"]
  ) { name in
    let layouts = ["small-conv": ([32, 64, 128], [512, 128]), "medium-conv": ([64, 128, 256], [1024, 256])]
    guard let (filters, hidden) = layouts[name] else { return nil }
    return Blueprint(input: .exactly(.image(channels: 3, height: 32, width: 32)), classes: .any(native: 10)) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      for (index, count) in filters.enumerated() {
        builder.convolution("conv\(index + 1)", count, kernel: index == 0 ? 5 : 3)
        builder.relu()
        builder.maxPool(2)
      }
      builder.flatten("flatten")
      builder.classifier(hidden + [classes], names: ["fc1", "fc2", "fc3"])
      return try builder.network()
    }
  }
}
