extension Architecture {
  /// MobileNetV3 (Howard et al. 2019) with torchvision's layout and parameter names: inverted residuals with hard swish and, in some, a gate
  /// (squeeze-and-excitation with a hard sigmoid), batch norm with ε = 0.001 and momentum 0.01, two linear layers; 2,542,856 and 5,483,032
  /// parameters.
  static let mobileNetV3 = Architecture(
    pattern: "mobilenet-v3-(small|large)",
    summary: "MobileNetV3 for ImageNet, torchvision's layout: gated inverted residuals, hard swish (2019)",
    examples: ["mobilenet-v3-small", "mobilenet-v3-large"]
  ) { name in
    let (blocks, features): ([MobileBlock], Int)
    switch name {
    case "mobilenet-v3-small": (blocks, features) = (small, 1024)
    case "mobilenet-v3-large": (blocks, features) = (large, 1280)
    default: return nil
    }
    return Blueprint(
      input: .images(native: .image(channels: 3, height: 224, width: 224), minimum: 32), classes: .any(native: 1000)
    ) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      builder.mobileConvolution("features.0", 16, kernel: 3, stride: 2, .hardSwish)
      for (index, block) in blocks.enumerated() { builder.mobileBlock("features.\(index + 1)", block) }
      builder.mobileConvolution("features.\(blocks.count + 1)", 6 * builder.shape.channels, kernel: 1, .hardSwish)
      builder.adaptiveAveragePool(1, "avgpool")
      builder.flatten("flatten")
      builder.linear("classifier.0", features)
      builder.activation(.hardSwish, "classifier.1")
      builder.dropout(0.2, "classifier.2")
      builder.linear("classifier.3", classes)
      return try builder.network()
    }
  }

  /// Table 2 of the paper.
  private static let small = [
    MobileBlock(3, 16, 16, .relu, gated: true, stride: 2), MobileBlock(3, 72, 24, .relu, stride: 2), MobileBlock(3, 88, 24, .relu),
    MobileBlock(5, 96, 40, gated: true, stride: 2), MobileBlock(5, 240, 40, gated: true), MobileBlock(5, 240, 40, gated: true),
    MobileBlock(5, 120, 48, gated: true), MobileBlock(5, 144, 48, gated: true), MobileBlock(5, 288, 96, gated: true, stride: 2),
    MobileBlock(5, 576, 96, gated: true), MobileBlock(5, 576, 96, gated: true),
  ]

  /// Table 1 of the paper.
  private static let large = [
    MobileBlock(3, 16, 16, .relu), MobileBlock(3, 64, 24, .relu, stride: 2), MobileBlock(3, 72, 24, .relu),
    MobileBlock(5, 72, 40, .relu, gated: true, stride: 2), MobileBlock(5, 120, 40, .relu, gated: true),
    MobileBlock(5, 120, 40, .relu, gated: true), MobileBlock(3, 240, 80, stride: 2), MobileBlock(3, 200, 80), MobileBlock(3, 184, 80),
    MobileBlock(3, 184, 80), MobileBlock(3, 480, 112, gated: true), MobileBlock(3, 672, 112, gated: true),
    MobileBlock(5, 672, 160, gated: true, stride: 2), MobileBlock(5, 960, 160, gated: true), MobileBlock(5, 960, 160, gated: true),
  ]
}

/// A row of the paper's tables: kernel, expanded and output channels, activation, whether there is a gate, and the stride.
private struct MobileBlock: Sendable {
  var kernel, expanded, filters: Int
  var function: Activation
  var gated: Bool
  var stride: Int

  init(_ kernel: Int, _ expanded: Int, _ filters: Int, _ function: Activation = .hardSwish, gated: Bool = false, stride: Int = 1) {
    (self.kernel, self.expanded, self.filters) = (kernel, expanded, filters)
    (self.function, self.gated, self.stride) = (function, gated, stride)
  }

  /// Channels within the gate: a quarter, rounded to a multiple of 8, and never below nine tenths of it.
  var squeezed: Int {
    let quarter = expanded / 4
    let rounded = max(8, (quarter + 4) / 8 * 8)
    return 10 * rounded < 9 * quarter ? rounded + 8 : rounded
  }
}

extension NetworkBuilder {
  /// Appends convolution, norm and activation with the family's ε and momentum.
  @discardableResult
  fileprivate mutating func mobileConvolution(
    _ prefix: String, _ filters: Int, kernel: Int, stride: Int = 1, groups: Int = 1, _ function: Activation?
  ) -> String {
    normedConvolution(prefix, filters, kernel: kernel, stride: stride, groups: groups, epsilon: 0.001, momentum: 0.01, function)
  }

  /// Appends 1×1 expansion (left out where it would not expand), depthwise convolution, the gate, 1×1 projection without activation, and the
  /// residual sum where the block keeps size and channels.
  fileprivate mutating func mobileBlock(_ prefix: String, _ block: MobileBlock) {
    let (entry, channels) = (last, shape.channels)
    var index = 0
    func next() -> String {
      defer { index += 1 }
      return "\(prefix).block.\(index)"
    }
    if block.expanded != channels { mobileConvolution(next(), block.expanded, kernel: 1, block.function) }
    mobileConvolution(next(), block.expanded, kernel: block.kernel, stride: block.stride, groups: block.expanded, block.function)
    if block.gated { squeezeExcitation(next(), block.squeezed, .relu, gate: .hardSigmoid()) }
    let main = mobileConvolution(next(), block.filters, kernel: 1, nil)
    if block.stride == 1 && block.filters == channels { add([entry, main], "\(prefix).add") }
  }
}
