internal import Words

extension Architecture {
  /// ResNet for CIFAR-10 (He et al. 2016, §4.2): 6n+2 layers, 16-32-64 filters, parameter-free shortcuts (option A), with the parameter
  /// names of akamaster's implementation (`conv1`, `layer1.0.conv1`, …, `linear`). ResNet-56 has 0.85 million parameters and 1.25e8 MACs.
  static let resNetCIFAR = Architecture(
    pattern: "resnet-(20|32|44|56|110)", summary: "ResNet of 6n+2 layers for 32×32 images, option A shortcuts (He 2016)",
    examples: [20, 32, 44, 56, 110].map { "resnet-\($0)" }
  ) { name in
    guard let depth = try resNetDepth(name), imageNetLayouts[depth] == nil else { return nil }
    return Blueprint(input: .images(native: .image(channels: 3, height: 32, width: 32), minimum: 8), classes: .any(native: 10)) {
      input, classes in
      var builder = NetworkBuilder(name, input: input)
      builder.convolution("conv1", 16, kernel: 3, padding: 1, bias: false)
      builder.batchNorm("bn1")
      builder.relu("relu")
      for (stage, filters) in [16, 32, 64].enumerated() {
        for block in 0..<(depth - 2) / 6 {
          builder.basicBlock("layer\(stage + 1).\(block)", filters, stride: stage > 0 && block == 0 ? 2 : 1, shortcut: .padded)
        }
      }
      builder.adaptiveAveragePool(1, "avgpool")
      builder.flatten("flatten")
      builder.linear("linear", classes)
      return try builder.network()
    }
  }

  /// ResNet for ImageNet (He et al. 2016, §4.1) with torchvision's layout and parameter names: basic blocks in 18 and 34,
  /// bottlenecks with the stride in their 3×3 convolution (ResNet "v1.5") in 50; 11,689,512, 21,797,672 and 25,557,032 parameters.
  static let resNetImageNet = Architecture(
    pattern: "resnet-(18|34|50)", summary: "ResNet for ImageNet, torchvision's layout (He 2016)",
    examples: imageNetLayouts.keys.sorted().map { "resnet-\($0)" }
  ) { name in
    guard let depth = try resNetDepth(name), let layout = imageNetLayouts[depth] else { return nil }
    return Blueprint(
      input: .images(native: .image(channels: 3, height: 224, width: 224), minimum: 32), classes: .any(native: 1000)
    ) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      builder.imageNetStages(layout.blocks) { builder, prefix, filters, stride in
        if layout.isBottleneck {
          builder.bottleneck(prefix, filters, stride: stride)
        } else {
          builder.basicBlock(prefix, filters, stride: stride, shortcut: .projected)
        }
      }
      builder.adaptiveAveragePool(1, "avgpool")
      builder.flatten("flatten")
      builder.linear("fc", classes)
      return try builder.network()
    }
  }

  private static let imageNetLayouts: [Int: (blocks: [Int], isBottleneck: Bool)] = [
    18: ([2, 2, 2, 2], false), 34: ([3, 4, 6, 3], false), 50: ([3, 4, 6, 3], true),
  ]

  /// Returns the depth in `resnet-20`, or nil for other names; throws for a depth that no form has.
  private static func resNetDepth(_ name: String) throws -> Int? {
    guard let depth = name.after("resnet-").flatMap(\.depth) else { return nil }
    // 1202 is the paper's deepest network; 50 = 6·8 + 2 belongs to the ImageNet family.
    guard imageNetLayouts[depth] != nil || ((8...1202).contains(depth) && depth % 6 == 2) else {
      throw NetworkError.architecture("unknown network \(name.quoted): depth must be 6n+2 (20, 32, 44, 56, 110) or 18, 34, 50")
    }
    return depth
  }
}

extension NetworkBuilder {
  /// Appends the first layers for ImageNet, and stages of blocks, each of twice the filters of the one before, at half its height and width.
  mutating func imageNetStages(_ stages: [Int], block: (inout NetworkBuilder, _ prefix: String, _ filters: Int, _ stride: Int) -> Void) {
    convolution("conv1", 64, kernel: 7, stride: 2, padding: 3, bias: false)
    batchNorm("bn1")
    relu("relu")
    maxPool(3, stride: 2, padding: 1, "maxpool")
    for (stage, blocks) in stages.enumerated() {
      for index in 0..<blocks { block(&self, "layer\(stage + 1).\(index)", 64 << stage, stage > 0 && index == 0 ? 2 : 1) }
    }
  }

  /// The shortcut of a block that changes size, where the identity does not fit.
  fileprivate enum Shortcut {
    /// Option A: every second pixel, with a quarter of the block's channels as zeros on either side.
    case padded
    /// Option B: a 1×1 convolution with batch norm.
    case projected
  }

  /// Appends two 3×3 convolutions with a shortcut.
  fileprivate mutating func basicBlock(_ prefix: String, _ filters: Int, stride: Int, shortcut: Shortcut) {
    let (entry, changes) = (last, stride != 1 || shape.channels != filters)
    convolution("\(prefix).conv1", filters, kernel: 3, stride: stride, padding: 1, bias: false)
    batchNorm("\(prefix).bn1")
    relu("\(prefix).relu1")
    convolution("\(prefix).conv2", filters, kernel: 3, padding: 1, bias: false)
    let main = batchNorm("\(prefix).bn2")
    var beside = entry
    if changes {
      switch shortcut {
      case .padded: beside = subsamplePad(stride: stride, before: filters / 4, after: filters / 4, "\(prefix).shortcut", from: entry)
      case .projected: beside = projection(prefix, filters, stride: stride, from: entry)
      }
    }
    add([main, beside], "\(prefix).add")
    relu("\(prefix).relu2")
  }

  /// Appends 1×1, 3×3 and 1×1 convolutions, the last with four times the filters, with a shortcut.
  ///
  /// - Parameters:
  ///   - width: filters of the first two convolutions; `filters` unless given.
  ///   - groups: groups of the 3×3 convolution.
  mutating func bottleneck(_ prefix: String, _ filters: Int, stride: Int, width: Int? = nil, groups: Int = 1) {
    let (entry, changes, width) = (last, stride != 1 || shape.channels != 4 * filters, width ?? filters)
    convolution("\(prefix).conv1", width, kernel: 1, bias: false)
    batchNorm("\(prefix).bn1")
    relu("\(prefix).relu1")
    convolution("\(prefix).conv2", width, kernel: 3, stride: stride, padding: 1, groups: groups, bias: false)
    batchNorm("\(prefix).bn2")
    relu("\(prefix).relu2")
    convolution("\(prefix).conv3", 4 * filters, kernel: 1, bias: false)
    let main = batchNorm("\(prefix).bn3")
    let beside = changes ? projection(prefix, 4 * filters, stride: stride, from: entry) : entry
    add([main, beside], "\(prefix).add")
    relu("\(prefix).relu3")
  }

  private mutating func projection(_ prefix: String, _ filters: Int, stride: Int, from entry: String) -> String {
    convolution("\(prefix).downsample.0", filters, kernel: 1, stride: stride, bias: false, from: entry)
    return batchNorm("\(prefix).downsample.1")
  }
}
