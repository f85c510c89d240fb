import Foundation
import Networks
import Testing

/// Units are those of the original network, whatever surgery makes the layers look like.
@Suite struct LineageTests {
  private func widths(_ network: Network) throws -> [String: Int] {
    Dictionary(uniqueKeysWithValues: try network.channelGroups().groups.map { ($0.name, $0.width) })
  }

  /// Two of eight channels a group, then one: now as many groups as channels, and still no depthwise convolution.
  @Test func aGroupedConvolutionStaysOne() throws {
    var builder = NetworkBuilder("grouped", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("conv1", 8, kernel: 1)
    builder.convolution("conv2", 8, kernel: 1, groups: 4)
    builder.convolution("conv3", 2, kernel: 1)
    let network = try builder.network()
    #expect(try widths(network) == ["conv1": 2, "conv2": 2])
    let once = try network.removing(["conv1": [0]]).network
    #expect(once.node(named: "conv2")?.operation == .convolution(Convolution(4, 8, kernel: Extent(1), groups: 4)))
    #expect(try widths(once) == ["conv1": 1, "conv2": 2])
    let (twice, slices) = try once.removing(["conv2": [1]])
    #expect(twice.node(named: "conv2")?.operation == .convolution(Convolution(4, 4, kernel: Extent(1), groups: 4)))
    #expect(
      slices.map { "\($0.parameter) \($0.dimension) \($0.keep)" } == [
        "conv2.weight 0 [0, 2, 4, 6]", "conv2.bias 0 [0, 2, 4, 6]", "conv3.weight 1 [0, 2, 4, 6]",
      ])
    #expect(try widths(twice) == ["conv1": 1, "conv2": 1])
    #expect(!NetworkIndex(twice).isDepthwise("conv2"))
  }

  @Test func aGroupNormStaysOne() throws {
    var builder = NetworkBuilder("norm", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("conv1", 8, kernel: 1)
    builder.groupNorm("gn", groups: 4)
    builder.convolution("conv2", 2, kernel: 1)
    let smaller = try builder.network().removing(["conv1": [1]]).network
    #expect(smaller.node(named: "gn")?.operation == .groupNorm(GroupNorm(groups: 4, 4, absent: 1)))
    #expect(try widths(smaller) == ["conv1": 1])
    #expect(NetworkIndex(smaller).normalisesTogether("gn"))
  }

  /// The last channel of a depthwise convolution makes an ordinary one of it, whose two outputs are still one unit.
  @Test func aDepthwiseConvolutionStaysOne() throws {
    var builder = NetworkBuilder("depthwise", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("in", 3, kernel: 1)
    builder.append("dw", .convolution(Convolution(3, 6, kernel: Extent(3), padding: Extent(1), groups: 3)), from: ["in"])
    builder.convolution("out", 2, kernel: 1)
    let smaller = try builder.network().removing(["in": [0, 2]]).network
    #expect(smaller.node(named: "dw")?.operation == .convolution(Convolution(1, 2, kernel: Extent(3), padding: Extent(1))))
    #expect(try smaller.channelGroups().groups.map(\.description) == ["in[out] + dw[out×2] → out[in×2]"])
    #expect(try widths(smaller) == ["in": 1] && NetworkIndex(smaller).isDepthwise("dw"))
    #expect(try smaller.keptFeatures()?["dw"] == KeptFeatures(outputs: [2, 3], inputs: [1]))
  }

  /// One output a group: none can leave alone, since a convolution's groups stay equally large.
  @Test func groupsOfOneOutputAreOneUnit() throws {
    var builder = NetworkBuilder("narrow", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("conv1", 8, kernel: 1)
    builder.convolution("conv2", 4, kernel: 1, groups: 4)
    builder.convolution("conv3", 2, kernel: 1)
    #expect(try widths(builder.network()) == ["conv1": 2, "conv2": 1])
  }

  /// Numbers go by a group's first channel; when that one leaves, the names stay with their channels.
  @Test func namesStayWithTheirChannels() throws {
    var builder = NetworkBuilder("split", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("conv", 6, kernel: 1)
    let part = builder.append("part", .narrow(start: 1, count: 4), from: ["conv"])
    builder.convolution("one", 2, kernel: 1, from: part)
    builder.convolution("two", 2, kernel: 1, from: "conv")
    builder.add(["one", "two"])
    let network = try builder.network()
    #expect(try widths(network) == ["conv": 2, "conv:2": 4])
    let smaller = try network.removing(["conv": [0]]).network
    #expect(try widths(smaller) == ["conv": 1, "conv:2": 4])
    #expect(try smaller.channelGroups().groups.map(\.producers[0].features) == [[4], [0, 1, 2, 3]])
    #expect(try smaller.keptFeatures()?["two"]?.inputs == [1, 2, 3, 4, 5])
  }

  /// Channel 0 of ResNet-20's stem is feature 0 of the first stage, 8 of the second and 24 of the last.
  @Test func keptFeaturesOfPaddedShortcuts() throws {
    let network = try Architecture.parse("resnet-20")
    #expect(try network.keptFeatures() == nil)
    let smaller = try network.removing(["conv1": [0]]).network.removing(["conv1": [0], "layer2.0.conv2": [0], "layer1.0.conv1": [2]])
      .network
    let kept = try #require(try smaller.keptFeatures())
    #expect(kept["conv1"] == KeptFeatures(outputs: Array(2..<16), inputs: [0, 1, 2]))
    #expect(kept["bn1"] == KeptFeatures(outputs: Array(2..<16), inputs: Array(2..<16)))
    #expect(kept["layer1.0.conv1"]?.outputs == [0, 1] + Array(3..<16))
    #expect(kept["layer2.0.conv2"]?.outputs == Array(1..<8) + Array(10..<32))
    #expect(kept["layer3.0.conv2"]?.outputs == Array(0..<16) + Array(17..<24) + Array(26..<64))
    #expect(kept["linear"] == KeptFeatures(outputs: Array(0..<10), inputs: Array(0..<16) + Array(17..<24) + Array(26..<64)))
    // Where they lie now: behind 16 zeros of stage three's own and 7 of stage two's.
    let stream = try #require(try smaller.channelGroups().groups.first)
    #expect(stream.producers.last?.features == Array(23..<37))
    #expect(stream.producers[4].features == Array(7..<21))
  }

  @Test func keptFeaturesBehindAFlattening() throws {
    let network = try Architecture.parse("lenet-5").removing(["conv2": Array(1..<49)]).network
    #expect(try network.keptFeatures()?["fc1"]?.inputs == Array(0..<16) + Array(784..<800))
  }

  /// Removals one after another, or all at once: the same network with the same past; JSON keeps it.
  @Test(arguments: ["resnet-20", "mobilenet-v2", "googlenet", "squeezenet-1.1", "lenet-5", "shufflenet-v2", "convnext-tiny"])
  func severalRemovalsAreOne(name: String) throws {
    let network = try Architecture.parse(name)
    var random = SplitMix64(state: 7)
    var smaller = network
    for _ in 0..<4 {
      let removals = try smaller.channelGroups().groups.map { group in
        (group.name, (0..<group.width).filter { $0 > 0 && Int.random(in: 0..<3, using: &random) == 0 })
      }
      smaller = try smaller.removing(Dictionary(uniqueKeysWithValues: removals)).network
    }
    #expect(smaller.original == network)
    let lineage = try #require(smaller.lineage)
    #expect(try network.removing(lineage.removed).network == smaller)
    #expect(try JSONDecoder().decode(Network.self, from: JSONEncoder().encode(smaller)) == smaller)
    let kept = try #require(try smaller.keptFeatures())
    for (name, dimensions) in try smaller.parameterShapes() where name.role == .weight {
      let node = try #require(smaller.nodes.first { $0.module == name.module }).name
      #expect(kept[node]?.outputs.count == dimensions[0], "\(name)")
    }
    // The catalogue and the history of an older file tell as much.
    let untold = Network(name: smaller.name, nodes: smaller.nodes, outputs: smaller.outputs)
    #expect(untold != smaller && untold.tracing([lineage.removed]) == smaller)
    #expect(untold.tracing([["conv1": [0]]]) == untold && untold.tracing([]) == untold)
  }

  @Test(arguments: [
    (#""removed":{"conv1":[1]}"#, "what was removed from the original network does not lead to \"tiny\""),
    (#""removed":{"conv1":[0,1,2]}"#, "conv1: cannot lose all of its 3 channels; at least one stays"),
    (#""removed":{"conv9":[0]}"#, "\"conv9\": there is no such layer"),
    (#""removed":[1]"#, "\"original\" must be an array of nodes, and \"removed\" an object of indices by channel group"),
  ])
  func forgedPasts(field: String, words: String) throws {
    var builder = NetworkBuilder("tiny", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("conv1", 3, kernel: 1)
    builder.convolution("conv2", 2, kernel: 1)
    let smaller = try builder.network().removing(["conv1": [0, 1]]).network
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let json = String(decoding: try encoder.encode(smaller), as: UTF8.self)
    #expect(json.contains(#""removed":{"conv1":[0,1]}"#))
    let forged = json.replacing(#""removed":{"conv1":[0,1]}"#, with: field)
    #expect { try JSONDecoder().decode(Network.self, from: Data(forged.utf8)) } throws: { "\($0)" == words }
  }
}
