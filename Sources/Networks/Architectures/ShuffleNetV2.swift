extension Architecture {
  /// ShuffleNetV2 1.0× (Ma et al. 2018) with torchvision's layout and parameter names: each block convolves one half of the channels and
  /// passes the other on, then shuffles the two; 2,278,604 parameters.
  static let shuffleNetV2 = Architecture(
    pattern: "shufflenet-v2", summary: "ShuffleNetV2 1.0× for ImageNet, torchvision's layout: channel split and shuffle (Ma 2018)",
    examples: ["shufflenet-v2"]
  ) { name in
    guard name == "shufflenet-v2" else { return nil }
    return Blueprint(
      input: .images(native: .image(channels: 3, height: 224, width: 224), minimum: 32), classes: .any(native: 1000)
    ) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      builder.normedConvolution("conv1", 24, kernel: 3, stride: 2, .relu)
      builder.maxPool(3, stride: 2, padding: 1, "maxpool")
      for (stage, (filters, blocks)) in [(116, 4), (232, 8), (464, 4)].enumerated() {
        for block in 0..<blocks { builder.shuffleBlock("stage\(stage + 2).\(block)", filters, halves: block == 0) }
      }
      builder.normedConvolution("conv5", 1024, kernel: 1, .relu)
      builder.pooledClassifier("fc", classes)
      return try builder.network()
    }
  }
}

extension NetworkBuilder {
  /// Appends a block of `filters` channels. One that halves the image reads all channels in both branches; in others the first half of the
  /// channels is the first branch as it is.
  fileprivate mutating func shuffleBlock(_ prefix: String, _ filters: Int, halves: Bool) {
    let (entry, half, stride) = (last, filters / 2, halves ? 2 : 1)
    let first, second: String
    if halves {
      depthwise("\(prefix).branch1", at: 0, stride: stride, from: entry)
      first = pointwise("\(prefix).branch1", at: 2, half)
      second = entry
    } else {
      first = append("\(prefix).split1", .narrow(start: 0, count: half), from: [entry])
      second = append("\(prefix).split2", .narrow(start: half, count: half), from: [entry])
    }
    pointwise("\(prefix).branch2", at: 0, half, from: second)
    depthwise("\(prefix).branch2", at: 3, stride: stride)
    concat([first, pointwise("\(prefix).branch2", at: 5, half)], "\(prefix).concat")
    channelShuffle(groups: 2, "\(prefix).shuffle")
  }

  /// Appends a 1×1 convolution, batch norm and ReLU, numbered from `index` on.
  @discardableResult
  private mutating func pointwise(_ prefix: String, at index: Int, _ filters: Int, from input: String? = nil) -> String {
    convolution("\(prefix).\(index)", filters, kernel: 1, bias: false, from: input)
    batchNorm("\(prefix).\(index + 1)")
    return relu("\(prefix).\(index + 2)")
  }

  /// Appends a depthwise 3×3 convolution and batch norm, numbered from `index` on.
  private mutating func depthwise(_ prefix: String, at index: Int, stride: Int, from input: String? = nil) {
    let channels = shape.channels
    convolution("\(prefix).\(index)", channels, kernel: 3, stride: stride, padding: 1, groups: channels, bias: false, from: input)
    batchNorm("\(prefix).\(index + 1)")
  }
}
