import Networks
import TestSupport
import Testing
import Torch
import Training

@Suite struct InitializationTests {
  /// A 3×3 convolution from 8 to 64 channels has 72 inputs and 576 outputs to each weight: fans count the kernel.
  @Test func fansOfConvolutions() throws {
    var builder = NetworkBuilder("fans", input: .image(channels: 8, height: 4, width: 4))
    builder.convolution("conv", 64, kernel: 3)
    let network = try builder.network()
    func weights(_ initialization: Initialization) throws -> [Float] {
      try Model(network, initialization: initialization, seed: 1).tensor(ParameterName("conv", .weight)).array(Float.self)
    }
    func largest(_ values: [Float]) -> Double { Double(values.map(abs).max() ?? 0) }
    // Of 4,608 draws the largest comes near its bound.
    for (initialization, square) in [(Initialization.glorotUniform, 6.0 / 648), (.kaimingUniform, 6.0 / 72), (.pytorch, 1.0 / 72)] {
      let (found, bound) = (try largest(weights(initialization)), square.squareRoot())
      #expect(found <= bound * 1.000001 && found > 0.99 * bound, "\(initialization): \(found) of \(bound)")
    }
    for (initialization, variance) in [(Initialization.glorotNormal, 2.0 / 648), (.kaimingNormal, 2.0 / 72)] {
      let values = try weights(initialization)
      let found = values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count)
      #expect(abs(found / variance - 1) < 0.1, "\(initialization): \(found) of \(variance)")
    }
    #expect(try weights(.signedKaiming).allSatisfy { abs($0) == Float((2.0 / 72).squareRoot()) })
    let biases = try Model(network, initialization: .pytorch, seed: 1).tensor(ParameterName("conv", .bias)).array(Float.self)
    let bound = (1.0 / 72).squareRoot()
    #expect(largest(biases) <= bound && largest(biases) > 0.9 * bound)
  }

  @Test func numbersOfAttention() throws {
    var builder = NetworkBuilder("numbers", input: .image(channels: 6, height: 16, width: 16))
    builder.append("op", .attention(Attention(heads: 3, width: 2, bias: Extent(256), isCosine: true)), from: ["input", "input", "input"])
    let tensors = try Initialization.pytorch.tensors(for: builder.network(), seed: 1)
    #expect(try tensors[ParameterName("op", .weight)]?.array(Float.self) == [10, 10, 10])
    let bias = try #require(try tensors[ParameterName("op", .bias)]?.doubles())
    let variance = bias.reduce(0) { $0 + $1 * $1 } / Double(bias.count)
    #expect(bias.count == 3 * 256 * 256 && abs(variance / 0.0004 - 1) < 0.02)
  }

  @Test func learnedSlopesAndScales() throws {
    var builder = NetworkBuilder("numbers", input: .image(channels: 3, height: 1, width: 1))
    builder.append("slopes", .prelu(PReLU(3)), from: ["input"])
    builder.append("scale", .channelAffine(ChannelAffine(3)), from: ["slopes"])
    let tensors = try Initialization.kaimingNormal.tensors(for: builder.network(), seed: 1)
    #expect(try tensors[ParameterName("slopes", .weight)]?.array(Float.self) == [0.25, 0.25, 0.25])
    #expect(try tensors[ParameterName("scale", .weight)]?.array(Float.self) == [1, 1, 1])
    #expect(try tensors[ParameterName("scale", .bias)]?.array(Float.self) == [0, 0, 0])
  }
}
