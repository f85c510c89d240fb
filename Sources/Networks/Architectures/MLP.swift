internal import Words

extension Architecture {
  /// `mlp:784-300-100-10`: linear layers `fc1`, `fc2`, … of the given widths with ReLU between them; images are flattened.
  ///
  /// The first width is the input's and the last the number of classes; data that disagree are refused.
  static let mlp = Architecture(
    pattern: "mlp:WIDTHS", summary: "linear layers of these widths, input and classes included, ReLU between",
    examples: ["mlp:784-300-100-10"]
  ) { name in
    guard let text = name.after("mlp:") else {
      guard name == "mlp" else { return nil }
      throw NetworkError.architecture("network \"mlp\" needs its widths, input and classes included, e.g. mlp:784-300-100-10")
    }
    guard let widths = text.widths, (2...100).contains(widths.count) else {
      throw NetworkError.architecture(
        "network \(name.quoted): widths must be 2 to 100 whole numbers from 1 to 1000000 joined by \"-\", e.g. mlp:784-300-100-10")
    }
    return Blueprint(input: .elements(widths[0]), classes: .exactly(widths[widths.count - 1])) { input, _ in
      try multilayerPerceptron(name, input: input, widths: Array(widths.dropFirst()))
    }
  }

  /// LeNet-300-100 of LeCun et al. 1998 as pruned by Han et al. 2015 and Frankle & Carbin 2019: 784→300→100→10 with ReLU (sigmoids in
  /// 1998); 266,610 parameters. It takes inputs of any size.
  static let leNet300 = Architecture(
    pattern: "lenet-300-100", summary: "two hidden linear layers of 300 and 100 units (LeCun 1998); takes any input",
    examples: ["lenet-300-100"]
  ) { name in
    guard name == "lenet-300-100" else { return nil }
    return Blueprint(input: .anything(native: .image(channels: 1, height: 28, width: 28)), classes: .any(native: 10)) { input, classes in
      try multilayerPerceptron(name, input: input, widths: [300, 100, classes])
    }
  }

  private static func multilayerPerceptron(_ name: String, input: FeatureShape, widths: [Int]) throws -> Network {
    var builder = NetworkBuilder(name, input: input)
    if case .image = input { builder.flatten("flatten") }
    builder.classifier(widths, names: widths.indices.map { "fc\($0 + 1)" })
    return try builder.network()
  }
}

extension NetworkBuilder {
  /// Appends linear layers with ReLU between them and none after the last.
  mutating func classifier(_ widths: [Int], names: [String]) {
    for (index, (width, name)) in zip(widths, names).enumerated() {
      linear(name, width)
      if index < widths.count - 1 { relu() }
    }
  }
}
