import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

/// What of names and order of a file is kept.
@Suite struct StoredWeightsTests {
  @Test func namesOfArchivesAreSortedAsPeopleCount() throws {
    let one = try Tensor([1] as [Float])
    let names = ["layer10.weight", "layer2.weight", "layer2.bias", "a.weight", "layer1.0.weight", "layer1.weight"]
    let archive = TensorArchive(tensors: Dictionary(names.map { ($0, one) }, uniquingKeysWith: { first, _ in first }))
    #expect(
      StoredWeights(archive).order == ["a.weight", "layer1.0.weight", "layer1.weight", "layer2.bias", "layer2.weight", "layer10.weight"])
  }

  @Test func everyPrefixOfAllNamesGoes() throws {
    let network = try Architecture.parse("mlp:6-4-3")
    let shapes = try network.parameterShapes()
    let reader = WeightsReader { _ in
      try StoredWeights(
        [("n_averaged", .scalar(3, type: .int64))] + shapes.map { ("_orig_mod.module." + $0.name.description, try .ones($0.dimensions)) })
    }
    let (_, report) = try Model.load(weights: "x", into: network, reader: reader)
    #expect(report.removedPrefix == "_orig_mod.module." && report.unused == ["n_averaged (int64)"])
  }

  /// What a network's own names begin with stays.
  @Test func aPrefixOfTheNetworkStays() throws {
    var builder = NetworkBuilder("tiny", input: .vector(2))
    builder.linear("net.fc", 2)
    let network = try builder.network()
    let reader = WeightsReader { _ in
      try StoredWeights(network.parameterShapes().map { ($0.name.description, try .ones($0.dimensions)) })
    }
    #expect(try Model.load(weights: "x", into: network, reader: reader).report.removedPrefix.isEmpty)
  }

  /// A scale that stands where a shift belongs has its shape, but not its name.
  @Test func rolesAreNotSwapped() throws {
    let network = try Architecture.parse("mlp:2-2-2")
    func load(_ names: [String], matching: WeightMatching) throws -> Model {
      try Model.load(
        weights: "x", into: network, matching: matching,
        reader: WeightsReader { _ in
          try StoredWeights(names.map { ($0, try .ones($0.hasSuffix("bias") ? [2] : [2, 2])) })
        }
      ).model
    }
    // Within a layer the network's order counts, whatever the file's.
    _ = try load(["a.bias", "a.weight", "b.weight", "b.bias"], matching: .order)
    #expect {
      try load(["a.weight", "b.bias", "b.weight", "c.bias"], matching: .order)
    } throws: {
      "\($0)" == "the weights of x do not fit network mlp:2-2-2 in order: tensor 2, b.weight [2, 2], stands where fc1.bias [2] belongs"
    }
  }

  /// As torchvision stores ConvNeXt: linear layers of what are 1×1 convolutions here, and a scale [C, 1, 1] without a module.
  @Test func otherFormsOfAParameterAreTaken() throws {
    var builder = NetworkBuilder("tiny", input: .image(channels: 2, height: 1, width: 1))
    builder.convolution("block.3", 3, kernel: 1)
    builder.channelAffine("layer_scale", bias: false)
    builder.flatten()
    builder.linear("fc", 1, bias: false)
    let network = try builder.network()
    func load(_ changed: [String: [Int]] = [:], scale: String = "layer_scale") throws -> Model {
      let shapes = ["block.3.weight": [3, 2], "block.3.bias": [3], scale: [3, 1, 1], "fc.weight": [1, 3]].merging(changed) { $1 }
      let reader = WeightsReader { _ in
        try StoredWeights(
          shapes.sorted { $0.key < $1.key }.map { name, shape in
            (name, try Tensor((1...shape.reduce(1, *)).map(Float.init), shape: shape))
          })
      }
      return try Model.load(weights: "x", into: network, reader: reader).model
    }
    let model = try load()
    #expect(try model.tensor(ParameterName("block.3", .weight)).shape == [3, 2, 1, 1])
    #expect(try model.tensor(ParameterName("block.3", .weight)).doubles() == [1, 2, 3, 4, 5, 6])
    #expect(try model.tensor(ParameterName("layer_scale", .weight)).shape == [3])
    // Rows 1 2, 3 4, 5 6 at (1, 1), shifts 1 2 3, scales 1 2 3, weights 1 2 3: 4·1·1 + 9·2·2 + 14·3·3.
    #expect(try Executor(model).forward(.ones([1, 2, 1, 1])).doubles() == [166])
    _ = try load(scale: "layer_scale.weight")
    _ = try load(["fc.weight": [1, 3, 1, 1]])
    // As many elements in another order are another tensor.
    #expect {
      try load(["block.3.weight": [2, 3]])
    } throws: {
      "\($0)".contains("block.3.weight [2, 3] instead of [3, 2, 1, 1]")
    }
    _ = try load(["layer_scale": [1, 3]])
    #expect {
      try load(["layer_scale": [4]])
    } throws: {
      "\($0)".contains("layer_scale.weight [4] instead of [3]")
    }
  }

  @Test func aPathAloneIsMatchedByNames() throws {
    let (encoder, decoder) = (JSONEncoder(), JSONDecoder())
    #expect(String(decoding: try encoder.encode([GivenWeights("w.pth")]), as: UTF8.self) == #"["w.pth"]"#)
    for given in [GivenWeights("w"), GivenWeights("w", matching: .order)] {
      #expect(try decoder.decode([GivenWeights].self, from: encoder.encode([given])) == [given])
    }
  }
}
