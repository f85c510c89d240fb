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

  @Test func residualStreams() throws {
    // Option A pads: stage 1's channels run through all three stages, stage 2's own ones through two.
    let (groups, refused) = try Architecture.parse("resnet-20").channelGroups()
    #expect(groups.map(\.name).filter { !$0.hasSuffix(".conv1") } == ["conv1", "layer2.0.conv2", "layer3.0.conv2"])
    #expect(groups.count == 3 + 9)
    let stream = try #require(groups.first)
    #expect(stream.width == 16)
    #expect(
      stream.producers.map(\.node) == ["conv1"]
        + (1...3).flatMap { stage in (0...2).map { "layer\(stage).\($0).conv2" } })
    // 8 zero channels before the 16 in stage 2, 16 more in stage 3.
    #expect(stream.producers[4].features == Array(8..<24) && stream.producers[7].features == Array(24..<40))
    let second = try #require(groups.first { $0.name == "layer2.0.conv2" })
    #expect(second.width == 16 && second.producers[0].features == Array(0..<8) + Array(24..<32))
    #expect(second.dependents[0].node == "layer2.0.bn2" && second.dependents[1].node == "layer2.0.shortcut")
    #expect(second.dependents[1].features == second.producers[0].features)
    #expect(groups.last { $0.name == "layer3.0.conv2" }?.width == 32)
    #expect(groups[1].description == "layer1.0.conv1[out] → layer1.0.bn1 → layer1.0.conv2[in]")
    #expect(refused.map(\.producer) == ["linear"])

    let bottleneck = try Architecture.parse("resnet-50").channelGroups()
    // The stem feeds no sum: the first block's shortcut is a projection.
    #expect(bottleneck.groups[0].description == "conv1[out] → bn1 → layer1.0.conv1[in], layer1.0.downsample.0[in]")
    #expect(bottleneck.groups[2].description == "layer1.0.conv2[out] → layer1.0.bn2 → layer1.0.conv3[in]")
    #expect(bottleneck.groups.count == 1 + 2 * 16 + 4)
    let stage = try #require(bottleneck.groups.first { $0.name == "layer1.0.conv3" })
    #expect(stage.producers.map(\.node) == ["layer1.0.conv3", "layer1.0.downsample.0", "layer1.1.conv3", "layer1.2.conv3"])
    #expect(stage.width == 256)
  }

  @Test func everyLayerIsAProducerOrRefused() throws {
    for name in Architecture.names {
      let network = try Architecture.parse(name)
      let (groups, refused) = try network.channelGroups()
      let layers = network.nodes.filter { network.prunableWeights.contains(ParameterName($0.module, .weight)) }.map(\.name)
      let producers = Set(groups.flatMap(\.producers).map(\.node))
      #expect(producers.union(refused.map(\.producer)) == Set(layers), "\(name)")
      #expect(producers.isDisjoint(with: refused.map(\.producer)), "\(name)")
      #expect(Set(groups.map(\.name)).count == groups.count, "\(name)")
      // Each feature of a layer is in one group at most, and in one where nothing is refused.
      for layer in layers where producers.contains(layer) {
        let members = groups.flatMap(\.producers).filter { $0.node == layer }
        let features = members.flatMap(\.features)
        #expect(Set(features).count == features.count, "\(name): \(layer)")
      }
    }
  }

  @Test func allThatCouples() throws {
    var builder = NetworkBuilder("couples", input: .image(channels: 4, height: 4, width: 4))
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
    #expect(
      groups.map { "\($0.width): \($0)" } == [
        // A grouped convolution's groups stay equally large, on both sides.
        "2: one[out×2] → two[in×2], deaf[in×2]", "2: two[out×2] → left[in×2], mixed[in×2]", "3: left[out] → mixed[in]",
        "4: mixed[out] → shared[in], again[in]", "4: shared[out] + again[out] → head[in×4]",
      ])
    #expect(groups[0].producers[0].features == [0, 2, 1, 3])
    #expect(refused.map { "\($0.producer): \($0.reason)" } == ["deaf: no layer reads them", "head: they are the network's output head"])
  }

  @Test func depthwiseConvolutions() throws {
    var builder = NetworkBuilder("depthwise", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("in", 3, kernel: 1)
    builder.append("dw", .convolution(Convolution(3, 6, kernel: Extent(3), padding: Extent(1), groups: 3)), from: ["in"])
    builder.batchNorm("bn")
    // From one channel to several: no depthwise convolution, though groups and inputs are equal.
    builder.convolution("point", 1, kernel: 1)
    builder.convolution("fan", 4, kernel: 1)
    builder.convolution("out", 2, kernel: 1)
    let network = try builder.network()
    let groups = try network.channelGroups().groups
    #expect(
      groups.map(\.description) == ["in[out] + dw[out×2] → bn → point[in×2]", "point[out] → fan[in]", "fan[out] → out[in]"])
    let (smaller, slices) = try network.removing(["in": [1]])
    #expect(
      slices.map { "\($0.parameter) \($0.dimension) \($0.keep)" } == [
        "in.weight 0 [0, 2]", "in.bias 0 [0, 2]", "dw.weight 0 [0, 1, 4, 5]", "dw.bias 0 [0, 1, 4, 5]", "bn.weight 0 [0, 1, 4, 5]",
        "bn.bias 0 [0, 1, 4, 5]", "bn.running_mean 0 [0, 1, 4, 5]", "bn.running_var 0 [0, 1, 4, 5]", "point.weight 1 [0, 1, 4, 5]",
      ])
    #expect(
      smaller.node(named: "dw")?.operation == .convolution(Convolution(2, 4, kernel: Extent(3), padding: Extent(1), groups: 2)))
  }

  @Test(arguments: [true, false]) func gatesLeaveWithWhatTheyGate(asVector: Bool) throws {
    var builder = NetworkBuilder("squeeze", input: .image(channels: 1, height: 4, width: 4))
    let features = builder.convolution("features", 4, kernel: 3)
    builder.adaptiveAveragePool(1)
    if asVector {
      builder.flatten()
      builder.linear("squeeze", 2)
      builder.activation(.silu)
      builder.linear("excite", 4)
    } else {
      builder.convolution("squeeze", 2, kernel: 1)
      builder.activation(.silu)
      builder.convolution("excite", 4, kernel: 1)
    }
    builder.activation(.sigmoid, "gate")
    builder.multiply(features, by: "gate", "gated")
    builder.convolution("out", 2, kernel: 1)
    let network = try builder.network()
    #expect(
      try network.channelGroups().groups.map { "\($0.width): \($0)" } == [
        "4: features[out] + excite[out] → gate → squeeze[in], out[in]", "2: squeeze[out] → excite[in]",
      ])
    let smaller = try network.removing(["features": [1, 2], "squeeze": [0]]).network
    #expect(try smaller.shapes()["gated"] == .image(channels: 2, height: 2, width: 2))
    #expect(try smaller.shapes()["excite"]?.channels == 2 && smaller.shapes()["squeeze"]?.channels == 1)
  }

  @Test func numbersOfEachChannelLeaveWithIt() throws {
    var builder = NetworkBuilder("numbers", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("one", 4, kernel: 3)
    builder.append("norm", .channelNorm(ChannelNorm(4)), from: ["one"])
    builder.append("scale", .channelAffine(ChannelAffine(4, bias: false)), from: ["norm"])
    builder.append("own", .prelu(PReLU(4)), from: ["scale"])
    builder.append("common", .prelu(PReLU()), from: ["own"])
    builder.append("border", .pad(top: 1, bottom: 0, left: 0, right: 1), from: ["common"])
    builder.append("larger", .resize(height: 6, width: 6, .bilinear), from: ["border"])
    builder.append("largest", .adaptiveMaxPool(height: 2, width: 2), from: ["larger"])
    builder.convolution("out", 2, kernel: 1)
    let network = try builder.network()
    #expect(try network.channelGroups().groups.map(\.description) == ["one[out] → norm → scale → own → out[in]"])
    let (smaller, slices) = try network.removing(["one": [1]])
    #expect(
      slices.map { "\($0.parameter) \($0.dimension) \($0.keep)" } == [
        "one.weight 0 [0, 2, 3]", "one.bias 0 [0, 2, 3]", "norm.weight 0 [0, 2, 3]", "norm.bias 0 [0, 2, 3]", "scale.weight 0 [0, 2, 3]",
        "own.weight 0 [0, 2, 3]", "out.weight 1 [0, 2, 3]",
      ])
    #expect(smaller.node(named: "norm")?.operation == .channelNorm(ChannelNorm(3, absent: 1)))
    #expect(try smaller.keptFeatures()?["own"] == KeptFeatures(outputs: [0, 2, 3], inputs: [0, 2, 3]))
    #expect(try smaller.keptFeatures()?["common"]?.outputs == [0])
  }

  private func transformer(_ unit: Attention.Unit) throws -> Network {
    var builder = NetworkBuilder("transformer", input: .image(channels: 1, height: 1, width: 5))
    builder.convolution("embed", 4, kernel: 1)
    builder.append("token", .classToken(features: 4), from: ["embed"])
    builder.append("places", .positionEmbedding(PositionEmbedding(4, height: 1, width: 6)), from: ["token"])
    builder.append("norm", .channelNorm(ChannelNorm(4)), from: ["places"])
    // Two heads: queries 0…5 and keys 6…11 of width 3, values 12…15 of width 2.
    builder.convolution("packed", 16, kernel: 1)
    let parts = builder.split([6, 6, 4], from: "packed")
    builder.append("attention", .attention(Attention(heads: 2, width: 3, valueWidth: 2, unit: unit)), from: parts)
    builder.convolution("project", 4, kernel: 1)
    builder.add(["places", "project"], "sum")
    builder.append("first", .pad(top: 0, bottom: 0, left: 0, right: -5), from: ["sum"])
    builder.flatten("flat")
    builder.linear("head", 2)
    return try builder.network()
  }

  @Test func headsLeaveWhole() throws {
    let network = try transformer(.head)
    let groups = try network.channelGroups().groups
    #expect(
      groups.map { "\($0.width): \($0)" } == [
        "4: embed[out] + project[out] → token → places → norm → packed[in], head[in]",
        "2: packed[out×8] → split1 → split2 → split3 → attention → project[in×2]",
      ])
    #expect(Array(groups[1].producers[0].features(ofChannel: 1)) == [3, 4, 5, 9, 10, 11, 14, 15])
    let (smaller, slices) = try network.removing(["embed": [0], "packed": [0]])
    #expect(smaller.node(named: "attention")?.operation == .attention(Attention(heads: 1, width: 3, valueWidth: 2)))
    #expect(smaller.node(named: "token")?.operation == .classToken(features: 3))
    #expect(smaller.node(named: "places")?.operation == .positionEmbedding(PositionEmbedding(3, height: 1, width: 6)))
    #expect(slices.first { "\($0.parameter)" == "packed.weight" && $0.dimension == 0 }?.keep == [3, 4, 5, 9, 10, 11, 14, 15])
    #expect(slices.first { "\($0.parameter)" == "project.weight" && $0.dimension == 1 }?.keep == [2, 3])
    #expect(slices.first { "\($0.parameter)" == "places.weight" }?.keep == [1, 2, 3])
    #expect(try smaller.channelGroups().groups.map(\.width) == [3, 1])
  }

  /// The scale stays that of the original width.
  @Test func widthsOfHeadsLeaveFromAllHeads() throws {
    let network = try transformer(.width)
    let groups = try network.channelGroups().groups
    #expect(
      groups.map { "\($0.name) \($0.width): \($0)" } == [
        "embed 4: embed[out] + project[out] → token → places → norm → packed[in], head[in]",
        "packed 3: packed[out×4] → split1 → split2 → split3 → attention",
        "packed:2 2: packed[out×2] → split1 → split2 → split3 → attention → project[in×2]",
      ])
    #expect(Array(groups[1].producers[0].features(ofChannel: 1)) == [1, 4, 7, 10])
    #expect(Array(groups[2].producers[0].features(ofChannel: 1)) == [13, 15])
    let once = try network.removing(["packed": [1]]).network
    #expect(
      once.node(named: "attention")?.operation
        == .attention(Attention(heads: 2, width: 2, valueWidth: 2, scale: 1 / 3.0.squareRoot(), unit: .width)))
    let twice = try once.removing(["packed": [0], "packed:2": [1]]).network
    #expect(
      twice.node(named: "attention")?.operation
        == .attention(Attention(heads: 2, width: 1, valueWidth: 1, scale: 1 / 3.0.squareRoot(), unit: .width)))
  }

  @Test func theUnitOfAttentionIsChosen() throws {
    let (heads, widths) = (try transformer(.head), try transformer(.width))
    #expect(try heads.withAttentionUnit(.width) == widths && widths.withAttentionUnit(.head) == heads)
    // What counts as one unit is fixed by the first removal.
    let smaller = try widths.removing(["packed": [1]]).network
    #expect(try smaller.withAttentionUnit(.width) == smaller)
    #expect(
      throws: NetworkError.removal(
        layer: "transformer", problem: "units have left already, so that of its attention stays what it was")
    ) { try smaller.withAttentionUnit(.head) }
    #expect(throws: NetworkError.removal(layer: "lenet-5", problem: "there is no attention whose unit could be the width")) {
      try Architecture.parse("lenet-5").withAttentionUnit(.width)
    }
  }

  @Test func permutationsAreFollowed() throws {
    var builder = NetworkBuilder("shuffle", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("one", 4, kernel: 1)
    builder.convolution("two", 4, kernel: 1, groups: 2)
    builder.channelShuffle(groups: 2, "shuffle")
    builder.convolution("left", 3, kernel: 1, from: builder.split([2, 2])[0])
    let network = try builder.network()
    let groups = try network.channelGroups().groups
    // Channels 0 and 2 of two are the first of its groups, and the shuffle's first two: those that the left part takes.
    #expect(
      groups.map { "\($0.width): \($0)" } == [
        "2: one[out×2] → two[in×2]", "1: two[out×2] → shuffle → split1 → split2 → left[in×2]",
      ])
    #expect(groups[1].producers[0].features == [0, 2] && groups[1].consumers[0].features == [0, 1])
    builder = NetworkBuilder("backwards", input: .vector(2))
    builder.linear("one", 4)
    builder.indexSelect([3, 0, 2, 1], "backwards")
    builder.linear("out", 2)
    let smaller = try builder.network().removing(["one": [0, 2]])
    #expect(smaller.network.node(named: "backwards")?.operation == .indexSelect([1, 0]))
    #expect(smaller.slices.last?.keep == [0, 3])
  }

  @Test func whatMixesChannelsKeepsThem() throws {
    var builder = NetworkBuilder("mixes", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("one", 4, kernel: 1)
    builder.append("lrn", .localResponseNorm(LocalResponseNorm(3)), from: ["one"])
    builder.convolution("two", 4, kernel: 1)
    builder.append("shares", .softmax, from: ["two"])
    builder.convolution("out", 2, kernel: 1)
    let network = try builder.network()
    let (groups, refused) = try network.channelGroups()
    #expect(groups.isEmpty)
    #expect(
      refused.map { "\($0.producer): \($0.reason)" } == [
        "one: the local response norm lrn mixes neighbouring channels", "two: the softmax shares weighs all channels together",
        "out: they are the network's output out",
      ])
    #expect(
      throws: NetworkError.removal(
        layer: "one", problem: "its channels cannot be removed: the local response norm lrn mixes neighbouring channels")
    ) { try network.removing(["one": [0]]) }
  }

  /// Each of its groups makes one channel: without it a group would be empty, so that none can leave.
  @Test func groupsThatMakeOneChannelKeepIt() throws {
    var builder = NetworkBuilder("one each", input: .image(channels: 1, height: 8, width: 8))
    builder.convolution("in", 8, kernel: 1)
    builder.convolution("halves", 4, kernel: 1, groups: 4)
    builder.convolution("out", 2, kernel: 1)
    let network = try builder.network()
    let groups = try network.channelGroups().groups
    #expect(groups.map { "\($0.width): \($0)" } == ["2: in[out×4] → halves[in×4]", "1: halves[out×4] → out[in×4]"])
    #expect(throws: NetworkError.removal(layer: "halves", problem: "cannot lose all of its 1 channels; at least one stays")) {
      try network.removing(["halves": [0]])
    }
  }

  @Test func splitsAndNorms() throws {
    var builder = NetworkBuilder("splits", input: .image(channels: 1, height: 2, width: 2))
    let source = builder.convolution("source", 6, kernel: 1)
    builder.groupNorm("norm", groups: 2)
    let parts = builder.split([2, 4])
    builder.convolution("one", 2, kernel: 1, from: parts[0])
    builder.convolution("two", 2, kernel: 1, from: parts[1])
    builder.concat(["one", "two"])
    builder.convolution("out", 2, kernel: 1)
    let network = try builder.network()
    let groups = try network.channelGroups().groups
    // The norm's groups are channels 0 1 2 and 3 4 5; 0 goes with 3, 1 with 4, 2 with 5.
    #expect(
      groups.map { "\($0.width): \($0)" } == [
        "2: source[out×2] → norm → split1 → split2 → one[in], two[in]", "1: source[out×2] → norm → split1 → split2 → two[in×2]",
        "2: one[out] → out[in]", "2: two[out] → out[in]",
      ])
    #expect(groups.map(\.name) == [source, "source:2", "one", "two"])
    let (smaller, _) = try network.removing(["source": [1]])
    #expect(smaller.node(named: "norm")?.operation == .groupNorm(GroupNorm(groups: 2, 4, absent: 1)))
    #expect(smaller.node(named: "split1")?.operation == .narrow(start: 0, count: 1))
    #expect(smaller.node(named: "split2")?.operation == .narrow(start: 1, count: 3))
  }

  @Test func severalInputs() throws {
    var builder = NetworkBuilder("two inputs", input: .vector(3))
    builder.linear("a", 4)
    builder.input("other", .vector(2))
    builder.linear("b", 4)
    builder.add(["a", "b"])
    builder.relu()
    builder.linear("out", 2)
    let network = try builder.network()
    #expect(network.inputShapes == [.vector(3), .vector(2)])
    #expect(try network.channelGroups().groups.map(\.description) == ["a[out] + b[out] → out[in]"])
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
    #expect(group.dependents.map(\.spread) == [6] && group.dependents[0].features == Array(0..<24))
    #expect(group.consumers[0].features(ofChannel: 2) == [12, 13, 14, 15, 16, 17])
    #expect(group.consumers[1].features(ofChannel: 2) == [2])
  }
}
