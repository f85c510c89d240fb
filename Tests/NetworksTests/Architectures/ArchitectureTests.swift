import Networks
import Testing

@Suite struct ArchitectureTests {
  @Test(arguments: Architecture.names)
  func everyExampleIsANetworkOfItsName(name: String) throws {
    let network = try Architecture.parse(name)
    #expect(network.name == name)
    #expect(try network.classes == ([224, 299].contains(try network.inputShape.dimensions.last) ? 1000 : 10))
    #expect(!network.prunableWeights.isEmpty)
  }

  @Test func familiesAreDescribed() {
    #expect(Set(Architecture.all.map(\.pattern)).count == Architecture.all.count)
    for family in Architecture.all {
      #expect(!family.summary.isEmpty && !family.examples.isEmpty && family.nativeInput != nil, "\(family.pattern)")
    }
  }

  @Test func dataShapeTheNetwork() throws {
    let lenet = try Architecture.parse("lenet-300-100", input: .image(channels: 1, height: 8, width: 8), classes: 7)
    #expect(try lenet.inputShape == .image(channels: 1, height: 8, width: 8))
    #expect(try lenet.outputShape == .vector(7))
    #expect(try lenet.cost().parameters == 64 * 300 + 300 + 300 * 100 + 100 + 100 * 7 + 7)
    let widths = try Architecture.parse("mlp:64-32-10", input: .image(channels: 1, height: 8, width: 8), classes: 10)
    #expect(widths.nodes.map(\.name) == ["input", "flatten", "fc1", "relu1", "fc2"])
    #expect(try Architecture.parse("mlp:64-10").nodes.map(\.name) == ["input", "fc1"])
    #expect(try Architecture.parse("vgg16-bn-cifar:none", classes: 100).outputShape == .vector(100))
    #expect(try Architecture.parse("resnet-18", input: .image(channels: 3, height: 64, width: 64), classes: 20).outputShape == .vector(20))
    #expect(try Architecture.parse("resnet-26").cost().parameters == 366_938)
  }

  @Test(arguments: [
    ("vgg16-cifar:none", ["classifier"]), ("vgg16-cifar", ["classifier.0", "classifier.2"]),
    ("vgg11-cifar:512-512", ["classifier.0", "classifier.2", "classifier.4"]),
  ])
  func hiddenLayers(name: String, layers: [String]) throws {
    let network = try Architecture.parse(name)
    let linear = network.nodes.filter { if case .linear = $0.operation { true } else { false } }
    #expect(linear.map(\.name) == layers)
  }

  @Test(arguments: [
    ("resnet-21", "unknown network \"resnet-21\": depth must be 6n+2 (20, 32, 44, 56, 110) or 18, 34, 50"),
    ("resnet-020", "unknown network \"resnet-020\"; did you mean resnet-20?"),
    ("resnet20", "unknown network \"resnet20\"; did you mean resnet-20?"),
    ("LeNet-5", "unknown network \"LeNet-5\"; did you mean lenet-5?"),
    ("vgg16_bn", "unknown network \"vgg16_bn\"; did you mean vgg16-bn?"),
    ("vgg12", "unknown network \"vgg12\": depth must be 11, 13, 16 or 19"),
    ("vgg16:512", "unknown network \"vgg16:512\": only -cifar forms take hidden widths, e.g. vgg16-cifar:512-512"),
    (
      "vgg16-cifar:5x",
      "unknown network \"vgg16-cifar:5x\": hidden widths must be \"none\" or whole numbers from 1 to 1000000 joined by \"-\""
    ),
    ("conv-8", "unknown network \"conv-8\": depth must be 2, 4 or 6"),
    ("mlp", "network \"mlp\" needs its widths, input and classes included, e.g. mlp:784-300-100-10"),
    (
      "mlp:784--10",
      "network \"mlp:784--10\": widths must be 2 to 100 whole numbers from 1 to 1000000 joined by \"-\", e.g. mlp:784-300-100-10"
    ),
    (
      "mlp:0-10", "network \"mlp:0-10\": widths must be 2 to 100 whole numbers from 1 to 1000000 joined by \"-\", e.g. mlp:784-300-100-10"
    ),
    (
      "transformer-large",
      """
      unknown network "transformer-large"; known: lenet-300-100, lenet-5, lenet-5-bn, mlp:WIDTHS, conv-2, conv-4, conv-6, small-conv, medium-conv, \
      alexnet, alexnet-valid[-bn], vgg(11|13|16|19)[-bn], vgg(11|13|16|19)[-bn]-cifar[-half|-quarter][:HIDDEN|:none], resnet-(20|32|44|56|110), \
      resnet-(18|34|50), mobilenet-v2, densenet-121, googlenet, squeezenet-1.1, \
      mobilenet-v3-(small|large), efficientnet-b0, shufflenet-v2, mnasnet, regnet-y-400mf, convnext-tiny, resnext-50, inception-v3, vit-b-16
      """
    ),
  ])
  func unknownNames(name: String, words: String) {
    #expect(throws: NetworkError.architecture(words)) { try Architecture.parse(name) }
  }

  @Test func controlCharactersAreEscaped() {
    #expect { try Architecture.parse("\u{1B}[31mx\n") } throws: { error in
      !"\(error)".unicodeScalars.contains { $0.value < 32 } && "\(error)".hasPrefix("unknown network \"\\u001b[31mx\\n\"; known: ")
    }
  }

  @Test(arguments: [
    (
      "vgg16-cifar", FeatureShape.image(channels: 1, height: 28, width: 28), 10, "mnist",
      "network vgg16-cifar takes 3×32×32 images, mnist has 1×28×28; networks for 1×28×28: lenet-300-100, lenet-5, lenet-5-bn, mlp:WIDTHS"
    ),
    (
      "resnet-20", .image(channels: 1, height: 28, width: 28), 10, "mnist",
      """
      network resnet-20 takes 3×32×32 images (or other sizes from 8×8 on), mnist has 1×28×28; networks for 1×28×28: lenet-300-100, \
      lenet-5, lenet-5-bn, mlp:WIDTHS
      """
    ),
    (
      "lenet-5", .image(channels: 3, height: 32, width: 32), 10, "cifar-10",
      """
      network lenet-5 takes 1×28×28 images, cifar-10 has 3×32×32; networks for 3×32×32: lenet-300-100, mlp:WIDTHS, \
      conv-2, conv-4, conv-6, small-conv, medium-conv, vgg(11|13|16|19)[-bn], vgg(11|13|16|19)[-bn]-cifar[-half|-quarter][:HIDDEN|:none], \
      resnet-(20|32|44|56|110), resnet-(18|34|50), mobilenet-v2, densenet-121, googlenet, squeezenet-1.1, \
      mobilenet-v3-(small|large), efficientnet-b0, shufflenet-v2, mnasnet, regnet-y-400mf, convnext-tiny, resnext-50
      """
    ),
    (
      "small-conv", .image(channels: 3, height: 64, width: 64), 20, "pictures",
      """
      network small-conv takes 3×32×32 images, pictures has 3×64×64; networks for 3×64×64: lenet-300-100, mlp:WIDTHS, \
      alexnet, vgg(11|13|16|19)[-bn], resnet-(20|32|44|56|110), resnet-(18|34|50), mobilenet-v2, densenet-121, googlenet, \
      squeezenet-1.1, \
      mobilenet-v3-(small|large), efficientnet-b0, shufflenet-v2, mnasnet, regnet-y-400mf, convnext-tiny, resnext-50
      """
    ),
    (
      "mlp:784-10", .image(channels: 1, height: 8, width: 8), 10, "digits",
      "network mlp:784-10 takes 784 inputs, digits has 1×8×8; networks for 1×8×8: lenet-300-100, mlp:WIDTHS"
    ),
    (
      "mlp:784-10", .image(channels: 1, height: 28, width: 28), 47, "emnist-bymerge",
      "network mlp:784-10 has 10 outputs, emnist-bymerge has 47 classes"
    ),
    ("lenet-5", .image(channels: 1, height: 28, width: 28), 0, "empty", "empty has 0 classes; at least 1 is needed"),
    ("lenet-300-100", .image(channels: 1, height: 0, width: 28), 10, "flat", "input shape 1×0×28 of flat is out of range"),
  ])
  func unsuitableData(name: String, input: FeatureShape, classes: Int, dataset: String, words: String) {
    #expect(throws: NetworkError.architecture(words)) {
      try Architecture.parse(name, input: input, classes: classes, dataset: dataset)
    }
  }

  @Test func unnamedData() {
    #expect(
      throws: NetworkError.architecture(
        "network lenet-5 takes 1×28×28 images, the data set has 9; networks for 9: lenet-300-100, mlp:WIDTHS")
    ) { try Architecture.parse("lenet-5", input: .vector(9)) }
  }
}
