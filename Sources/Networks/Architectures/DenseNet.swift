extension Architecture {
  /// DenseNet-121 (Huang et al. 2017, DenseNet-BC with growth rate 32) with torchvision's layout and parameter names: blocks of 6, 12, 24
  /// and 16 layers, each of which reads the concatenation of all layers before it; 7,978,856 parameters.
  static let denseNet121 = Architecture(
    pattern: "densenet-121", summary: "DenseNet-121 for ImageNet, torchvision's layout: each layer reads all before it (Huang 2017)",
    examples: ["densenet-121"]
  ) { name in
    guard name == "densenet-121" else { return nil }
    return Blueprint(
      input: .images(native: .image(channels: 3, height: 224, width: 224), minimum: 32), classes: .any(native: 1000)
    ) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      builder.convolution("features.conv0", 64, kernel: 7, stride: 2, padding: 3, bias: false)
      builder.batchNorm("features.norm0")
      builder.relu("features.relu0")
      builder.maxPool(3, stride: 2, padding: 1, "features.pool0")
      let blocks = [6, 12, 24, 16]
      for (index, layers) in blocks.enumerated() {
        builder.denseBlock("features.denseblock\(index + 1)", layers: layers, growth: 32)
        if index < blocks.count - 1 { builder.transition("features.transition\(index + 1)") }
      }
      builder.batchNorm("features.norm5")
      builder.relu("relu")
      builder.adaptiveAveragePool(1, "avgpool")
      builder.flatten("flatten")
      builder.linear("classifier", classes)
      return try builder.network()
    }
  }
}

extension NetworkBuilder {
  /// Appends a dense block: each layer adds `growth` channels to the block's input, and the block's value is the concatenation of all of
  /// them.
  fileprivate mutating func denseBlock(_ prefix: String, layers: Int, growth: Int) {
    var features = [last]
    for layer in 1...layers {
      let name = "\(prefix).denselayer\(layer)"
      if features.count > 1 { concat(features, "\(name).concat") }
      batchNorm("\(name).norm1")
      relu("\(name).relu1")
      convolution("\(name).conv1", 4 * growth, kernel: 1, bias: false)
      batchNorm("\(name).norm2")
      relu("\(name).relu2")
      features.append(convolution("\(name).conv2", growth, kernel: 3, padding: 1, bias: false))
    }
    concat(features, "\(prefix).concat")
  }

  /// Appends a transition: a 1×1 convolution to half the channels, then 2×2 average pooling.
  fileprivate mutating func transition(_ prefix: String) {
    let filters = shape.channels / 2
    batchNorm("\(prefix).norm")
    relu("\(prefix).relu")
    convolution("\(prefix).conv", filters, kernel: 1, bias: false)
    averagePool(2, "\(prefix).pool")
  }
}
