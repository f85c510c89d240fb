extension Architecture {
  /// ResNeXt-50 32×4d (Xie et al. 2017) with torchvision's layout and parameter names: ResNet-50's bottlenecks, twice as wide inside, with
  /// 32 groups in their 3×3 convolutions; 25,028,904 parameters.
  static let resNeXt50 = Architecture(
    pattern: "resnext-50", summary: "ResNeXt-50 32×4d for ImageNet, torchvision's layout: grouped bottlenecks (Xie 2017)",
    examples: ["resnext-50"]
  ) { name in
    guard name == "resnext-50" else { return nil }
    return Blueprint(
      input: .images(native: .image(channels: 3, height: 224, width: 224), minimum: 32), classes: .any(native: 1000)
    ) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      builder.imageNetStages([3, 4, 6, 3]) { builder, prefix, filters, stride in
        builder.bottleneck(prefix, filters, stride: stride, width: 2 * filters, groups: 32)
      }
      builder.pooledClassifier("fc", classes)
      return try builder.network()
    }
  }
}
