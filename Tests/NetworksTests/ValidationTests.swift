import Networks
import Testing

@Suite struct ValidationTests {
  private func network(_ nodes: [Network.Node], outputs: [String]? = nil) -> Network {
    let input = Network.Node(name: "input", operation: .input(.image(channels: 4, height: 8, width: 8)), inputs: [])
    return Network(name: "test", nodes: [input] + nodes, outputs: outputs ?? [nodes.last?.name ?? "input"])
  }

  private func expect(_ words: String, _ nodes: [Network.Node], outputs: [String]? = nil, at location: SourceLocation = #_sourceLocation) {
    #expect(throws: NetworkError.invalid(words), sourceLocation: location) { try network(nodes, outputs: outputs).validate() }
  }

  private func convolution(_ name: String, _ layer: Convolution, module: String? = nil) -> Network.Node {
    .init(name: name, operation: .convolution(layer), inputs: ["input"], module: module)
  }

  @Test func names() {
    expect(
      "two nodes are named a",
      [.init(name: "a", operation: .flatten, inputs: ["input"]), .init(name: "a", operation: .flatten, inputs: ["input"])])
    expect("node name \"\": must be 1 to 200 visible characters without blanks", [.init(name: "", operation: .flatten, inputs: ["input"])])
    expect(
      "node name \"a\\u001b[2J\": must be 1 to 200 visible characters without blanks",
      [.init(name: "a\u{1B}[2J", operation: .flatten, inputs: ["input"])])
    expect(
      "a: module name \"b c\" must be 1 to 200 visible characters without blanks",
      [.init(name: "a", operation: .flatten, inputs: ["input"], module: "b c")])
  }

  @Test func wiring() {
    expect("a: there is no node \"b\" to read", [.init(name: "a", operation: .flatten, inputs: ["b"])])
    expect(
      "a: its input \"b\" must come before it",
      [.init(name: "a", operation: .flatten, inputs: ["b"]), .init(name: "b", operation: .flatten, inputs: ["input"])])
    expect("a: its input \"a\" must come before it", [.init(name: "a", operation: .flatten, inputs: ["a"])])
    expect("a: flatten takes 1 input, gets 2", [.init(name: "a", operation: .flatten, inputs: ["input", "input"])])
    expect("a: add takes 2 to 1000 inputs, gets 1", [.init(name: "a", operation: .add, inputs: ["input"])])
    expect("a: multiply takes 2 inputs, gets 3", [.init(name: "a", operation: .multiply, inputs: ["input", "input", "input"])])
    expect("a: input takes no input, gets 1", [.init(name: "a", operation: .input(.vector(1)), inputs: ["input"])])
    expect("output \"b\" is not a node", [.init(name: "a", operation: .flatten, inputs: ["input"])], outputs: ["a", "b"])
    expect("a network needs at least one output", [.init(name: "a", operation: .flatten, inputs: ["input"])], outputs: [])
    #expect(throws: NetworkError.invalid("a network needs at least one input node")) {
      try Network(name: "empty", nodes: [], outputs: ["x"]).validate()
    }
  }

  @Test func numbers() {
    expect("c: stride must be from 1 to 2147483647, is 0", [convolution("c", Convolution(4, 8, kernel: Extent(3), stride: Extent(0)))])
    expect(
      "c: padding must be from 0 to 2147483647, is -1", [convolution("c", Convolution(4, 8, kernel: Extent(3), padding: Extent(0, -1)))])
    expect("c: 3 groups do not divide 4 input channels", [convolution("c", Convolution(4, 9, kernel: Extent(3), groups: 3))])
    expect(
      "d: probability must be at least 0 and below 1, is nan", [.init(name: "d", operation: .dropout(.nan), inputs: ["input"])])
    expect(
      "n: slope must be finite, is inf", [.init(name: "n", operation: .activation(.leakyReLU(slope: .infinity)), inputs: ["input"])])
    expect("n: shift must be finite, is nan", [.init(name: "n", operation: .activation(.affine(shift: .nan)), inputs: ["input"])])
    expect(
      "n: beta must be finite, is nan",
      [.init(name: "n", operation: .localResponseNorm(LocalResponseNorm(3, beta: .nan)), inputs: ["input"])])
    expect(
      "n: padding never counts in a maximum",
      [.init(name: "n", operation: .maxPool(Pooling(kernel: Extent(2), countsPadding: false)), inputs: ["input"])])
    expect(
      "n: momentum must lie between 0 and 1, is 2.0",
      [.init(name: "n", operation: .batchNorm(BatchNorm(4, momentum: 2)), inputs: ["input"])])
    expect(
      "n: 3 groups do not divide 4 input channels",
      [.init(name: "n", operation: .groupNorm(GroupNorm(groups: 3, 4)), inputs: ["input"])])
    expect(
      "n: absent must be from 0 to 2147483647, is -1",
      [.init(name: "n", operation: .groupNorm(GroupNorm(groups: 2, 4, absent: -1)), inputs: ["input"])])
    #expect(throws: NetworkError.tooLarge("c: weight [2147483647, 2147483647, 3, 3] is larger than any machine can hold")) {
      try network([convolution("c", Convolution(2_147_483_647, 2_147_483_647, kernel: Extent(3)))]).validate()
    }
  }

  @Test func sharedModules() throws {
    let layer = Convolution(4, 8, kernel: Extent(3))
    try network([convolution("a", layer, module: "m"), convolution("b", layer, module: "m")]).validate()
    expect(
      "b and a share module m but are different operations",
      [convolution("a", layer, module: "m"), convolution("b", Convolution(4, 9, kernel: Extent(3)), module: "m")])
  }

  /// Nothing is shared where there are no parameters: of such nodes each may become smaller by itself.
  @Test func modulesWithoutParameters() throws {
    func pad(_ name: String, _ after: Int) -> Network.Node {
      .init(name: name, operation: .subsamplePad(stride: 1, before: 0, after: after), inputs: ["input"], module: "m")
    }
    try network([pad("a", 1), pad("b", 2)]).validate()
    expect(
      "c and b share module m but are different operations",
      [pad("b", 2), convolution("c", Convolution(4, 9, kernel: Extent(3)), module: "m")])
  }

  @Test func hugeValuesAreRefusedWithoutTrapping() throws {
    #expect(throws: NetworkError.tooLarge("a: its value 4×2147483647×2147483647 is larger than any machine can hold")) {
      try network([.init(name: "a", operation: .adaptiveAveragePool(height: 2_147_483_647, width: 2_147_483_647), inputs: ["input"])])
        .shapes()
    }
    #expect(FeatureShape.image(channels: .max, height: .max, width: .max).elements == .max)
    // Doubling channels by concatenation: the lists of channels must not double with them for ever.
    var builder = NetworkBuilder("doubling", input: .image(channels: 1, height: 1, width: 1))
    builder.convolution("c", 1, kernel: 1)
    for _ in 0..<30 { builder.concat([builder.last, builder.last]) }
    builder.convolution("d", 1, kernel: 1)
    #expect(
      throws: NetworkError.tooLarge("network \"doubling\" has more than 67108864 channels: their coupling is not followed")
    ) { try builder.network().channelGroups() }
  }
}
