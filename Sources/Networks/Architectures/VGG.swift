internal import Words

/// Filters of each stage; 2×2 max pooling follows each stage (Simonyan & Zisserman 2015, configurations A, B, D, E).
private let stages: [Int: [[Int]]] = [
  11: [[64], [128], [256, 256], [512, 512], [512, 512]],
  13: [[64, 64], [128, 128], [256, 256], [512, 512], [512, 512]],
  16: [[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]],
  19: [[64, 64], [128, 128], [256, 256, 256, 256], [512, 512, 512, 512], [512, 512, 512, 512]],
]

extension Architecture {
  /// VGG for ImageNet with torchvision's layout and parameter names: 3×3 convolutions (each with a batch norm in `-bn` forms), 7×7
  /// adaptive average pooling, linear 25088→4096→4096→1000 with dropout 0.5; `vgg16` has 138,357,544 parameters and 4,224 filters.
  static let vgg = Architecture(
    pattern: "vgg(11|13|16|19)[-bn]", summary: "VGG for ImageNet, torchvision's layout: linear 25088→4096→4096→classes",
    examples: [11, 13, 16, 19].flatMap { ["vgg\($0)", "vgg\($0)-bn"] }
  ) { name in
    guard let name = try VGGName(name), !name.isCIFAR else { return nil }
    return Blueprint(
      input: .images(native: .image(channels: 3, height: 224, width: 224), minimum: 32), classes: .any(native: 1000)
    ) { input, classes in
      var builder = NetworkBuilder(name.text, input: input)
      builder.vggFeatures(name)
      builder.adaptiveAveragePool(7, "avgpool")
      builder.flatten("flatten")
      builder.linear("classifier.0", 4096)
      builder.relu("classifier.1")
      builder.dropout(0.5, "classifier.2")
      builder.linear("classifier.3", 4096)
      builder.relu("classifier.4")
      builder.dropout(0.5, "classifier.5")
      builder.linear("classifier.6", classes)
      return try builder.network()
    }
  }

  /// VGG for 32×32 images: the same convolutions, then linear layers on the 512 features left by five rounds of max pooling.
  ///
  /// Without a suffix there is one hidden layer of 512 units (Li et al. 2017: 15.0 million parameters and 3.13e8 MACs for
  /// `vgg16-bn-cifar`); `:512-512` asks for two, as in vgg11 of Mean Replacement Pruning, and `:none` for none. Hidden layers have no
  /// dropout. `-half` and `-quarter` have that part of the filters and of the hidden units, for studies of many runs.
  static let vggCIFAR = Architecture(
    pattern: "vgg(11|13|16|19)[-bn]-cifar[-half|-quarter][:HIDDEN|:none]",
    summary: "VGG for 32×32 images, hidden linear layers 512 unless given (Li 2017)",
    examples: [11, 13, 16, 19].flatMap { ["vgg\($0)-cifar", "vgg\($0)-bn-cifar"] }
  ) { name in
    guard let name = try VGGName(name), name.isCIFAR else { return nil }
    return Blueprint(input: .exactly(.image(channels: 3, height: 32, width: 32)), classes: .any(native: 10)) { input, classes in
      var builder = NetworkBuilder(name.text, input: input)
      builder.vggFeatures(name)
      builder.flatten("flatten")
      let widths = name.hidden + [classes]
      builder.classifier(widths, names: widths.count == 1 ? ["classifier"] : widths.indices.map { "classifier.\(2 * $0)" })
      return try builder.network()
    }
  }
}

/// The parts of a name such as `vgg16-bn-cifar:512-512`.
private struct VGGName {
  let text: String
  let stages: [[Int]]
  let hasNorm: Bool
  let isCIFAR: Bool
  let hidden: [Int]

  private static let parts = ["half": 2, "quarter": 4]

  /// Parses a name; nil if it is not a VGG's, and throws for a depth or widths that do not exist.
  init?(_ text: String) throws {
    guard let rest = text.after("vgg") else { return nil }
    let parts = rest.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let words = (parts.first ?? "").split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    guard let depth = words.first.flatMap(\.depth) else { return nil }
    var options = Array(words.dropFirst())
    let part = options.last.flatMap { Self.parts[$0] }
    if part != nil { options.removeLast() }
    guard [[], ["bn"], ["cifar"], ["bn", "cifar"]].contains(options), part == nil || options.last == "cifar" else { return nil }
    guard let stages = Networks.stages[depth] else {
      throw NetworkError.architecture("unknown network \(text.quoted): depth must be 11, 13, 16 or 19")
    }
    self.text = text
    let divisor = part ?? 1
    self.stages = stages.map { $0.map { $0 / divisor } }
    hasNorm = options.first == "bn"
    isCIFAR = options.last == "cifar"
    guard parts.count == 2 else {
      hidden = [512 / divisor]
      return
    }
    guard isCIFAR else {
      throw NetworkError.architecture("unknown network \(text.quoted): only -cifar forms take hidden widths, e.g. vgg16-cifar:512-512")
    }
    if parts[1] == "none" {
      hidden = []
    } else if let widths = parts[1].widths, widths.count <= 100 {
      hidden = widths
    } else {
      throw NetworkError.architecture(
        "unknown network \(text.quoted): hidden widths must be \"none\" or whole numbers from 1 to 1000000 joined by \"-\"")
    }
  }
}

extension NetworkBuilder {
  /// Appends convolutions, norms, activations and max pooling, numbered consecutively like torchvision's `features`.
  fileprivate mutating func vggFeatures(_ name: VGGName) {
    var index = 0
    func next() -> String {
      defer { index += 1 }
      return "features.\(index)"
    }
    for stage in name.stages {
      for filters in stage {
        convolution(next(), filters, kernel: 3, padding: 1)
        if name.hasNorm { batchNorm(next()) }
        relu(next())
      }
      maxPool(2, next())
    }
  }
}
