import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

/// A file of the test data that PyTorch trained.
private func trained(_ name: String) -> String? {
  let path = testDataDirectory.map { $0.appendingPathComponent("models/resnet-cifar10/\(name)").path }
  return path.flatMap { FileManager.default.fileExists(atPath: $0) ? $0 : nil }
}

/// Bare files of weights, as other programs write them.
@Suite struct ModelFileWeightsTests {
  private func load(_ change: (inout [String: Tensor]) throws -> Void) throws -> (model: Model, report: WeightsReport) {
    try withTemporaryDirectory { folder throws in
      let model = try exampleModelFile().model
      var tensors = Dictionary(uniqueKeysWithValues: model.tensors.map { ($0.key.description, $0.value) })
      try change(&tensors)
      try TensorArchive(tensors: tensors, metadata: ["format": "pt"]).write(to: folder + "/weights")
      return try Model.load(weights: folder + "/weights", into: model.network)
    }
  }

  private func problem(_ change: (inout [String: Tensor]) throws -> Void) throws -> String {
    do {
      _ = try load(change)
      return "loaded"
    } catch let error as ModelFileError {
      return error.description.replacing(#/\S*/weights/#, with: "PATH")
    }
  }

  @Test func byName() throws {
    let (model, report) = try load { _ in }
    #expect(report == WeightsReport(loaded: 8))
    let expected = try exampleModelFile().model
    for (name, tensor) in expected.tensors { #expect(try model.tensor(name).bytes() == tensor.bytes()) }
    #expect(model.masks.isEmpty)
  }

  @Test(.enabled(if: trained("resnet20-12fca82f.safetensors") != nil, "needs the trained networks")) func aTrainedNetwork() throws {
    let path = try #require(trained("resnet20-12fca82f.safetensors"))
    let network = try Architecture.parse("resnet-20")
    let (model, report) = try Model.load(weights: path, into: network)
    #expect(report.loaded == (try network.parameterShapes().count) && report.converted.isEmpty)
    #expect(try model.tensor(.init("conv1", .weight)).shape == [16, 3, 3, 3])
    // Its kernels do not fit another depth: everything too many is listed.
    #expect(throws: ModelFileError.self) { try Model.load(weights: path, into: Architecture.parse("resnet-32")) }
  }

  @Test func whatPyTorchAdds() throws {
    let (model, report) = try load { tensors in
      tensors["features.1.num_batches_tracked"] = try .scalar(3, type: .int64)
      tensors["classifier.bias"] = try tensors["classifier.bias"]?.cast(to: .float64)
      tensors = Dictionary(uniqueKeysWithValues: tensors.map { ("module." + $0.key, $0.value) })
    }
    #expect(
      report
        == WeightsReport(
          loaded: 8, ignored: ["features.1.num_batches_tracked"], removedPrefix: "module.", converted: ["classifier.bias (float64)"]))
    #expect(try model.tensor(.init("classifier", .bias)).elementType == .float32)
  }

  @Test func trainingsTensorsAreLeftOut() throws {
    let (model, report) = try load { tensors in
      for head in ["aux1", "aux2"] {
        for name in ["conv.conv.weight", "conv.bn.weight", "fc1.bias"] { tensors["\(head).\(name)"] = try .zeros([2]) }
      }
      tensors["AuxLogits.fc.weight"] = try .zeros([2])
      tensors["features.1.num_batches_tracked"] = try .scalar(3, type: .int64)
      tensors["total_ops"] = try .zeros([1], type: .float64)
      tensors["position_ids"] = try .zeros([4], type: .int64)
      tensors["marker"] = try .zeros([0])
    }
    #expect(model.tensors.count == 8 && report.loaded == 8 && report.ignored.count == 9)
    #expect(report.unused == ["marker (empty)", "position_ids (int64)"])
    #expect(
      report.notes(path: "f") == [
        "f: left out what serves training only: features.1.num_batches_tracked, AuxLogits.fc.weight, aux1.* (3), aux2.* (3), total_ops",
        "f: left out what cannot be a weight: marker (empty), position_ids (int64)",
      ])
    // A head that the network has is no training's.
    #expect(try problem { $0["auxiliary"] = try .zeros([1]) }.hasSuffix("unexpected auxiliary"))
  }

  /// `torch.nn.utils.prune` keeps the weights before and a mask of ones and zeros.
  @Test func pyTorchsPruningIsRead() throws {
    let name = ParameterName("classifier", .weight)
    let ones = try Tensor((0..<96).map { Float($0 % 3 == 0 ? 0 : 1) }, shape: [3, 32])
    let original = try exampleModelFile().model.tensor(name)
    let (model, report) = try load { tensors in
      tensors["classifier.weight_orig"] = tensors.removeValue(forKey: "classifier.weight")
      tensors["classifier.weight_mask"] = ones
    }
    #expect(report == WeightsReport(loaded: 8))
    #expect(Array(model.masks.keys) == [name])
    #expect(try model.masks[name]?.bytes() == ones.notEqual(0).bytes())
    let expected = zip(try original.array(Float.self), try ones.array(Float.self)).map { $1 == 0 ? 0 : $0 }
    #expect(try model.tensor(name).array(Float.self) == expected)
    #expect(
      try problem { tensors in
        tensors["classifier.weight_orig"] = tensors.removeValue(forKey: "classifier.weight")
        tensors["classifier.weight_mask"] = try .full([3, 32], 0.5)
      } == "cannot read PATH: classifier.weight_mask holds numbers other than 0 and 1")
  }

  @Test func aLastLayerOfOtherClassesIsReplaced() throws {
    let head = [
      ParameterName("classifier", .weight): try Tensor.full([3, 32], 0.25), ParameterName("classifier", .bias): try Tensor.full([3], 0.5),
    ]
    func load(_ change: (inout [String: Tensor]) throws -> Void) throws -> (model: Model, report: WeightsReport) {
      try withTemporaryDirectory { folder throws in
        let model = try exampleModelFile().model
        var tensors = Dictionary(uniqueKeysWithValues: model.tensors.map { ($0.key.description, $0.value) })
        try change(&tensors)
        try TensorArchive(tensors: tensors).write(to: folder + "/weights")
        return try Model.load(weights: folder + "/weights", into: model.network, head: head)
      }
    }
    let (model, report) = try load { tensors in
      tensors["classifier.weight"] = try .zeros([7, 32])
      tensors["classifier.bias"] = try .zeros([7])
    }
    #expect(report == WeightsReport(loaded: 6, replaced: ["classifier.weight [7, 32]", "classifier.bias [7]"]))
    #expect(report.notes(path: "f") == ["f: the last layer is fresh, in place of classifier.weight [7, 32], classifier.bias [7]"])
    for (name, tensor) in head { #expect(try model.tensor(name).bytes() == tensor.bytes()) }
    // Both or none: a bias that fits belongs to the weights that do not.
    #expect(try load { $0["classifier.weight"] = nil }.report.replaced == ["classifier.weight", "classifier.bias [3]"])
    let (same, plain) = try load { _ in }
    #expect(plain == WeightsReport(loaded: 8))
    #expect(try same.tensor(.init("classifier", .bias)).bytes() == exampleModelFile().model.tensor(.init("classifier", .bias)).bytes())
    #expect(throws: ModelFileError.self) { try load { $0["features.0.bias"] = try .zeros([9]) } }
  }

  @Test func everythingThatDoesNotFitIsListed() throws {
    #expect(
      try problem { tensors in
        tensors["features.0.bias"] = nil
        tensors["features.1.running_mean"] = nil
        tensors["extra.weight"] = try .zeros([1])
        tensors["a b\n"] = try .zeros([1])
        tensors["classifier.bias"] = try .zeros([10])
      }
        == "the weights of PATH do not fit network tiny: missing features.0.bias, features.1.running_mean; "
        + "unexpected \"a b\\n\", extra.weight; mis-shaped classifier.bias [10] instead of [3]")
    #expect(
      try problem { tensors in
        for i in 0..<12 { tensors["extra\(i + 10)"] = try .zeros([1]) }
      }
        == "the weights of PATH do not fit network tiny: unexpected extra10, extra11, extra12, extra13, extra14, extra15, extra16, extra17 "
        + "and 4 more")
    #expect(
      try problem { $0["classifier.bias"] = try .zeros([3], type: .int64) }
        == "cannot read PATH: classifier.bias has elements of int64")
    // A prefix on some names only is no prefix.
    #expect(
      try problem { $0["module.classifier.bias"] = $0.removeValue(forKey: "classifier.bias") }
        == "the weights of PATH do not fit network tiny: missing classifier.bias; unexpected module.classifier.bias")
  }
}
