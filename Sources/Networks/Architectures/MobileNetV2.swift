extension Architecture {
  /// MobileNetV2 (Sandler et al. 2018) with torchvision's layout and parameter names: inverted residuals around depthwise
  /// 3×3 convolutions, ReLU6, linear bottlenecks, one linear layer of 1280 features behind dropout 0.2; 3,504,872 parameters.
  static let mobileNetV2 = Architecture(
    pattern: "mobilenet-v2", summary: "MobileNetV2 for ImageNet, torchvision's layout: inverted residuals, depthwise convolutions (2018)",
    examples: ["mobilenet-v2"]
  ) { name in
    guard name == "mobilenet-v2" else { return nil }
    return Blueprint(
      input: .images(native: .image(channels: 3, height: 224, width: 224), minimum: 32), classes: .any(native: 1000)
    ) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      builder.normedConvolution("features.0", 32, kernel: 3, stride: 2, .relu6)
      var index = 1
      for (expansion, filters, blocks, stride) in invertedResiduals {
        for block in 0..<blocks {
          builder.invertedResidual("features.\(index)", filters, expansion: expansion, stride: block == 0 ? stride : 1)
          index += 1
        }
      }
      builder.normedConvolution("features.\(index)", 1280, kernel: 1, .relu6)
      builder.adaptiveAveragePool(1, "avgpool")
      builder.flatten("flatten")
      builder.dropout(0.2, "classifier.0")
      builder.linear("classifier.1", classes)
      return try builder.network()
    }
  }

  /// Table 2 of the paper: expansion factor, output channels, number of blocks, stride of the first block.
  private static let invertedResiduals = [
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
  ]
}

extension NetworkBuilder {
  /// Appends a block: 1×1 expansion (left out at factor 1), depthwise 3×3, 1×1 projection without activation, and the residual sum where
  /// the block keeps size and channels.
  fileprivate mutating func invertedResidual(_ prefix: String, _ filters: Int, expansion: Int, stride: Int) {
    let (entry, channels) = (last, shape.channels)
    let hidden = channels * expansion
    var index = 0
    func next() -> String {
      defer { index += 1 }
      return "\(prefix).conv.\(index)"
    }
    if expansion != 1 { normedConvolution(next(), hidden, kernel: 1, .relu6) }
    normedConvolution(next(), hidden, kernel: 3, stride: stride, groups: hidden, .relu6)
    convolution(next(), filters, kernel: 1, bias: false)
    let main = batchNorm(next())
    if stride == 1 && filters == channels { add([entry, main], "\(prefix).add") }
  }
}
