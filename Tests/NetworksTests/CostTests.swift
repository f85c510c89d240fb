import Networks
import Testing

@Suite struct CostTests {
  /// conv 1→2, 3×3 on 4×4: 18 weights + 2 biases, 2·9·4 multiplies; norm 2+2 and 2+2 buffers; linear 8→3.
  @Test func workedByHand() throws {
    var builder = NetworkBuilder("hand", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("conv1", 2, kernel: 3)
    builder.batchNorm("bn1")
    builder.relu()
    builder.flatten()
    builder.linear("fc1", 3)
    let cost = try builder.network().cost()
    #expect(cost.layers.map(\.parameters) == [0, 20, 4, 0, 0, 27])
    #expect(cost.layers.map(\.buffers) == [0, 0, 4, 0, 0, 0])
    #expect(cost.layers.map(\.macs) == [0, 72, 0, 0, 0, 24])
    #expect(cost.layers.map(\.kind) == ["input", "convolution", "batchNorm", "activation", "flatten", "linear"])
    #expect(cost.parameters == 51)
    #expect(cost.macs == 96)
    #expect(cost.flops == 192)
    #expect(cost.bytes == 4 * 55)
    #expect(cost.totalActivationBytes == 4 * (16 + 8 + 8 + 8 + 3))
    #expect(cost.peakActivationBytes == 4 * (16 + 8))
  }

  /// A shortcut keeps its value alive: 16 (input) freed after conv1; relu1 8 + conv2 8 + add 8.
  @Test func shortcutsLiveOn() throws {
    var builder = NetworkBuilder("shortcut", input: .vector(1))
    let entry = builder.linear("fc1", 100)
    builder.linear("fc2", 10)
    builder.linear("fc3", 100)
    builder.add([builder.last, entry])
    let cost = try builder.network().cost()
    #expect(cost.peakActivationBytes == 4 * 300)
  }

  @Test func groupsDivideMultiplies() throws {
    var builder = NetworkBuilder("depthwise", input: .image(channels: 8, height: 5, width: 5))
    builder.convolution("conv1", 8, kernel: 3, padding: 1, groups: 8, bias: false)
    let cost = try builder.network().cost()
    #expect(cost.parameters == 72)
    #expect(cost.macs == 25 * 72)
  }

  /// 6 queries, 7 keys, 2 heads of 3 and 4: 6·7·2·7 multiplies. The token has 6 numbers, the positions 7·6.
  @Test func attention() throws {
    var builder = NetworkBuilder("attention", input: .image(channels: 6, height: 1, width: 6))
    builder.append("token", .classToken(features: 6), from: ["input"])
    builder.append("places", .positionEmbedding(PositionEmbedding(6, height: 1, width: 7)), from: ["token"])
    builder.convolution("values", 8, kernel: 1, bias: false)
    builder.append("op", .attention(Attention(heads: 2, width: 3, valueWidth: 4)), from: ["input", "places", "values"])
    let cost = try builder.network().cost()
    #expect(cost.layers.map(\.macs) == [0, 0, 0, 7 * 48, 6 * 7 * 2 * 7])
    #expect(cost.layers.map(\.parameters) == [0, 6, 42, 48, 0])
  }

  /// Each of 24 pixels attends to the 6 of its window, in 2 heads of 3 and 3; 2 numbers of heads, and 2·6·6 of pairs.
  @Test func attentionWithinWindows() throws {
    var builder = NetworkBuilder("windows", input: .image(channels: 6, height: 4, width: 6))
    let layer = Attention(heads: 2, width: 3, window: .init(Extent(2, 3)), bias: Extent(6), isCosine: true)
    builder.append("op", .attention(layer), from: ["input", "input", "input"])
    let cost = try builder.network().cost()
    #expect(cost.layers.map(\.macs) == [0, 24 * 6 * 2 * 6])
    #expect(cost.layers.map(\.parameters) == [0, 74])
  }

  @Test func uncountableCostsAreErrors() {
    var builder = NetworkBuilder("huge", input: .image(channels: 1, height: 200_000, width: 200_000))
    builder.convolution("conv1", 1, kernel: 100_001, padding: 50_000)
    #expect(throws: NetworkError.tooLarge("network \"huge\" costs more than can be counted in 64 bits")) {
      try builder.network().cost()
    }
  }
}
