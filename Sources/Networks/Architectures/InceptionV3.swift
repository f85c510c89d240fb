extension Architecture {
  /// Inception v3 (Szegedy et al. 2016) with torchvision's layout and parameter names: eleven modules of parallel branches, with kernels of
  /// 1×7 and 7×1, batch norm with ε = 0.001, dropout 0.5, images of 299×299, no auxiliary head; 23,834,568 parameters (torchvision's
  /// 27,161,264 count the auxiliary head's 3,326,696).
  ///
  /// torchvision's trained weights expect images normalised to mean and deviation 0.5, which its `transform_input` does inside the network;
  /// here the data must be normalised that way.
  static let inceptionV3 = Architecture(
    pattern: "inception-v3", summary: "Inception v3 for ImageNet, torchvision's layout: factorised kernels, 299×299 images (Szegedy 2016)",
    examples: ["inception-v3"]
  ) { name in
    guard name == "inception-v3" else { return nil }
    return Blueprint(
      input: .images(native: .image(channels: 3, height: 299, width: 299), minimum: 75), classes: .any(native: 1000)
    ) { input, classes in
      var builder = NetworkBuilder(name, input: input)
      builder.basicConvolution("Conv2d_1a_3x3", 32, kernel: Extent(3), stride: 2, padded: false)
      builder.basicConvolution("Conv2d_2a_3x3", 32, kernel: Extent(3), padded: false)
      builder.basicConvolution("Conv2d_2b_3x3", 64, kernel: Extent(3))
      builder.maxPool(3, stride: 2, "maxpool1")
      builder.basicConvolution("Conv2d_3b_1x1", 80, kernel: Extent(1))
      builder.basicConvolution("Conv2d_4a_3x3", 192, kernel: Extent(3), padded: false)
      builder.maxPool(3, stride: 2, "maxpool2")
      for (letter, pooled) in [("b", 32), ("c", 64), ("d", 64)] { builder.squareModule("Mixed_5\(letter)", pooled: pooled) }
      builder.firstReduction("Mixed_6a")
      for (letter, narrow) in [("b", 128), ("c", 160), ("d", 160), ("e", 192)] { builder.longModule("Mixed_6\(letter)", narrow) }
      builder.secondReduction("Mixed_7a")
      for letter in ["b", "c"] { builder.wideModule("Mixed_7\(letter)") }
      builder.pooledClassifier("fc", classes, dropout: 0.5)
      return try builder.network()
    }
  }
}

extension NetworkBuilder {
  /// A convolution of a branch: what follows `branch` in its name, filters, kernel, stride; those with a stride are not padded.
  private typealias Step = (name: String, filters: Int, kernel: Extent, stride: Int)

  private static let row = Extent(1, 7)
  private static let column = Extent(7, 1)

  /// Appends convolutions one after the other; returns the last one's name.
  private mutating func branch(_ prefix: String, _ steps: [Step], from entry: String) -> String {
    var last = entry
    for step in steps {
      last = basicConvolution(
        "\(prefix).branch\(step.name)", step.filters, kernel: step.kernel, stride: step.stride, padded: step.stride == 1, from: last)
    }
    return last
  }

  /// Appends 3×3 average pooling, in which padding counts, and a 1×1 convolution.
  private mutating func pooledBranch(_ prefix: String, _ filters: Int, from entry: String) -> String {
    averagePool(3, stride: 1, padding: 1, "\(prefix).pool", from: entry)
    return basicConvolution("\(prefix).branch_pool", filters, kernel: Extent(1))
  }

  /// torchvision's `InceptionA` (the paper's figure 5).
  fileprivate mutating func squareModule(_ prefix: String, pooled: Int) {
    let entry = last
    let parts = [
      branch(prefix, [("1x1", 64, Extent(1), 1)], from: entry),
      branch(prefix, [("5x5_1", 48, Extent(1), 1), ("5x5_2", 64, Extent(5), 1)], from: entry),
      branch(
        prefix, [("3x3dbl_1", 64, Extent(1), 1), ("3x3dbl_2", 96, Extent(3), 1), ("3x3dbl_3", 96, Extent(3), 1)], from: entry),
      pooledBranch(prefix, pooled, from: entry),
    ]
    concat(parts, "\(prefix).concat")
  }

  /// torchvision's `InceptionB`, which halves the image.
  fileprivate mutating func firstReduction(_ prefix: String) {
    let entry = last
    let parts = [
      branch(prefix, [("3x3", 384, Extent(3), 2)], from: entry),
      branch(
        prefix, [("3x3dbl_1", 64, Extent(1), 1), ("3x3dbl_2", 96, Extent(3), 1), ("3x3dbl_3", 96, Extent(3), 2)], from: entry),
      maxPool(3, stride: 2, "\(prefix).pool", from: entry),
    ]
    concat(parts, "\(prefix).concat")
  }

  /// torchvision's `InceptionC` (the paper's figure 6), `narrow` channels wide inside.
  fileprivate mutating func longModule(_ prefix: String, _ narrow: Int) {
    let (entry, row, column) = (last, Self.row, Self.column)
    let parts = [
      branch(prefix, [("1x1", 192, Extent(1), 1)], from: entry),
      branch(prefix, [("7x7_1", narrow, Extent(1), 1), ("7x7_2", narrow, row, 1), ("7x7_3", 192, column, 1)], from: entry),
      branch(
        prefix,
        [
          ("7x7dbl_1", narrow, Extent(1), 1), ("7x7dbl_2", narrow, column, 1), ("7x7dbl_3", narrow, row, 1),
          ("7x7dbl_4", narrow, column, 1), ("7x7dbl_5", 192, row, 1),
        ], from: entry),
      pooledBranch(prefix, 192, from: entry),
    ]
    concat(parts, "\(prefix).concat")
  }

  /// torchvision's `InceptionD`, which halves the image.
  fileprivate mutating func secondReduction(_ prefix: String) {
    let (entry, row, column) = (last, Self.row, Self.column)
    let parts = [
      branch(prefix, [("3x3_1", 192, Extent(1), 1), ("3x3_2", 320, Extent(3), 2)], from: entry),
      branch(
        prefix,
        [("7x7x3_1", 192, Extent(1), 1), ("7x7x3_2", 192, row, 1), ("7x7x3_3", 192, column, 1), ("7x7x3_4", 192, Extent(3), 2)],
        from: entry),
      maxPool(3, stride: 2, "\(prefix).pool", from: entry),
    ]
    concat(parts, "\(prefix).concat")
  }

  /// torchvision's `InceptionE` (the paper's figure 7): two of its branches end in a row and a column of three taps.
  fileprivate mutating func wideModule(_ prefix: String) {
    let entry = last
    func ends(_ name: String, of trunk: String) -> [String] {
      [
        branch(prefix, [("\(name)a", 384, Extent(1, 3), 1)], from: trunk),
        branch(prefix, [("\(name)b", 384, Extent(3, 1), 1)], from: trunk),
      ]
    }
    let direct = branch(prefix, [("1x1", 320, Extent(1), 1)], from: entry)
    let single = ends("3x3_2", of: branch(prefix, [("3x3_1", 384, Extent(1), 1)], from: entry))
    let double = ends(
      "3x3dbl_3", of: branch(prefix, [("3x3dbl_1", 448, Extent(1), 1), ("3x3dbl_2", 384, Extent(3), 1)], from: entry))
    concat([direct] + single + double + [pooledBranch(prefix, 192, from: entry)], "\(prefix).concat")
  }
}
