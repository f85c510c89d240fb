import Foundation
import Networks
import Testing

@Suite struct OpaqueTests {
  private func shape(_ function: OpaqueFunction, of operands: FeatureShape...) throws -> FeatureShape {
    let inputs = operands.enumerated().map { Network.Node(name: "x\($0)", operation: .input($1), inputs: []) }
    let node = Network.Node(name: "f", operation: .opaque(function), inputs: inputs.map(\.name))
    return try #require(try Network(name: "one", nodes: inputs + [node], outputs: ["f"]).shapes()["f"])
  }

  @Test func shapes() throws {
    let image = FeatureShape.image(channels: 3, height: 4, width: 5)
    #expect(try shape(OpaqueFunction(.exp), of: image) == image)
    #expect(try shape(OpaqueFunction(.cumulativeSum, 0, 1), of: .vector(7)) == .vector(7))
    #expect(try shape(OpaqueFunction(.channelMax), of: image) == .image(channels: 1, height: 4, width: 5))
    #expect(try shape(OpaqueFunction(.channelL2), of: .vector(7)) == .vector(1))
    #expect(try shape(OpaqueFunction(.divide), of: image, image) == image)
    #expect(try shape(OpaqueFunction(.divide), of: image, .image(channels: 1, height: 4, width: 5)) == image)
    #expect(
      try shape(OpaqueFunction(.power), of: .image(channels: 3, height: 1, width: 1), .image(channels: 1, height: 4, width: 5)) == image)
    #expect { try shape(OpaqueFunction(.divide), of: image, .image(channels: 2, height: 4, width: 5)) } throws: {
      "\($0)" == "f: expects inputs whose sizes are equal or 1, gets 3×4×5 from x0 and 2×4×5 from x1"
    }
    #expect { try shape(OpaqueFunction(.divide), of: image, .vector(3)) } throws: {
      "\($0)" == "f: expects inputs whose sizes are equal or 1, gets 3×4×5 from x0 and 3 from x1"
    }
  }

  @Test(arguments: [
    (OpaqueFunction(.exp), 2, "f: opaque takes 1 input, gets 2"), (OpaqueFunction(.divide), 1, "f: opaque takes 2 inputs, gets 1"),
    (OpaqueFunction(.clip, 1), 1, "f: clip takes 2 numbers, gets 1"), (OpaqueFunction(.celu, 0), 1, "f: alpha must be positive, is 0.0"),
    (OpaqueFunction(.constantPower, .infinity), 1, "f: exponent must be finite, is inf"),
    (OpaqueFunction(.lpNormalize, 3), 1, "f: order must be 1 or 2, is 3.0"),
    (OpaqueFunction(.cumulativeSum, 0, 2), 1, "f: reverse must be 0 or 1, is 2.0"),
  ])
  func problems(function: OpaqueFunction, operands: Int, words: String) {
    let node = Network.Node(name: "f", operation: .opaque(function), inputs: Array(repeating: "x", count: operands))
    let network = Network(name: "one", nodes: [.init(name: "x", operation: .input(.vector(3)), inputs: []), node], outputs: ["f"])
    #expect { try network.validate() } throws: { "\($0)" == words }
  }

  @Test(arguments: OpaqueFunction.Name.allCases) func everyFunctionSurvivesJSON(name: OpaqueFunction.Name) throws {
    let operation = Operation.opaque(OpaqueFunction(name, numbers: name.numberNames.map { _ in 1 }))
    #expect(try JSONDecoder().decode(Operation.self, from: JSONEncoder().encode(operation)) == operation)
  }

  @Test func jsonNamesNumbers() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    func json(_ function: OpaqueFunction) throws -> String {
      String(decoding: try encoder.encode(Operation.opaque(function)), as: UTF8.self)
    }
    #expect(try json(OpaqueFunction(.erf)) == #"{"function":"erf","type":"opaque"}"#)
    #expect(try json(OpaqueFunction(.clip, -1, 0.5)) == #"{"function":"clip","high":0.5,"low":-1,"type":"opaque"}"#)
    func problem(_ text: String) -> String? {
      do { _ = try JSONDecoder().decode(Operation.self, from: Data(text.utf8)) } catch { return "\(error)" }
      return nil
    }
    #expect(problem(#"{"type":"opaque","function":"clip","low":1}"#) == "opaque: field \"high\" is missing")
    #expect(problem(#"{"type":"opaque","function":"exp","low":1}"#) == "opaque: unknown field \"low\"")
    #expect(problem(#"{"type":"opaque","function":"celu","alpha":-2}"#) == "opaque: alpha must be positive, is -2.0")
    #expect(problem(#"{"type":"opaque","function":"guess"}"#)?.hasPrefix("opaque: unknown function \"guess\"; known: abs, sqrt, ") == true)
  }

  /// `read` ends in an exponential, `added` meets its value, and a half of `split`'s channels is what a mean reads.
  private func network() throws -> Network {
    var builder = NetworkBuilder("opaque", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("free", 6, kernel: 3)
    builder.relu("relu")
    builder.convolution("read", 4, kernel: 1)
    builder.append("exp", .opaque(OpaqueFunction(.exp)), from: ["read"])
    let added = builder.convolution("added", 4, kernel: 1, from: "relu")
    builder.add(["exp", added], "sum")
    builder.convolution("split", 8, kernel: 1)
    let parts = builder.split([3, 5], from: "split")
    builder.append("mean", .opaque(OpaqueFunction(.channelMean)), from: [parts[0]])
    builder.convolution("other", 2, kernel: 1, from: parts[1])
    builder.concat(["other", "mean"], "both")
    builder.convolution("out", 2, kernel: 1)
    return try builder.network()
  }

  @Test func whatMeetsAnOpaqueNodeStaysAndTheRestCanLeave() throws {
    let network = try network()
    let (groups, refused) = try network.channelGroups()
    #expect(groups.map { "\($0.name) \($0.width)" } == ["free 6", "split 5", "other 2"])
    #expect(
      refused.map { "\($0.producer): \($0.reason)" } == [
        "read: the opaque exp exp keeps them", "added: the opaque exp exp keeps them", "out: they are the network's output out",
      ])
    typealias Kept = OpaqueNode.Kept
    let kept = [
      OpaqueNode(node: "exp", function: "exp", kept: [Kept(layer: "read", channels: 4), Kept(layer: "added", channels: 4)]),
      OpaqueNode(node: "mean", function: "channelMean", kept: [Kept(layer: "split", channels: 3)]),
    ]
    #expect(try network.opaqueNodes() == kept)
    let smaller = try network.removing(["free": [0, 5], "split": [1], "other": [0]]).network
    #expect(try smaller.shapes()["exp"] == .image(channels: 4, height: 2, width: 2))
    #expect(try smaller.shapes()["mean"]?.channels == 1 && smaller.shapes()["split"]?.channels == 7)
    #expect(smaller.node(named: "mean")?.operation == .opaque(OpaqueFunction(.channelMean)))
    // What was removed elsewhere changes nothing of it.
    #expect(try smaller.opaqueNodes() == kept)
    #expect(try smaller.channelGroups().groups.map(\.width) == [4, 4, 1])
    #expect(try Architecture.parse("lenet-5").opaqueNodes().isEmpty)
  }

  @Test func anOpaqueNodeAtTheInputKeepsNoLayer() throws {
    var builder = NetworkBuilder("opaque", input: .vector(3))
    builder.append("log", .opaque(OpaqueFunction(.log)), from: ["input"])
    builder.linear("hidden", 4)
    builder.linear("out", 2)
    let network = try builder.network()
    #expect(try network.opaqueNodes() == [OpaqueNode(node: "log", function: "log", kept: [])])
    #expect(try network.channelGroups().groups.map(\.name) == ["hidden"])
  }

  @Test func widerNetworksHaveThem() throws {
    var builder = NetworkBuilder("wide", input: .image(channels: 1, height: 4, width: 4))
    builder.convolution("one", 3, kernel: 3)
    builder.append("mean", .opaque(OpaqueFunction(.channelMean)), from: ["one"])
    builder.append("minus", .opaque(OpaqueFunction(.subtract)), from: ["one", "mean"])
    builder.append("sin", .opaque(OpaqueFunction(.sin)), from: ["minus"])
    builder.convolution("out", 2, kernel: 1)
    builder.convolution("side", 2, kernel: 1, from: "mean")
    let wider = try builder.network(outputs: ["out", "side"]).widened(by: 2)
    #expect(try wider.shapes()["sin"]?.channels == 6 && wider.shapes()["mean"]?.channels == 1)
    #expect(wider.node(named: "out")?.operation == .convolution(Convolution(6, 2, kernel: Extent(1))))
  }
}
