extension Architecture {
  /// RegNetY-400MF (Radosavovic et al. 2020) with torchvision's layout and parameter names: residual bottlenecks that do not narrow, whose
  /// 3×3 convolution has groups of 8 channels and is followed by a gate (squeeze-and-excitation); 4,344,144 parameters.
  static let regNetY400MF = Architecture(
    pattern: "regnet-y-400mf", summary: "RegNetY-400MF for ImageNet, torchvision's layout: gated grouped bottlenecks (Radosavovic 2020)",
    examples: ["regnet-y-400mf"]
  ) { name in
    guard name == "regnet-y-400mf" else { return nil }
    return Blueprint(
      input: .images(native: .image(channels: 3, height: 224, width: 224), minimum: 32), classes: .any(native: 1000)
    ) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      builder.normedConvolution("stem", 32, kernel: 3, stride: 2, .relu)
      for (stage, (filters, blocks)) in [(48, 1), (104, 3), (208, 6), (440, 6)].enumerated() {
        for block in 0..<blocks {
          builder.regNetBlock(
            "trunk_output.block\(stage + 1).block\(stage + 1)-\(block)", filters, stride: block == 0 ? 2 : 1, groupWidth: 8)
        }
      }
      builder.pooledClassifier("fc", classes)
      return try builder.network()
    }
  }
}

extension NetworkBuilder {
  /// Appends 1×1, grouped 3×3 and 1×1 convolutions of equal width, with a gate before the last that has a quarter of the block's input
  /// channels, and a shortcut, projected where the block changes size or channels.
  fileprivate mutating func regNetBlock(_ prefix: String, _ filters: Int, stride: Int, groupWidth: Int) {
    let (entry, channels) = (last, shape.channels)
    let changes = stride != 1 || channels != filters
    let beside = changes ? normedConvolution("\(prefix).proj", filters, kernel: 1, stride: stride, nil) : entry
    normedConvolution("\(prefix).f.a", filters, kernel: 1, .relu, from: entry)
    normedConvolution("\(prefix).f.b", filters, kernel: 3, stride: stride, groups: filters / groupWidth, .relu)
    squeezeExcitation("\(prefix).f.se", channels / 4, .relu, gate: .sigmoid)
    add([beside, normedConvolution("\(prefix).f.c", filters, kernel: 1, nil)], "\(prefix).add")
    relu("\(prefix).activation")
  }
}
