extension Architecture {
  /// SqueezeNet 1.1 (Iandola et al. 2016, the authors' later release) with torchvision's layout and parameter names: eight fire modules,
  /// then a 1×1 convolution with ReLU and global average pooling as the classifier; 1,235,496 parameters.
  static let squeezeNet = Architecture(
    pattern: "squeezenet-1.1", summary: "SqueezeNet 1.1 for ImageNet, torchvision's layout: fire modules, no linear layer (Iandola 2016)",
    examples: ["squeezenet-1.1"]
  ) { name in
    guard name == "squeezenet-1.1" else { return nil }
    return Blueprint(
      input: .images(native: .image(channels: 3, height: 224, width: 224), minimum: 32), classes: .any(native: 1000)
    ) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      builder.convolution("features.0", 64, kernel: 3, stride: 2)
      builder.relu("features.1")
      var index = 2
      for stage in [[(16, 64), (16, 64)], [(32, 128), (32, 128)], [(48, 192), (48, 192), (64, 256), (64, 256)]] {
        builder.maxPool(3, stride: 2, ceilMode: true, "features.\(index)")
        for (offset, (squeezed, expanded)) in stage.enumerated() {
          builder.fire("features.\(index + 1 + offset)", squeezed, expanded)
        }
        index += 1 + stage.count
      }
      builder.dropout(0.5, "classifier.0")
      builder.convolution("classifier.1", classes, kernel: 1)
      builder.relu("classifier.2")
      builder.adaptiveAveragePool(1, "classifier.3")
      builder.flatten("flatten")
      return try builder.network()
    }
  }
}

extension NetworkBuilder {
  /// Appends a fire module: 1×1 filters that squeeze, then the concatenation of equally many 1×1 and 3×3 filters that expand.
  fileprivate mutating func fire(_ prefix: String, _ squeezed: Int, _ expanded: Int) {
    convolution("\(prefix).squeeze", squeezed, kernel: 1)
    let entry = relu("\(prefix).squeeze_activation")
    let branches = [(1, "expand1x1"), (3, "expand3x3")].map { (kernel, branch) in
      convolution("\(prefix).\(branch)", expanded, kernel: kernel, padding: kernel / 2, from: entry)
      return relu("\(prefix).\(branch)_activation")
    }
    concat(branches, "\(prefix).concat")
  }
}
