extension Architecture {
  /// AlexNet in the single-tower form of Krizhevsky 2014 with torchvision's layout and parameter names; 61,100,840 parameters.
  static let alexNet = Architecture(
    pattern: "alexnet", summary: "torchvision's AlexNet: five convolutions, linear 9216→4096→4096→classes", examples: ["alexnet"]
  ) { name in
    guard name == "alexnet" else { return nil }
    return Blueprint(
      input: .images(native: .image(channels: 3, height: 224, width: 224), minimum: 63), classes: .any(native: 1000)
    ) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      builder.convolution("features.0", 64, kernel: 11, stride: 4, padding: 2)
      builder.relu("features.1")
      builder.maxPool(3, stride: 2, "features.2")
      builder.convolution("features.3", 192, kernel: 5, padding: 2)
      builder.relu("features.4")
      builder.maxPool(3, stride: 2, "features.5")
      for (index, filters) in [(6, 384), (8, 256), (10, 256)] {
        builder.convolution("features.\(index)", filters, kernel: 3, padding: 1)
        builder.relu("features.\(index + 1)")
      }
      builder.maxPool(3, stride: 2, "features.12")
      builder.adaptiveAveragePool(6, "avgpool")
      builder.flatten("flatten")
      builder.dropout(0.5, "classifier.0")
      builder.linear("classifier.1", 4096)
      builder.relu("classifier.2")
      builder.dropout(0.5, "classifier.3")
      builder.linear("classifier.4", 4096)
      builder.relu("classifier.5")
      builder.linear("classifier.6", classes)
      return try builder.network()
    }
  }

  /// The AlexNet of Mean Replacement Pruning (anonymous, 2019, appendix 6.3): 96-256-384-384-256 filters without padding, 3×3 max pooling
  /// of stride 2 after the first two convolutions, linear 4096→4096→4096→1000; with batch norm as `alexnet-valid-bn`.
  ///
  /// The appendix specifies neither padding nor activation nor the output layer. We use no padding, since it says so explicitly for the
  /// networks that are padded, and ReLU.
  static let meanReplacementAlexNet = Architecture(
    pattern: "alexnet-valid[-bn]", summary: "AlexNet with 96-256-384-384-256 unpadded filters (Mean Replacement Pruning, 2019)",
    examples: ["alexnet-valid", "alexnet-valid-bn"]
  ) { name in
    guard name == "alexnet-valid" || name == "alexnet-valid-bn" else { return nil }
    let normed = name.hasSuffix("-bn")
    return Blueprint(input: .exactly(.image(channels: 3, height: 224, width: 224)), classes: .any(native: 1000)) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      for (index, (filters, kernel)) in [(96, 11), (256, 5), (384, 3), (384, 3), (256, 3)].enumerated() {
        builder.convolution("conv\(index + 1)", filters, kernel: kernel, stride: index == 0 ? 4 : 1, bias: !normed)
        if normed { builder.batchNorm("bn\(index + 1)") }
        builder.relu()
        if index < 2 { builder.maxPool(3, stride: 2) }
      }
      builder.flatten("flatten")
      builder.classifier([4096, 4096, classes], names: ["fc1", "fc2", "fc3"])
      return try builder.network()
    }
  }
}
