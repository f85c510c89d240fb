import Foundation
import Interchange
import Networks
import TestSupport
import Testing
import Torch
import Training

private let golden = packageDirectory.appendingPathComponent("Tests/InterchangeTests/Checkpoints/Golden")

/// Files that PyTorch wrote (Tests/Reference/checkpoints.py).
@Suite struct GoldenCheckpointTests {
  private struct Expected: Decodable {
    var shape: [Int]
    var values: [Double]
  }

  private func path(_ name: String) -> String { golden.appendingPathComponent(name).path }

  private func expected(_ name: String) throws -> [String: Expected] {
    let all = try JSONDecoder().decode(
      [String: [String: Expected]].self, from: Data(contentsOf: golden.appendingPathComponent("expected.json")))
    return try #require(all[name])
  }

  @Test(arguments: [
    "zip.pth", "zip-3.pth", "zip-4.pth", "zip-5.pth", "legacy-2.pth", "legacy-4.pth", "training.ckpt", "module.pt", "views.pt",
    "views-legacy.pt", "types.pt",
  ])
  func everyElementIsPyTorchs(name: String) throws {
    let stored = try WeightsReader.files(path(name))
    let expected = try expected(name)
    #expect(Set(stored.tensors.keys) == Set(expected.keys))
    for (key, values) in expected {
      let tensor = try #require(stored.tensors[key], "\(key)")
      #expect(tensor.shape == values.shape, "\(key)")
      #expect(try tensor.doubles() == values.values, "\(key)")
      #expect(tensor.isContiguous, "\(key)")
    }
  }

  @Test func theOrderIsTheDictionarys() throws {
    for name in ["zip.pth", "legacy-2.pth", "module.pt"] {
      #expect(try WeightsReader.files(path(name)).order == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"], "\(name)")
    }
  }

  @Test func whatLiesAroundTheWeightsIsLeft() throws {
    let (model, report) = try Model.load(
      weights: path("training.ckpt"), into: Architecture.parse("mlp:6-4-3"), reader: .files)
    #expect(report.loaded == 4 && report.removedPrefix == "module.")
    #expect(report.notes(path: "f") == ["f: took the weights under \"state_dict\"; there are others under \"state_dict_ema\""])
    #expect(try model.tensor(.init("fc1", .weight)).doubles() == expected("zip.pth")["fc1.weight"]?.values)
  }

  @Test func typesThatNobodyUsesAreListed() throws {
    let stored = try WeightsReader.files(path("types.pt"))
    #expect(
      stored.unread.mapValues(\.type) == ["int8": "I8", "int16": "I16", "uint32": "U32", "float8": "F8_E4M3", "complex64": "C64"])
    #expect(stored.tensors["half"]?.elementType == .float32 && stored.tensors["bool"]?.elementType == .bool)
  }

  @Test func masksAreKept() throws {
    let (model, report) = try Model.load(weights: path("pruned.pth"), into: Architecture.parse("mlp:6-4-3"), reader: .files)
    let expected = try expected("pruned.pth")
    let name = ParameterName("fc1", .weight)
    #expect(report.loaded == 4 && Array(model.masks.keys) == [name])
    #expect(try model.tensor(name).doubles() == expected["fc1.weight"]?.values)
    #expect(try model.masks[name]?.doubles() == expected["fc1.weight_mask"]?.values)
  }

  @Test func weightNormsAreMultipliedOut() throws {
    let (model, _) = try Model.load(weights: path("normed.pth"), into: Architecture.parse("mlp:6-4-3"), reader: .files)
    for (name, values) in try expected("normed.pth") {
      let tensor = try model.tensor(#require(ParameterName(name)))
      #expect(relativeError(try tensor.doubles(), values.values) < 1e-6, "\(name)")
    }
  }

  @Test func namesThatDifferAreMatchedByOrderIfAsked() throws {
    let network = try Architecture.parse("mlp:6-4-3")
    #expect {
      try Model.load(weights: path("ordered.pth"), into: network, reader: .files)
    } throws: {
      "\($0)" == "the weights of \(path("ordered.pth")) do not fit network mlp:6-4-3: missing fc1.weight, fc1.bias, fc2.weight, fc2.bias; "
        + "unexpected 0.bias, 0.weight, 2.bias, 2.weight; in their order all shapes fit: --match order takes them so"
    }
    let (model, report) = try Model.load(weights: path("ordered.pth"), into: network, matching: .order, reader: .files)
    for (name, values) in try expected("ordered.pth") {
      #expect(try model.tensor(#require(ParameterName(name))).doubles() == values.values, "\(name)")
    }
    #expect(
      report.notes(path: "f") == [
        "f: matched by order:", "  0 → fc1: weight [4, 6], bias [4]", "  2 → fc2: weight [3, 4], bias [3]",
      ])
  }

  /// What the masks and norms of a file become is matched by order, too.
  @Test func masksAndNormsGoWithTheirLayers() throws {
    let network = try Architecture.parse("mlp:6-4-3")
    let (model, _) = try Model.load(weights: path("pruned.pth"), into: network, matching: .order, reader: .files)
    #expect(try model.masks[.init("fc1", .weight)]?.doubles() == expected("pruned.pth")["fc1.weight_mask"]?.values)
    let (normed, _) = try Model.load(weights: path("normed.pth"), into: network, matching: .order, reader: .files)
    let values = try #require(try expected("normed.pth")["fc2.weight"]).values
    #expect(relativeError(try normed.tensor(.init("fc2", .weight)).doubles(), values) < 1e-6)
  }

  @Test func whatDoesNotFitInOrderIsRefused() throws {
    for (network, words) in [
      ("mlp:6-4-3-2", "it has 4 tensors that can be weights, and the network 6"),
      ("mlp:6-5-3", "tensor 1, 0.weight [4, 6], stands where fc1.weight [5, 6] belongs"),
    ] {
      #expect {
        try Model.load(weights: path("ordered.pth"), into: Architecture.parse(network), matching: .order, reader: .files)
      } throws: {
        "\($0)" == "the weights of \(path("ordered.pth")) do not fit network \(network) in order: \(words)"
      }
    }
  }

  @Test func compressedMembersAreRefused() throws {
    #expect { try WeightsReader.files(path("deflated.pth")) } throws: { error in
      "\(error)".hasPrefix("cannot read \(path("deflated.pth")): its member \"")
        && "\(error)".hasSuffix("\" is compressed, as PyTorch's are not: store it with \"zip -0\"")
    }
  }

  /// The same trained network in both forms.
  @Test(arguments: ["resnet20-12fca82f", "resnet56-4bfd9763"]) func realFilesAreTheSame(name: String) throws {
    guard let folder = testDataDirectory?.appendingPathComponent("models/resnet-cifar10"),
      FileManager.default.fileExists(atPath: folder.appendingPathComponent(name + ".th").path)
    else { return }
    let network = try Architecture.parse("resnet-" + name.dropFirst(6).prefix(2))
    let (model, report) = try Model.load(weights: folder.appendingPathComponent(name + ".th").path, into: network, reader: .files)
    let (same, _) = try Model.load(weights: folder.appendingPathComponent(name + ".safetensors").path, into: network)
    #expect(report.removedPrefix == "module.")
    for (name, tensor) in same.tensors { #expect(try model.tensor(name).bytes() == tensor.bytes(), "\(name)") }
  }
}
