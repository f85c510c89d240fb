extension Architecture {
  /// ConvNeXt-T (Liu et al. 2022) with torchvision's layout and names: depthwise 7×7 convolutions, norms over the channels at each position
  /// (ε = 1e-6), GELU, and a learned scale of each channel before the residual sum; 28,589,128 parameters.
  ///
  /// torchvision computes the blocks' linear layers on images with their channels last; here they are 1×1 convolutions, which read its
  /// [outputs, inputs] as [outputs, inputs, 1, 1]. Its `layer_scale` is `layer_scale.weight`. Its training begins with scales of 1e-6 and
  /// leaves out whole blocks at random (stochastic depth, up to 0.1); here scales begin at 1, and all blocks take part.
  static let convNeXtTiny = Architecture(
    pattern: "convnext-tiny", summary: "ConvNeXt-T for ImageNet, torchvision's layout: depthwise 7×7, norms by position, GELU (Liu 2022)",
    examples: ["convnext-tiny"]
  ) { name in
    guard name == "convnext-tiny" else { return nil }
    return Blueprint(
      input: .images(native: .image(channels: 3, height: 224, width: 224), minimum: 32), classes: .any(native: 1000)
    ) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      builder.convolution("features.0.0", 96, kernel: 4, stride: 4)
      builder.channelNorm("features.0.1", epsilon: 1e-6)
      for (stage, (filters, blocks)) in [(96, 3), (192, 3), (384, 9), (768, 3)].enumerated() {
        if stage > 0 {
          builder.channelNorm("features.\(2 * stage).0", epsilon: 1e-6)
          builder.convolution("features.\(2 * stage).1", filters, kernel: 2, stride: 2)
        }
        for block in 0..<blocks { builder.convNeXtBlock("features.\(2 * stage + 1).\(block)") }
      }
      builder.adaptiveAveragePool(1, "avgpool")
      builder.channelNorm("classifier.0", epsilon: 1e-6)
      builder.flatten("classifier.1")
      builder.linear("classifier.2", classes)
      return try builder.network()
    }
  }
}

extension NetworkBuilder {
  /// Appends a depthwise 7×7 convolution, a norm, 1×1 convolutions to four times the channels and back, and the scaled residual sum.
  fileprivate mutating func convNeXtBlock(_ prefix: String) {
    let (entry, channels) = (last, shape.channels)
    convolution("\(prefix).block.0", channels, kernel: 7, padding: 3, groups: channels)
    channelNorm("\(prefix).block.2", epsilon: 1e-6)
    convolution("\(prefix).block.3", 4 * channels, kernel: 1)
    activation(.gelu, "\(prefix).block.4")
    convolution("\(prefix).block.5", channels, kernel: 1)
    add([channelAffine("\(prefix).layer_scale", bias: false), entry], "\(prefix).add")
  }
}
