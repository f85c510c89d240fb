import Networks
import Testing

/// Layers that read a part of their input.
@Suite struct InputSelectionTests {
  /// 3 channels of 2×2 pixels, flattened to 12 positions.
  private func network() throws -> Network {
    var builder = NetworkBuilder("positions", input: .image(channels: 1, height: 2, width: 2))
    builder.convolution("conv", 3, kernel: 1)
    builder.flatten("flat")
    builder.linear("fc1", 4)
    builder.relu()
    builder.linear("fc2", 2)
    return try builder.network()
  }

  @Test func aLayerReadsWhatIsLeft() throws {
    let network = try network()
    let (smaller, slices) = try network.reading(["fc1": [0, 3, 5, 11]])
    #expect(smaller.nodes.map(\.name) == ["input", "conv", "flat", "fc1.inputs", "fc1", "relu1", "fc2"])
    #expect(smaller.node(named: "fc1.inputs")?.operation == .indexSelect([0, 3, 5, 11]))
    #expect(smaller.node(named: "fc1")?.operation == .linear(Linear(4, 4)))
    #expect(smaller.node(named: "fc1")?.inputs == ["fc1.inputs"])
    #expect(slices == [TensorSlice(parameter: ParameterName("fc1", .weight), dimension: 1, keep: [0, 3, 5, 11])])
    #expect(try smaller.cost().macs == network.cost().macs - 8 * 4)
    // Once more, of what is left: the same node, shorter.
    let again = try smaller.reading(["fc1": [1, 3]]).network
    #expect(again.nodes.map(\.name) == smaller.nodes.map(\.name))
    #expect(again.node(named: "fc1.inputs")?.operation == .indexSelect([3, 11]))
    #expect(try network.reading(["fc1": Array(0..<12)]).network == network)
  }

  @Test func channelsLeaveWithTheirPositions() throws {
    let smaller = try network().reading(["fc1": [0, 3, 5, 9, 11]]).network
    let groups = try smaller.channelGroups().groups
    // Channels 0 and 2 have two positions each and are alike; channel 1 has one.
    #expect(
      groups.map { "\($0.width): \($0)" } == [
        "2: conv[out] → fc1.inputs → fc1[in×2]", "1: conv[out] → fc1.inputs → fc1[in]", "4: fc1[out] → fc2[in]",
      ])
    let (cut, slices) = try smaller.removing(["conv": [0]])
    #expect(cut.node(named: "fc1.inputs")?.operation == .indexSelect([1, 5, 7]))
    #expect(slices.filter { $0.parameter.module == "fc1" }.map(\.keep) == [[2, 3, 4]])
    #expect(try cut.cost().macs == 4 * 2 + 3 * 4 + 4 * 2)
  }

  @Test func aSelectionKeepsAChannelAtLeast() throws {
    var builder = NetworkBuilder("part", input: .image(channels: 1, height: 2, width: 2))
    let conv = builder.convolution("conv", 4, kernel: 1)
    builder.indexSelect([1, 3])
    let left = builder.convolution("left", 2, kernel: 1)
    builder.add([left, builder.convolution("right", 2, kernel: 1, from: conv)])
    let (groups, _) = try builder.network().channelGroups()
    #expect(groups.map { "\($0.name) \($0.producers[0].features)" } == ["conv [0, 2]", "conv:2 [1, 3]"])
    let cut = try builder.network().removing(["conv": [0], "conv:2": [0]]).network
    #expect(cut.node(named: "select1")?.operation == .indexSelect([1]))
  }

  @Test func saysWhatCannotBeRead() throws {
    let network = try network()
    func expect(_ features: [String: [Int]], _ words: String) {
      #expect { try network.reading(features) } throws: { "\($0)" == words }
    }
    expect(["conv": [0]], "conv: only a linear layer with weights of its own can read a part of its input")
    expect(["none": [0]], "none: only a linear layer with weights of its own can read a part of its input")
    for indices in [[], [3, 3], [-1, 2], [11, 12]] as [[Int]] {
      expect(["fc1": indices], "fc1: what it reads must be ascending indices of its 12 inputs")
    }
    #expect { try network.reading(["fc1": [2, 3]]).network.widened(by: 2) } throws: {
      "\($0)" == "fc1.inputs: which of a wider network's channels to read is not known"
    }
  }
}
