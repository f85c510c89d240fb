import Networks
import Testing

@Suite struct CouplingTests {
  @Test func sequentialNetworks() throws {
    let lenet = try Architecture.parse("lenet-5").channelGroups()
    #expect(lenet.groups.map(\.description) == ["conv1[out] → conv2[in]", "conv2[out] → fc1[in×16]", "fc1[out] → fc2[in]"])
    #expect(lenet.groups.map(\.width) == [20, 50, 500])
    #expect(lenet.groups.map(\.id) == ["conv1", "conv2", "fc1"])
    #expect(lenet.refused.map(\.producer) == ["fc2"])
    #expect(lenet.refused.map(\.reason) == ["they are the network's output fc2"])
    let vgg = try Architecture.parse("vgg16-bn").channelGroups()
    #expect(vgg.groups[0].description == "features.0[out] → features.1 → features.3[in]")
    #expect(vgg.groups[12].description == "features.40[out] → features.41 → classifier.0[in×49]")
    #expect(vgg.groups.count == 15)
    #expect(vgg.groups.prefix(13).map(\.width).reduce(0, +) == 4224)
  }

  @Test func residualBlocks() throws {
    let basic = try Architecture.parse("resnet-20").channelGroups()
    #expect(basic.groups.count == 9)
    #expect(basic.groups[0].description == "layer1.0.conv1[out] → layer1.0.bn1 → layer1.0.conv2[in]")
    #expect(basic.refused.count == 11)
    #expect(basic.refused.first?.producer == "conv1")
    #expect(basic.refused.first?.reason == "they reach the sum layer1.0.add")
    #expect(basic.refused.first { $0.producer == "layer1.2.conv2" }?.reason == "they reach the sum layer1.0.add")
    let bottleneck = try Architecture.parse("resnet-50").channelGroups()
    #expect(bottleneck.groups.count == 33)
    // The stem feeds no sum: the first block's shortcut is a projection.
    #expect(bottleneck.groups[0].description == "conv1[out] → bn1 → layer1.0.conv1[in], layer1.0.downsample.0[in]")
    #expect(bottleneck.groups[2].description == "layer1.0.conv2[out] → layer1.0.bn2 → layer1.0.conv3[in]")
    #expect(bottleneck.refused.count == 16 + 4 + 1)
  }

  @Test func everyLayerIsEitherAGroupOrRefused() throws {
    for name in Architecture.names {
      let network = try Architecture.parse(name)
      let (groups, refused) = try network.channelGroups()
      let producers = network.nodes.filter { network.prunableWeights.contains(ParameterName($0.module, .weight)) }.map(\.name)
      #expect(Set(groups.map(\.name) + refused.map(\.producer)) == Set(producers), "\(name)")
      #expect(groups.count + refused.count == producers.count, "\(name)")
    }
  }

  @Test func reasons() throws {
    var builder = NetworkBuilder("reasons", input: .image(channels: 4, height: 4, width: 4))
    let one = builder.convolution("one", 4, kernel: 1)
    let two = builder.convolution("two", 4, kernel: 1, groups: 2)
    builder.convolution("left", 3, kernel: 1)
    builder.concat([builder.last, two])
    builder.convolution("mixed", 4, kernel: 1)
    builder.subsamplePad(stride: 2, before: 1, after: 1)
    builder.convolution("deaf", 2, kernel: 1, from: one)
    builder.convolution("shared", 4, kernel: 1, from: "shortcut1")
    builder.append("again", .convolution(Convolution(6, 4, kernel: Extent(1))), from: ["shortcut1"], module: "shared")
    builder.flatten()
    builder.linear("head", 2)
    let (groups, refused) = try builder.network().channelGroups()
    #expect(groups.isEmpty)
    #expect(
      refused.map { "\($0.producer): \($0.reason)" } == [
        "one: they feed the grouped convolution two", "two: it is a grouped convolution", "left: they reach the concatenation concat1",
        "mixed: they reach the padded shortcut shortcut1", "deaf: no layer reads them", "shared: shared shares its weights with again",
        "again: again shares its weights with shared", "head: they are the network's output head",
      ])
  }

  @Test func severalReadersAndFlattenedNorms() throws {
    var builder = NetworkBuilder("readers", input: .image(channels: 1, height: 2, width: 3))
    let conv = builder.convolution("conv", 4, kernel: 1)
    builder.flatten()
    builder.batchNorm("bn")
    let left = builder.linear("left", 2)
    let right = builder.convolution("right", 2, kernel: 1, from: conv)
    let network = try builder.network(outputs: [left, right])
    let group = try #require(network.channelGroups().groups.first)
    #expect(group.description == "conv[out] → bn → left[in×6], right[in]")
    #expect(group.dependents.map(\.spread) == [6])
    #expect(group.consumers[0].features(ofChannel: 2) == 12..<18)
    #expect(group.consumers[1].features(ofChannel: 2) == 2..<3)
  }
}
