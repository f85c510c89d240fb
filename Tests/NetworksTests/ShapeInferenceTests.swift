import Networks
import Testing

@Suite struct ShapeInferenceTests {
  private func shape(_ operation: Networks.Operation, of input: FeatureShape) throws -> FeatureShape {
    var builder = NetworkBuilder("test", input: input)
    builder.append("a", operation, from: ["input"])
    return try builder.network().outputShape
  }

  /// Sizes that PyTorch gives.
  @Test(arguments: [
    (Networks.Operation.convolution(Convolution(3, 8, kernel: Extent(11), stride: Extent(4), padding: Extent(2))), 224, 224, "8×55×55"),
    (.convolution(Convolution(3, 8, kernel: Extent(3, 5), stride: Extent(2, 1), padding: Extent(1, 0))), 9, 9, "8×5×5"),
    (.convolution(Convolution(3, 8, kernel: Extent(3), dilation: Extent(2))), 7, 5, "8×3×1"),
    (.maxPool(Pooling(kernel: Extent(2))), 5, 4, "3×2×2"),
    (.maxPool(Pooling(kernel: Extent(2), ceilMode: true)), 5, 4, "3×3×2"),
    (.maxPool(Pooling(kernel: Extent(3), stride: Extent(2), padding: Extent(1))), 112, 112, "3×56×56"),
    // The last window would begin in the padding, so it does not count.
    (.averagePool(Pooling(kernel: Extent(2), stride: Extent(3), padding: Extent(1), ceilMode: true)), 5, 5, "3×2×2"),
    (.adaptiveAveragePool(height: 7, width: 6), 3, 3, "3×7×6"),
    (.flatten, 4, 5, "60"),
    (.subsamplePad(stride: 2, before: 2, after: 1), 5, 4, "6×3×2"),
    (.arrange(height: 1, width: 20), 4, 5, "3×1×20"),
    (.arrange(height: 10, width: 2), 4, 5, "3×10×2"),
    (.classToken(features: 3), 1, 5, "3×1×6"),
    (.positionEmbedding(PositionEmbedding(3, height: 2, width: 4)), 2, 4, "3×2×4"),
    (.pad(top: -1, bottom: 0, left: 2, right: -3), 4, 5, "3×3×4"),
    (.dropout(0.2), 2, 2, "3×2×2"),
    (.batchNorm(BatchNorm(3)), 2, 2, "3×2×2"),
    (.groupNorm(GroupNorm(groups: 3, 3)), 2, 2, "3×2×2"),
    (.narrow(start: 1, count: 2), 2, 4, "2×2×4"),
    (.indexSelect([0, 2]), 2, 4, "2×2×4"),
  ])
  func shapes(operation: Networks.Operation, height: Int, width: Int, expected: String) throws {
    #expect(try shape(operation, of: .image(channels: 3, height: height, width: width)).description == expected)
  }

  @Test func attention() throws {
    var builder = NetworkBuilder("attention", input: .image(channels: 6, height: 2, width: 3))
    builder.append("row", .arrange(height: 1, width: 6), from: ["input"])
    let layer = Attention(heads: 2, width: 3, valueWidth: 4)
    let values = builder.convolution("values", 8, kernel: 1, from: "row")
    builder.append("op", .attention(layer), from: ["input", "row", values])
    // As many positions as queries, as many channels as values.
    #expect(try builder.network().outputShape == .image(channels: 8, height: 2, width: 3))
    func words(_ inputs: [String]) throws -> String {
      var other = builder
      other.append("op", .attention(layer), from: inputs)
      do { _ = try other.network() } catch { return "\(error)" }
      return "nothing"
    }
    var builder2 = builder
    builder = NetworkBuilder("attention", input: .image(channels: 6, height: 2, width: 3))
    builder.append("cut", .pad(top: 0, bottom: 0, left: -1, right: 0), from: ["input"])
    builder.convolution("values", 8, kernel: 1, from: "input")
    #expect(try words(["input", "input", "input"]) == "op: expects 8 channels, gets 6 from input (6×2×3)")
    #expect(try words(["values", "input", "values"]) == "op: expects 6 channels, gets 8 from values (8×2×3)")
    #expect(
      try words(["input", "cut", "values"]) == "op: expects a value for each key, gets 6×2×2 from cut and 8×2×3 from values")
    builder2.append("two", .attention(layer), from: ["input", "row"])
    #expect { try builder2.network() } throws: { "\($0)" == "two: expects queries, keys and values" }
  }

  /// A vector keeps its place between zeros.
  @Test func attentionWithinWindows() throws {
    func words(_ layer: Attention) throws -> String {
      var builder = NetworkBuilder("windows", input: .image(channels: 6, height: 4, width: 6))
      builder.append("op", .attention(layer), from: ["input", "input", "input"])
      do { return try "\(builder.network().outputShape)" } catch { return "\(error)" }
    }
    #expect(try words(Attention(heads: 2, width: 3, window: .init(Extent(2, 3)), bias: Extent(6))) == "6×4×6")
    #expect(
      try words(Attention(heads: 2, width: 3, window: .init(Extent(3, 3))))
        == "op: divides an image into windows of 3×3, gets 6×4×6 from input")
    #expect(
      try words(Attention(heads: 2, width: 3, window: .init(Extent(2, 4))))
        == "op: divides an image into windows of 2×4, gets 6×4×6 from input")
    #expect(
      try words(Attention(heads: 2, width: 3, window: .init(Extent(2, 3)), bias: Extent(6, 24)))
        == "op: has a bias for 6×24 queries and keys, and gets 6×6")
    #expect(try words(Attention(heads: 2, width: 3, bias: Extent(24))) == "6×4×6")
    var vector = NetworkBuilder("vector", input: .vector(3))
    vector.append("longer", .subsamplePad(stride: 1, before: 2, after: 4), from: ["input"])
    vector.append("back", .narrow(start: 2, count: 3), from: ["longer"])
    #expect(try vector.network().shapes()["longer"] == .vector(9))
    var builder = NetworkBuilder("roll", input: .vector(3))
    builder.append("op", .roll(down: 1, right: 0), from: ["input"])
    #expect { try builder.network() } throws: { "\($0)".hasPrefix("op: expects an image") }
  }

  @Test func branches() throws {
    var builder = NetworkBuilder("branches", input: .image(channels: 2, height: 4, width: 4))
    let one = builder.convolution("one", 3, kernel: 1, from: "input")
    let two = builder.convolution("two", 5, kernel: 1, from: "input")
    let both = builder.concat([one, two, "input"])
    builder.add([both, both])
    let network = try builder.network()
    #expect(try network.outputShape == .image(channels: 10, height: 4, width: 4))
    #expect(network.consumers(of: "input").map(\.name) == ["one", "two", "concat1"])
    #expect(network.node(named: "two")?.inputs == ["input"])
    #expect(network.node(named: "three") == nil)
  }

  @Test(arguments: [
    (Networks.Operation.convolution(Convolution(64, 8, kernel: Extent(3))), "a: expects 64 channels, gets 50 from input (50×8×8)"),
    (.convolution(Convolution(50, 8, kernel: Extent(9, 3))), "a: its 9×3 window does not fit into input (50×8×8)"),
    (.maxPool(Pooling(kernel: Extent(9))), "a: its 9×9 window does not fit into input (50×8×8)"),
    (.batchNorm(BatchNorm(64)), "a: expects 64 channels, gets 50 from input (50×8×8)"),
    (.linear(Linear(3200, 10)), "a: expects a vector of 3200 features, gets an image from input (50×8×8); flatten it"),
    (.narrow(start: 48, count: 3), "a: takes channels 48 to 50, gets 50 from input (50×8×8)"),
    (.indexSelect([0, 50]), "a: takes channel 50, gets 50 from input (50×8×8)"),
    (.arrange(height: 1, width: 63), "a: arranges positions as 1×63, gets 50×8×8 from input"),
    (.classToken(features: 50), "a: expects a sequence (channels×1×length), gets 50×8×8 from input; arrange it"),
    (.positionEmbedding(PositionEmbedding(50, height: 1, width: 64)), "a: has numbers for 1×64 positions, gets 50×8×8 from input"),
    (.pad(top: -5, bottom: -3, left: 0, right: 0), "a: cuts off all of input (50×8×8)"),
    (.groupNorm(GroupNorm(groups: 2, 64)), "a: expects 64 channels, gets 50 from input (50×8×8)"),
  ])
  func misfits(operation: Networks.Operation, words: String) {
    #expect { try shape(operation, of: .image(channels: 50, height: 8, width: 8)) } throws: { "\($0)" == words }
  }

  @Test func vectorMisfits() {
    #expect { try shape(.linear(Linear(512, 10)), of: .vector(256)) } throws: {
      "\($0)" == "a: expects 512 features, gets 256 from input (256)"
    }
    #expect { try shape(.batchNorm(BatchNorm(512)), of: .vector(256)) } throws: {
      "\($0)" == "a: expects 512 features, gets 256 from input (256)"
    }
    #expect { try shape(.maxPool(Pooling(kernel: Extent(2))), of: .vector(256)) } throws: {
      "\($0)" == "a: expects an image (channels×height×width), gets a vector from input (256)"
    }
  }

  @Test func unequalBranches() {
    var builder = NetworkBuilder("unequal", input: .image(channels: 2, height: 4, width: 4))
    let small = builder.maxPool(2)
    var sum = builder
    sum.add(["input", small])
    #expect { try sum.network() } throws: { "\($0)" == "add1: expects inputs of one shape, gets 2×4×4 from input and 2×2×2 from pool1" }
    builder.concat(["input", small])
    #expect { try builder.network() } throws: {
      "\($0)" == "concat1: expects inputs of one height and width, gets 2×4×4 from input and 2×2×2 from pool1"
    }
  }

  @Test func theFirstMistakeIsTheOneReported() {
    var builder = NetworkBuilder("mistaken", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("conv1", 8, kernel: 5)
    builder.relu()
    builder.flatten()
    builder.linear("fc1", 0)
    #expect { try builder.network() } throws: { "\($0)" == "conv1: its 5×5 window does not fit into input (1×4×4)" }
  }

  @Test func productsNeedTheSecondFactorsShape() throws {
    func product(_ first: FeatureShape, _ second: FeatureShape) throws -> FeatureShape? {
      var builder = NetworkBuilder("product", input: first)
      builder.multiply("input", by: builder.input("second", second), "op")
      return try builder.network().shapes()["op"]
    }
    let image = FeatureShape.image(channels: 3, height: 4, width: 5)
    #expect(try product(image, image) == image)
    #expect(try product(image, .image(channels: 3, height: 1, width: 1)) == image)
    #expect(try product(image, .vector(3)) == image)
    #expect(try product(.vector(3), .vector(3)) == .vector(3))
    let words = "expects a second factor of the first's shape or with one number for each of its channels, gets"
    for (first, second) in [
      (image, FeatureShape.vector(4)), (image, .image(channels: 3, height: 1, width: 5)), (.image(channels: 3, height: 1, width: 1), image),
      (.vector(3), .image(channels: 3, height: 1, width: 1)),
    ] {
      #expect(throws: NetworkError.shape(node: "op", problem: "\(words) \(first) from input and \(second) from second")) {
        try product(first, second)
      }
    }
  }

  @Test func operationsOfOneOperand() throws {
    func shape(_ operation: Networks.Operation, of input: FeatureShape = .image(channels: 3, height: 4, width: 5)) throws -> FeatureShape? {
      var builder = NetworkBuilder("one", input: input)
      builder.append("op", operation, from: ["input"])
      return try builder.network().shapes()["op"]
    }
    #expect(try shape(.pad(top: 1, bottom: 2, left: 3, right: 4)) == .image(channels: 3, height: 7, width: 12))
    #expect(try shape(.adaptiveMaxPool(height: 1, width: 2)) == .image(channels: 3, height: 1, width: 2))
    #expect(try shape(.resize(height: 9, width: 2, .nearest)) == .image(channels: 3, height: 9, width: 2))
    #expect(try shape(.prelu(PReLU())) == .image(channels: 3, height: 4, width: 5))
    #expect(try shape(.channelNorm(ChannelNorm(7)), of: .vector(7)) == .vector(7))
    #expect(throws: NetworkError.shape(node: "op", problem: "expects 4 channels, gets 3 from input (3×4×5)")) {
      try shape(.prelu(PReLU(4)))
    }
    #expect(throws: NetworkError.shape(node: "op", problem: "takes channel 3, gets 3 from input (3×4×5)")) {
      try shape(.indexSelect([3, 0]))
    }
    #expect(
      throws: NetworkError.shape(node: "op", problem: "expects an image (channels×height×width), gets a vector from input (7)")
    ) { try shape(.localResponseNorm(LocalResponseNorm(3)), of: .vector(7)) }
    #expect(throws: NetworkError.shape(node: "op", problem: "takes 7 neighbouring channels, gets 3 from input (3×4×5)")) {
      try shape(.localResponseNorm(LocalResponseNorm(7)))
    }
    #expect(throws: NetworkError.tooLarge("op: its value 3×2147483651×5 is larger than any machine can hold")) {
      try shape(.pad(top: 2_147_483_647, bottom: 0, left: 0, right: 0))
    }
  }
}
