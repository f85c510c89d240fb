extension Architecture {
  /// GoogLeNet (Szegedy et al. 2015) with torchvision's layout and parameter names: nine inception modules, batch norm with ε = 0.001
  /// after every convolution, dropout 0.2, no auxiliary heads; 6,624,904 parameters.
  ///
  /// As in torchvision, the third branch has 3×3 filters where the paper has 5×5. torchvision's trained weights expect images normalised
  /// to mean and deviation 0.5, which its `transform_input` does inside the network; here the data must be normalised that way.
  static let googLeNet = Architecture(
    pattern: "googlenet", summary: "GoogLeNet for ImageNet, torchvision's layout: inception modules with batch norm (Szegedy 2015)",
    examples: ["googlenet"]
  ) { name in
    guard name == "googlenet" else { return nil }
    return Blueprint(
      input: .images(native: .image(channels: 3, height: 224, width: 224), minimum: 32), classes: .any(native: 1000)
    ) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      builder.basicConvolution("conv1", 64, kernel: Extent(7), stride: 2)
      builder.maxPool(3, stride: 2, ceilMode: true, "maxpool1")
      builder.basicConvolution("conv2", 64, kernel: Extent(1))
      builder.basicConvolution("conv3", 192, kernel: Extent(3))
      for (stage, modules) in inceptions.enumerated() {
        builder.maxPool(stage < 2 ? 3 : 2, stride: 2, ceilMode: true, "maxpool\(stage + 2)")
        for (letter, filters) in zip("abcde", modules) { builder.inception("inception\(stage + 3)\(letter)", filters) }
      }
      builder.adaptiveAveragePool(1, "avgpool")
      builder.flatten("flatten")
      builder.dropout(0.2, "dropout")
      builder.linear("fc", classes)
      return try builder.network()
    }
  }

  /// Table 1 of the paper, one row per module.
  private static let inceptions: [[InceptionFilters]] = [
    [
      .init(direct: 64, narrow2: 96, wide2: 128, narrow3: 16, wide3: 32, pooled: 32),
      .init(direct: 128, narrow2: 128, wide2: 192, narrow3: 32, wide3: 96, pooled: 64),
    ],
    [
      .init(direct: 192, narrow2: 96, wide2: 208, narrow3: 16, wide3: 48, pooled: 64),
      .init(direct: 160, narrow2: 112, wide2: 224, narrow3: 24, wide3: 64, pooled: 64),
      .init(direct: 128, narrow2: 128, wide2: 256, narrow3: 24, wide3: 64, pooled: 64),
      .init(direct: 112, narrow2: 144, wide2: 288, narrow3: 32, wide3: 64, pooled: 64),
      .init(direct: 256, narrow2: 160, wide2: 320, narrow3: 32, wide3: 128, pooled: 128),
    ],
    [
      .init(direct: 256, narrow2: 160, wide2: 320, narrow3: 32, wide3: 128, pooled: 128),
      .init(direct: 384, narrow2: 192, wide2: 384, narrow3: 48, wide3: 128, pooled: 128),
    ],
  ]
}

/// Filter counts of an inception module; the second and third branches narrow with 1×1 convolutions before they widen with 3×3.
private struct InceptionFilters: Sendable {
  var direct, narrow2, wide2, narrow3, wide3, pooled: Int
}

extension NetworkBuilder {
  /// Appends an inception module: the concatenation of its four branches.
  fileprivate mutating func inception(_ prefix: String, _ filters: InceptionFilters) {
    let entry = last
    var branches = [basicConvolution("\(prefix).branch1", filters.direct, kernel: Extent(1), from: entry)]
    for (branch, narrow, wide) in [(2, filters.narrow2, filters.wide2), (3, filters.narrow3, filters.wide3)] {
      basicConvolution("\(prefix).branch\(branch).0", narrow, kernel: Extent(1), from: entry)
      branches.append(basicConvolution("\(prefix).branch\(branch).1", wide, kernel: Extent(3)))
    }
    maxPool(3, stride: 1, padding: 1, ceilMode: true, "\(prefix).branch4.0", from: entry)
    branches.append(basicConvolution("\(prefix).branch4.1", filters.pooled, kernel: Extent(1)))
    concat(branches, "\(prefix).concat")
  }
}
