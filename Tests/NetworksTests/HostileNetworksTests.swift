import Foundation
import Networks
import Testing

/// Damaged and malicious descriptions: an error or a sound network, never a trap, and never much time or memory.
@Suite struct HostileNetworksTests {
  private static let extremes = [
    "0", "-1", "1", "2147483647", "2147483648", "4194305", "9223372036854775807", "-9223372036854775808", "18446744073709551616", "1e308",
    "0.5", "null", "[]", "true", "\"x\"",
  ]

  /// A residual network, a chain with flattening, and one with every operation.
  private static func originals() throws -> [String] {
    var builder = NetworkBuilder("everything", input: .image(channels: 2, height: 9, width: 9))
    let one = builder.convolution("one", 4, kernel: 3, padding: 1, groups: 2)
    builder.batchNorm("norm")
    let two = builder.activation(.silu)
    builder.add([one, two])
    builder.concat([builder.last, one])
    builder.subsamplePad(stride: 2, before: 1, after: 1)
    builder.maxPool(2, stride: 1)
    builder.averagePool(2, stride: 1)
    builder.adaptiveAveragePool(2)
    builder.indexSelect([0, 2, 3])
    builder.dropout(0.1)
    builder.flatten()
    builder.linear("head", 3)
    let networks = [try builder.network(), try Architecture.parse("lenet-5"), try Architecture.parse("resnet-8")]
    return try networks.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
  }

  @Test(arguments: 0..<40)
  func damagedDescriptions(seed: Int) throws {
    var random = SplitMix64(state: UInt64(seed))
    var sound = 0
    for original in try Self.originals() {
      for _ in 0..<15 {
        var text = original
        for _ in 0..<Int.random(in: 1...3, using: &random) { text = damaged(text, &random) }
        guard let network = try? JSONDecoder().decode(Network.self, from: Data(text.utf8)) else { continue }
        sound += 1
        _ = try? network.cost()
        _ = try network.parameterShapes()
        _ = try network.channelGroups()
        _ = (network.filters, try network.classes)
      }
    }
    #expect(sound < 45, "seed \(seed): no damage was seen")
  }

  private func damaged(_ text: String, _ random: inout SplitMix64) -> String {
    var bytes = Array(text.utf8)
    if Int.random(in: 0..<4, using: &random) == 0 {
      bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      return String(decoding: bytes, as: UTF8.self)
    }
    // A number, whole, becomes another.
    let digits = bytes.indices.filter { (48...57).contains(bytes[$0]) && $0 > 0 && [58, 44, 91].contains(bytes[$0 - 1]) }
    guard let start = digits.randomElement(using: &random) else { return text }
    let end = bytes[start...].firstIndex { !(48...57).contains($0) && $0 != 46 } ?? bytes.count
    bytes.replaceSubrange(start..<end, with: Array((Self.extremes.randomElement(using: &random) ?? "0").utf8))
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func longChainsStayLinear() throws {
    var nodes = [Network.Node(name: "input", operation: .input(.vector(4)), inputs: [])]
    for index in 1...20_000 {
      let previous = nodes[index - 1].name
      nodes.append(
        index % 2 == 0
          ? .init(name: "n\(index)", operation: .add, inputs: [previous, nodes[index - 2].name])
          : .init(name: "n\(index)", operation: .linear(Linear(4, 4)), inputs: [previous]))
    }
    let network = Network(name: "long", nodes: nodes, outputs: ["n20000"])
    #expect(try network.channelGroups().refused.count == 10_000)
    #expect(try network.cost().macs == 160_000)
  }

  /// Longer than any network is; counted before any node is made of it.
  @Test(arguments: ["nodes", "original"]) func tooManyNodesAreCounted(field: String) throws {
    let nodes = #"[{"name":"a","operation":{"type":"input","shape":[4]},"inputs":[]}]"#
    let many = "[" + Array(repeating: "0", count: 32_769).joined(separator: ",") + "]"
    let text = #"{"name":"n","outputs":["a"],"removed":{},"nodes":\#(field == "nodes" ? many : nodes),"original":\#(many)}"#
    let expected = NetworkError.tooLarge("a network of 32769 nodes is too long, at most 32768 are allowed")
    #expect(throws: expected) { try JSONDecoder().decode(Network.self, from: Data(text.utf8)) }
    let chain = (0..<32_769).map { index in
      Network.Node(
        name: "n\(index)", operation: index == 0 ? .input(.vector(4)) : .activation(.relu), inputs: index == 0 ? [] : ["n\(index - 1)"])
    }
    #expect(throws: expected) { try Network(name: "n", nodes: chain, outputs: ["n9"]).validate() }
    #expect(throws: Never.self) { try Network(name: "n", nodes: chain.dropLast(), outputs: ["n9"]).validate() }
  }
}
