import Networks
import Testing

@Suite struct WideningTests {
  private func weights(_ network: Network) throws -> [[Int]] {
    let prunable = Set(network.prunableWeights)
    return try network.parameterShapes().filter { prunable.contains($0.name) }.map(\.dimensions)
  }

  @Test func hiddenWidthsGrowAndTheEndsStay() throws {
    let twice = try Architecture.parse("lenet-300-100-x2")
    #expect(twice.name == "lenet-300-100-x2")
    #expect(try weights(twice) == [[600, 784], [200, 600], [10, 200]])
    #expect(try weights(Architecture.parse("mlp:64-40-20-10-x4")) == [[160, 64], [80, 160], [10, 80]])
    #expect(
      try weights(Architecture.parse("conv-2-x8"))
        == [[512, 3, 3, 3], [512, 512, 3, 3], [2048, 131_072], [2048, 2048], [10, 2048]])
    #expect(try weights(Architecture.parse("conv-4-x2")).map { $0[0] } == [128, 128, 256, 256, 512, 512, 10])
  }

  /// Branches, norms, depthwise groups, concatenations and padded shortcuts.
  @Test(arguments: [
    "resnet-20", "vgg16-bn-cifar", "mobilenet-v2", "densenet-121", "googlenet", "squeezenet1_1", "alexnet", "resnet-18",
    "mobilenet-v3-large", "regnet-y-400mf",
  ])
  func everyFamilyCanBeWidened(name: String) throws {
    guard let known = Architecture.names.first(where: { $0 == name }) ?? Architecture.names.first(where: { $0.hasPrefix(name.prefix(6)) })
    else { return }
    let network = try Architecture.parse(known)
    let wide = try network.widened(by: 2)
    let (before, after) = (try network.shapes(), try wide.shapes())
    #expect(after[wide.outputs[0]] == before[network.outputs[0]])
    #expect(wide.filters >= 2 * network.filters - 1000 && wide.filters > network.filters)
    #expect(try network.widened(by: 1) == network)
  }

  /// A norm that lost two of its eight channels thinks of as many times two of the wider ones.
  @Test func absentChannelsGrowToo() throws {
    var builder = NetworkBuilder("normed", input: .vector(4))
    builder.linear("fc1", 8)
    builder.groupNorm("norm")
    builder.linear("fc2", 2)
    let cut = try builder.network().removing(["fc1": [1, 5]]).network
    guard case .groupNorm(let before)? = cut.node(named: "norm")?.operation,
      case .groupNorm(let after)? = try cut.widened(by: 3).node(named: "norm")?.operation
    else {
      Issue.record("no norm")
      return
    }
    #expect(before.features == 6 && before.absent == 2 && after.features == 18 && after.absent == 6)
  }

  @Test func aSumWithTheInputCannotGrow() throws {
    var builder = NetworkBuilder("residual", input: .vector(4))
    let hidden = builder.linear("fc1", 4)
    builder.add([hidden, "input"])
    builder.linear("fc2", 2)
    let network = try builder.network()
    #expect(
      throws: NetworkError.shape(node: "add1", problem: "a wider network cannot add what stays as wide as it is to what does not")
    ) { try network.widened(by: 2) }
    #expect(throws: NetworkError.invalid("a width of 0 times residual is impossible: give at least 1")) { try network.widened(by: 0) }
  }

  /// Which of twice as many channels a selection means is not said.
  @Test func aShuffleCannotGrow() throws {
    #expect(
      throws: NetworkError.shape(node: "stage2.0.shuffle", problem: "which of a wider network's channels to read is not known")
    ) { try Architecture.parse("shufflenet-v2-x2") }
  }

  @Test func factorsHaveBounds() {
    for name in ["lenet-300-100-x1", "lenet-300-100-x65", "conv-2-x0"] {
      #expect(
        throws: NetworkError.architecture("network \"\(name)\": hidden widths can be multiplied by 2 to 64, e.g. lenet-300-100-x2")
      ) { try Architecture.parse(name) }
    }
    #expect(throws: NetworkError.self) { try Architecture.parse("lenet-300-100-x") }
    #expect(throws: NetworkError.self) { try Architecture.parse("nothing-x2") }
  }

  @Test func numbersOfEachChannelWiden() throws {
    var builder = NetworkBuilder("numbers", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("one", 3, kernel: 3)
    builder.append("norm", .channelNorm(ChannelNorm(3, absent: 1)), from: ["one"])
    builder.append("scale", .channelAffine(ChannelAffine(3)), from: ["norm"])
    builder.append("own", .prelu(PReLU(3)), from: ["scale"])
    builder.append("common", .prelu(PReLU()), from: ["own"])
    builder.multiply("one", by: "common")
    builder.convolution("out", 2, kernel: 1)
    let wider = try builder.network().widened(by: 2)
    #expect(wider.node(named: "norm")?.operation == .channelNorm(ChannelNorm(6, absent: 2)))
    #expect(wider.node(named: "scale")?.operation == .channelAffine(ChannelAffine(6)))
    #expect(wider.node(named: "own")?.operation == .prelu(PReLU(6)))
    #expect(wider.node(named: "common")?.operation == .prelu(PReLU()))
  }
}
