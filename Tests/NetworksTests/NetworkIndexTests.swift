import Networks
import Testing

@Suite struct NetworkIndexTests {
  /// Against the look through all nodes, which it stands for.
  @Test(arguments: ["resnet-20", "googlenet", "densenet-121", "mobilenet-v2"])
  func saysWhatTheNetworkSays(name: String) throws {
    let network = try Architecture.parse(name)
    let index = NetworkIndex(network)
    for (place, node) in network.nodes.enumerated() {
      #expect(index.place(of: node.name) == place)
      #expect(index.node(named: node.name) == network.node(named: node.name))
      #expect(index.consumers(of: node.name) == network.consumers(of: node.name))
      #expect(index.readers(of: place).map { network.nodes[$0] } == network.consumers(of: node.name))
      #expect(index.nodes(of: node.module) == network.nodes.filter { $0.module == node.module })
      #expect(index.isOutput(node.name) == network.outputs.contains(node.name))
    }
    #expect(index.node(named: "nobody") == nil && index.place(of: "nobody") == nil && index.consumers(of: "nobody").isEmpty)
  }

  @Test func whoReadsTwiceIsOneReader() throws {
    var builder = NetworkBuilder("twice", input: .vector(3))
    let first = builder.linear("fc1", 3)
    builder.append("fc2", .linear(Linear(3, 3)), from: [first], module: "fc1")
    builder.add([first, "fc2", first], "sum")
    let index = NetworkIndex(try builder.network())
    #expect(index.consumers(of: "fc1").map(\.name) == ["fc2", "sum"])
    #expect(index.isShared("fc1") && !index.isShared("sum") && !index.isShared("nobody"))
  }
}
