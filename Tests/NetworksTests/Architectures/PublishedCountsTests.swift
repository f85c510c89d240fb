import Networks
import Testing

/// Counts as papers, torchvision and akamaster publish them, exact where the publication is.
@Suite struct PublishedCountsTests {
  @Test(arguments: [
    ("lenet-300-100", 266_610), ("mlp:784-300-100-10", 266_610), ("lenet-5", 431_080), ("lenet-5-bn", 431_150), ("alexnet", 61_100_840),
    ("vgg11", 132_863_336), ("vgg11-bn", 132_868_840), ("vgg13", 133_047_848), ("vgg13-bn", 133_053_736), ("vgg16", 138_357_544),
    ("vgg16-bn", 138_365_992), ("vgg19", 143_667_240), ("vgg19-bn", 143_678_248), ("resnet-18", 11_689_512),
    ("resnet-34", 21_797_672), ("resnet-50", 25_557_032), ("resnet-20", 269_722), ("resnet-32", 464_154), ("resnet-44", 658_586),
    ("resnet-56", 853_018), ("resnet-110", 1_727_962),
  ])
  func parameters(name: String, count: Int) throws {
    #expect(try Architecture.parse(name).cost().parameters == count)
  }

  /// MACs in the sense of the papers: multiplies of convolutions and linear layers.
  @Test(arguments: [
    ("lenet-300-100", 266_200), ("lenet-5", 2_293_000), ("lenet-5-bn", 2_293_000), ("vgg16", 15_470_264_320), ("resnet-18", 1_814_073_344),
    ("resnet-34", 3_663_761_408), ("resnet-50", 4_089_184_256), ("resnet-20", 40_551_040), ("resnet-56", 125_485_696),
    ("resnet-110", 252_887_680), ("alexnet", 714_188_480), ("vgg16-cifar", 313_463_808),
  ])
  func multiplies(name: String, count: Int) throws {
    let cost = try Architecture.parse(name).cost()
    #expect(cost.macs == count)
    #expect(cost.flops == 2 * count)
  }

  @Test(arguments: [("vgg16", 4224), ("vgg16-bn-cifar", 4224), ("lenet-300-100", 0), ("resnet-20", 16 * 7 + 32 * 6 + 64 * 6)])
  func filters(name: String, count: Int) throws {
    #expect(try Architecture.parse(name).filters == count)
  }

  /// Half and a quarter of the filters and hidden units: a little more than a quarter and a sixteenth of the MACs, because of the colours.
  @Test func partsOfVGG() throws {
    let (half, quarter) = (try Architecture.parse("vgg16-bn-cifar-half"), try Architecture.parse("vgg16-bn-cifar-quarter:64-32"))
    #expect(half.filters == 2112 && quarter.filters == 1056 && half.name == "vgg16-bn-cifar-half")
    func hidden(_ network: Network) -> [Int] {
      network.nodes.compactMap { if case .linear(let layer) = $0.operation { layer.outputs } else { nil } }
    }
    #expect(hidden(half) == [256, 10] && hidden(quarter) == [64, 32, 10])
    let (whole, part) = (try Architecture.parse("vgg16-bn-cifar").cost().macs, try half.cost().macs)
    // The first layer, 3·64·9 taps at 1,024 places, and the last, 512·10, are halved, all others quartered.
    #expect(4 * (part - (3 * 32 * 9 * 1024 + 256 * 10)) == whole - (3 * 64 * 9 * 1024 + 512 * 10))
    for name in ["vgg16-half", "vgg16-bn-half", "vgg16-cifar-third", "vgg16-half-cifar"] {
      #expect(throws: NetworkError.self, "\(name)") { try Architecture.parse(name) }
    }
  }

  /// Li et al. 2017: VGG-16 on CIFAR-10 has 1.5e7 parameters, 3.13e8 MACs; ResNet-56 8.5e5 and 1.25e8, ResNet-110 1.72e6 and 2.53e8.
  @Test func liTable() throws {
    func rounded(_ count: Int, to unit: Int) -> Int { (count + unit / 2) / unit }
    let vgg = try Architecture.parse("vgg16-bn-cifar").cost()
    #expect(vgg.parameters == 14_990_922)
    #expect(rounded(vgg.parameters, to: 100_000) == 150)
    #expect(rounded(vgg.macs, to: 1_000_000) == 313)
    #expect(rounded(try Architecture.parse("resnet-56").cost().parameters, to: 10_000) == 85)
    #expect(try Architecture.parse("resnet-56").cost().macs / 1_000_000 == 125)
    #expect(rounded(try Architecture.parse("resnet-110").cost().macs, to: 1_000_000) == 253)
  }

  /// Frankle & Carbin's table counts weights: 4.3, 2.4 and 1.7 million. The last contradicts the paper's own layout, which
  /// gives 2.3 million.
  @Test(arguments: [("conv-2", 4_301_642, 38_592), ("conv-4", 2_425_930, 259_776), ("conv-6", 2_262_602, 1_144_512)])
  func frankleCarbin(name: String, parameters: Int, convolutionWeights: Int) throws {
    let network = try Architecture.parse(name)
    #expect(try network.cost().parameters == parameters)
    let weights = try network.parameterShapes().filter { $0.name.role == .weight && $0.dimensions.count == 4 }
    #expect(weights.reduce(0) { $0 + $1.dimensions.reduce(1, *) } == convolutionWeights)
  }

  /// Mean Replacement Pruning's networks: the features that reach the first linear layer, worked out by hand.
  @Test(arguments: [
    ("small-conv", "128×2×2", "fc1", 512), ("medium-conv", "256×2×2", "fc1", 1024), ("alexnet-valid", "256×4×4", "fc1", 4096),
    ("vgg11-cifar:512-512", "512×1×1", "classifier.0", 512), ("vgg16", "512×7×7", "classifier.0", 25088),
    ("alexnet", "256×6×6", "classifier.1", 9216),
  ])
  func flattened(name: String, image: String, layer: String, features: Int) throws {
    let network = try Architecture.parse(name)
    let shapes = try network.shapes()
    let flatten = try #require(network.node(named: "flatten"))
    #expect(shapes[flatten.inputs[0]]?.description == image)
    #expect(shapes["flatten"]?.elements == features)
    let weight = try network.parameterShapes().first { $0.name == ParameterName(layer, .weight) }
    #expect(weight?.dimensions[1] == features)
  }
}
