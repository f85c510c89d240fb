extension Architecture {
  /// EfficientNet-B0 (Tan & Le 2019) with torchvision's layout and parameter names: inverted residuals with SiLU, each with a gate
  /// (squeeze-and-excitation), one linear layer of 1280 features behind dropout 0.2; 5,288,548 parameters.
  ///
  /// torchvision's training leaves out whole blocks at random (stochastic depth, up to 0.2), which is not done here.
  static let efficientNetB0 = Architecture(
    pattern: "efficientnet-b0", summary: "EfficientNet-B0 for ImageNet, torchvision's layout: gated inverted residuals, SiLU (Tan 2019)",
    examples: ["efficientnet-b0"]
  ) { name in
    guard name == "efficientnet-b0" else { return nil }
    return Blueprint(
      input: .images(native: .image(channels: 3, height: 224, width: 224), minimum: 32), classes: .any(native: 1000)
    ) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      builder.normedConvolution("features.0", 32, kernel: 3, stride: 2, .silu)
      for (stage, (expansion, kernel, filters, blocks, stride)) in efficientStages.enumerated() {
        for block in 0..<blocks {
          builder.efficientBlock(
            "features.\(stage + 1).\(block)", filters, kernel: kernel, expansion: expansion, stride: block == 0 ? stride : 1)
        }
      }
      builder.normedConvolution("features.\(efficientStages.count + 1)", 1280, kernel: 1, .silu)
      builder.pooledClassifier("classifier.1", classes, dropout: 0.2, "classifier.0")
      return try builder.network()
    }
  }

  /// Table 1 of the paper: expansion factor, kernel, output channels, number of blocks, stride of the first block.
  private static let efficientStages = [
    (1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2), (6, 5, 112, 3, 1), (6, 5, 192, 4, 2), (6, 3, 320, 1, 1),
  ]
}

extension NetworkBuilder {
  /// Appends 1×1 expansion (left out at factor 1), depthwise convolution, a gate with a quarter of the block's input channels, 1×1
  /// projection without activation, and the residual sum where the block keeps size and channels.
  fileprivate mutating func efficientBlock(_ prefix: String, _ filters: Int, kernel: Int, expansion: Int, stride: Int) {
    let (entry, channels) = (last, shape.channels)
    let hidden = channels * expansion
    var index = 0
    func next() -> String {
      defer { index += 1 }
      return "\(prefix).block.\(index)"
    }
    if expansion != 1 { normedConvolution(next(), hidden, kernel: 1, .silu) }
    normedConvolution(next(), hidden, kernel: kernel, stride: stride, groups: hidden, .silu)
    squeezeExcitation(next(), max(channels / 4, 1), .silu, gate: .sigmoid)
    let main = normedConvolution(next(), filters, kernel: 1, nil)
    if stride == 1 && filters == channels { add([main, entry], "\(prefix).add") }
  }
}
