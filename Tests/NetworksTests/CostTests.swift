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

  @Test func uncountableCostsAreErrors() {
    var builder = NetworkBuilder("huge", input: .image(channels: 1, height: 200_000, width: 200_000))
    builder.convolution("conv1", 1, kernel: 100_001, padding: 50_000)
    #expect(throws: NetworkError.tooLarge("network \"huge\" costs more than can be counted in 64 bits")) {
      try builder.network().cost()
    }
  }
}
