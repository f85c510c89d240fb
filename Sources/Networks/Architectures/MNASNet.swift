extension Architecture {
  /// MNASNet-B1 1.0 (Tan et al. 2019) with torchvision's layout and parameter names: inverted residuals with ReLU, batch norm with momentum
  /// 0.0003, one linear layer of 1280 features behind dropout 0.2; 4,383,312 parameters.
  static let mnasNet = Architecture(
    pattern: "mnasnet", summary: "MNASNet-B1 for ImageNet, torchvision's layout: searched inverted residuals (Tan 2019)",
    examples: ["mnasnet"]
  ) { name in
    guard name == "mnasnet" else { return nil }
    return Blueprint(
      input: .images(native: .image(channels: 3, height: 224, width: 224), minimum: 32), classes: .any(native: 1000)
    ) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      var index = 0
      func next() -> String {
        defer { index += 1 }
        return "layers.\(index)"
      }
      builder.mnasConvolution(32, kernel: 3, stride: 2, next)
      builder.mnasConvolution(32, kernel: 3, groups: 32, next)
      builder.mnasConvolution(16, kernel: 1, activated: false, next)
      for (expansion, kernel, filters, blocks, stride) in mnasStages {
        let stack = next()
        for block in 0..<blocks {
          builder.mnasBlock("\(stack).\(block)", filters, kernel: kernel, expansion: expansion, stride: block == 0 ? stride : 1)
        }
      }
      builder.mnasConvolution(1280, kernel: 1, next)
      builder.pooledClassifier("classifier.1", classes, dropout: 0.2, "classifier.0")
      return try builder.network()
    }
  }

  /// Figure 7 of the paper, model B1: expansion factor, kernel, output channels, number of blocks, stride of the first block.
  private static let mnasStages = [
    (3, 3, 24, 3, 2), (3, 5, 40, 3, 2), (6, 5, 80, 3, 2), (6, 3, 96, 2, 1), (6, 5, 192, 4, 2), (6, 3, 320, 1, 1),
  ]
}

extension NetworkBuilder {
  /// Appends a convolution that changes the image's size by its stride only, batch norm, and ReLU if `activated`, under the names that `name`
  /// gives one after the other.
  fileprivate mutating func mnasConvolution(
    _ filters: Int, kernel: Int, stride: Int = 1, groups: Int = 1, activated: Bool = true, _ name: () -> String
  ) {
    convolution(name(), filters, kernel: kernel, stride: stride, padding: kernel / 2, groups: groups, bias: false)
    batchNorm(name(), momentum: 0.0003)
    if activated { relu(name()) }
  }

  /// Appends 1×1 expansion, depthwise convolution, 1×1 projection without activation, and the residual sum where the block keeps size and
  /// channels.
  fileprivate mutating func mnasBlock(_ prefix: String, _ filters: Int, kernel: Int, expansion: Int, stride: Int) {
    let (entry, channels) = (last, shape.channels)
    let hidden = channels * expansion
    var index = 0
    func next() -> String {
      defer { index += 1 }
      return "\(prefix).layers.\(index)"
    }
    mnasConvolution(hidden, kernel: 1, next)
    mnasConvolution(hidden, kernel: kernel, stride: stride, groups: hidden, next)
    mnasConvolution(filters, kernel: 1, activated: false, next)
    if stride == 1 && filters == channels { add([last, entry], "\(prefix).add") }
  }
}
