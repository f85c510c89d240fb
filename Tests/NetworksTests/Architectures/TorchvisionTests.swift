import Foundation
import Networks
import Testing

/// Names, shapes and counts of torchvision's models (Tests/Reference/torchvision_models.py).
@Suite struct TorchvisionTests {
  struct Golden: Decodable {
    var parameters: Int
    var macs: Int
    var tensors: [String: [Int]]
  }

  private static func golden(_ name: String) throws -> Golden {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return try JSONDecoder().decode(
      Golden.self, from: Data(contentsOf: tests.appendingPathComponent("Reference/torchvision-\(name).json")))
  }

  static let names = [
    "mobilenet-v2", "densenet-121", "googlenet", "squeezenet-1.1", "mobilenet-v3-small", "mobilenet-v3-large", "efficientnet-b0",
    "shufflenet-v2", "mnasnet", "regnet-y-400mf", "convnext-tiny", "resnext-50", "inception-v3",
  ]

  @Test(arguments: names) func namesAndShapes(name: String) throws {
    var expected = try Self.golden(name).tensors
    if name == "convnext-tiny" {
      // 1×1 convolutions instead of linear layers on channels-last images, and scales that are a module's weight.
      expected = Dictionary(
        uniqueKeysWithValues: expected.map { key, shape in
          key.hasSuffix(".layer_scale")
            ? (key + ".weight", [shape[0]])
            : key.hasPrefix("features.") && shape.count == 2 ? (key, shape + [1, 1]) : (key, shape)
        })
    }
    let shapes = try Architecture.parse(name).parameterShapes()
    let ours = Dictionary(uniqueKeysWithValues: shapes.map { ($0.name.description, $0.dimensions) })
    #expect(Set(ours.keys).symmetricDifference(expected.keys).sorted() == [])
    for (tensor, dimensions) in expected { #expect(ours[tensor] == dimensions, "\(tensor)") }
  }

  /// Published by torchvision beside its weights: parameters exactly, MACs in units of ten million. Inception v3's 27,161,264 parameters
  /// count the auxiliary head's 3,326,696.
  @Test(
    arguments: zip(
      names,
      [
        (3_504_872, 30), (7_978_856, 283), (6_624_904, 150), (1_235_496, 35), (2_542_856, 6), (5_483_032, 22), (5_288_548, 39),
        (2_278_604, 14), (4_383_312, 31), (4_344_144, 40), (28_589_128, 446), (25_028_904, 423), (27_161_264 - 3_326_696, 571),
      ]))
  func counts(name: String, published: (parameters: Int, macs: Int)) throws {
    let (cost, golden) = (try Architecture.parse(name).cost(), try Self.golden(name))
    #expect(cost.parameters == published.parameters)
    #expect((cost.macs + 5_000_000) / 10_000_000 == published.macs)
    #expect(cost.parameters == golden.parameters)
    #expect(cost.macs == golden.macs)
  }

  /// Images of the data sets at hand and the smallest ones.
  @Test(arguments: names) func otherImages(name: String) throws {
    let least = name == "inception-v3" ? 75 : 32
    for (height, width) in [(least, least), (least + 1, 97), (128, 128), (299, 299)] {
      let network = try Architecture.parse(name, input: .image(channels: 3, height: height, width: width), classes: 7)
      #expect(try network.outputShape == .vector(7))
    }
    let native = least == 75 ? 299 : 224
    let words =
      "network \(name) takes 3×\(native)×\(native) images (or other sizes from \(least)×\(least) on), the data set has 3×31×75"
    #expect {
      try Architecture.parse(name, input: .image(channels: 3, height: 31, width: 75))
    } throws: {
      "\($0)".hasPrefix(words)
    }
  }

  /// Without `ceil_mode` the shapes at the pools' ends would be 55, 27, 13 and 6.
  @Test func partlyCoveredWindowsCount() throws {
    let shapes = try Architecture.parse("googlenet").shapes()
    let sizes = (1...4).map { shapes["maxpool\($0)"].map { $0.dimensions[1] } }
    #expect(sizes == [56, 28, 14, 7])
    let squeezed = try Architecture.parse("squeezenet-1.1").shapes()
    #expect([2, 5, 8].map { squeezed["features.\($0)"].map { $0.dimensions[1] } } == [55, 27, 13])
    #expect(
      try Architecture.parse("squeezenet-1.1", input: .image(channels: 3, height: 226, width: 226)).shapes()["features.2"]?.dimensions[1]
        == 56)
  }

  @Test func blocks() throws {
    let mobile = try Architecture.parse("mobilenet-v2")
    let depthwise = mobile.nodes.compactMap { node -> Convolution? in
      if case .convolution(let layer) = node.operation, layer.groups > 1 { layer } else { nil }
    }
    #expect(depthwise.count == 17)
    #expect(depthwise.allSatisfy { $0.groups == $0.inputs && $0.groups == $0.outputs })
    #expect(mobile.nodes.filter { $0.operation == .add }.map(\.name).count == 10)
    #expect(mobile.nodes.filter { $0.operation == .activation(.relu6) }.count == 35)
    let dense = try Architecture.parse("densenet-121")
    let concatenations = dense.nodes.filter { $0.operation == .concat }
    #expect(concatenations.count == 6 + 12 + 24 + 16)
    #expect(concatenations.map(\.inputs.count).max() == 25)
    for (block, channels) in [(1, 256), (2, 512), (3, 1024), (4, 1024)] {
      #expect(try dense.shapes()["features.denseblock\(block).concat"]?.channels == channels)
    }
  }
}
