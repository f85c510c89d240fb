import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

/// A small convolutional network with every role of parameter, seeded weights, one mask, history, preprocessing, classes, recipe.
func exampleModelFile(seed: UInt64 = 1) throws -> ModelFile {
  var builder = NetworkBuilder("tiny", input: .image(channels: 1, height: 4, width: 4))
  builder.convolution("features.0", 2, kernel: 3, padding: 1)
  builder.batchNorm("features.1")
  builder.relu()
  builder.flatten()
  builder.linear("classifier", 3)
  let network = try builder.network()
  let generator = try Generator(seed: seed)
  var tensors: [ParameterName: Tensor] = [:]
  for (name, shape) in try network.parameterShapes() {
    let values = try Tensor.normal(shape, generator: generator)
    tensors[name] = try name.role == .runningVariance ? values.absolute() : values
  }
  let masked = ParameterName("classifier", .weight)
  let mask = try Tensor.uniform([3, 32], generator: generator).greater(0.5)
  let model = try Model(network: network, tensors: tensors, masks: [masked: mask])
  try model.applyMasks()
  return ModelFile(
    model: model,
    history: [
      RemovalEvent(step: 100, method: "filters, 5 % of each layer, rounded down", criterion: "l2", removed: ["features.0": [1, 3]]),
      RemovalEvent(step: 200, method: "weights, all layers", criterion: "magnitude", masked: ["classifier.weight": 48]),
    ],
    preprocessing: Preprocessing(inputShape: [1, 4, 4], mean: [0.1307], deviation: [0.3081]), classes: ["zero", "naïve \"1\"", "2/3"],
    recipe: #"{"seed":7}"#)
}

@Suite struct ModelFileTests {
  @Test func whatIsWrittenIsRead() throws {
    try withTemporaryDirectory { folder throws in
      let file = try exampleModelFile()
      try file.write(to: folder + "/a")
      let read = try ModelFile(contentsOf: folder + "/a")
      #expect(read.model.network == file.model.network)
      #expect(read.history == file.history && read.preprocessing == file.preprocessing)
      #expect(read.classes == file.classes && read.recipe == file.recipe)
      #expect(Set(read.model.tensors.keys) == Set(file.model.tensors.keys) && Array(read.model.masks.keys) == Array(file.model.masks.keys))
      for (name, tensor) in file.model.tensors { #expect(try read.model.tensor(name).bytes() == tensor.bytes(), "\(name)") }
      for (name, mask) in file.model.masks { #expect(try read.model.masks[name]?.bytes() == mask.bytes(), "\(name)") }
      try read.write(to: folder + "/b")
      #expect(try bytes(folder + "/a") == bytes(folder + "/b"))
    }
  }

  @Test func equalModelsGiveEqualBytes() throws {
    try withTemporaryDirectory { folder throws in
      try exampleModelFile().write(to: folder + "/a")
      var second = try exampleModelFile()
      // The layout in memory is no part of the model.
      let name = ParameterName("features.0", .weight)
      second.model.tensors[name] = try second.model.tensors[name]?.channelsLast()
      try second.write(to: folder + "/b")
      #expect(try bytes(folder + "/a") == bytes(folder + "/b"))
    }
  }

  /// The names are a promise to other programs.
  @Test func namesInTheFile() throws {
    try withTemporaryDirectory { folder throws in
      try exampleModelFile().write(to: folder + "/a")
      let archive = try TensorArchive(contentsOf: folder + "/a")
      #expect(
        archive.tensors.keys.sorted() == [
          "classifier.bias", "classifier.weight", "features.0.bias", "features.0.weight", "features.1.bias", "features.1.running_mean",
          "features.1.running_var", "features.1.weight",
        ])
      #expect(
        archive.metadata.keys.sorted() == ["classes", "format", "history", "masked", "network", "preprocessing", "recipe", "version"])
      #expect(archive.metadata["format"] == "espalier" && archive.metadata["version"] == "2")
      #expect(archive.metadata["masked"] == #"["classifier.weight"]"#)
      #expect(archive.metadata["classes"] == #"["zero","naïve \"1\"","2/3"]"#)
      #expect(archive.metadata["recipe"] == #"{"seed":7}"#)
      #expect(archive.metadata["preprocessing"] == #"{"deviation":[0.3081],"inputShape":[1,4,4],"mean":[0.1307]}"#)
      #expect(
        archive.metadata["history"]
          == #"[{"criterion":"l2","masked":{},"method":"filters, 5 % of each layer, rounded down","removed":{"features.0":[1,3]},"step":100},"#
          + #"{"criterion":"magnitude","masked":{"classifier.weight":48},"method":"weights, all layers","removed":{},"step":200}]"#)
    }
  }

  @Test func theLeastThatAFileHolds() throws {
    try withTemporaryDirectory { folder throws in
      try ModelFile(model: exampleModelFile().model).write(to: folder + "/a")
      let read = try ModelFile(contentsOf: folder + "/a")
      #expect(read.history.isEmpty && read.preprocessing == nil && read.classes.isEmpty && read.recipe == nil)
    }
  }

  @Test func float64Stays() throws {
    try withTemporaryDirectory { folder throws in
      var file = try exampleModelFile()
      file.model = try file.model.cast(to: .float64)
      try file.write(to: folder + "/a")
      #expect(try ModelFile(contentsOf: folder + "/a").model.tensors.values.allSatisfy { $0.elementType == .float64 })
    }
  }

  /// The history is enough to replay the removals of units on the original.
  @Test func historyReplays() throws {
    var file = try exampleModelFile()
    let original = file.model.network
    let removals: [[String: [Int]]] = [["features.0": [1]]]
    file.history = removals.map { RemovalEvent(step: 0, method: "filters", criterion: "l1", removed: $0) }
    for event in file.history {
      let (network, slices) = try file.model.network.removing(event.removed)
      file.model = try file.model.cut(to: network, slices: slices)
    }
    try withTemporaryDirectory { folder throws in
      try file.write(to: folder + "/a")
      let read = try ModelFile(contentsOf: folder + "/a")
      let replayed = try read.history.reduce(original) { try $0.removing($1.removed).network }
      #expect(replayed == read.model.network && read.model.network.original == original)
      #expect(
        try TensorArchive(contentsOf: folder + "/a").metadata["kept"]
          == #"{"classifier":{"inputs":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15],"outputs":[0,1,2]},"features.0":{"inputs":[0],"outputs":[0]},"#
          + #""features.1":{"inputs":[0],"outputs":[0]}}"#)
      #expect(try read.model.tensor(.init("features.0", .weight)).shape == [1, 1, 3, 3])
    }
  }

  @Test func whatCannotBeKept() throws {
    try withTemporaryDirectory { folder throws in
      let path = folder + "/a"
      func problem(_ change: (inout ModelFile) throws -> Void) throws -> String {
        var file = try exampleModelFile()
        try change(&file)
        do {
          try file.write(to: path)
          return "written"
        } catch let error as ModelFileError {
          return error.description
        }
      }
      let name = ParameterName("classifier", .weight)
      #expect(try problem { $0.classes = ["a"] } == "cannot write \(path): it names 1 classes, but the network has 3")
      #expect(
        try problem { try $0.model.tensors[name]?.fill(1) }.hasPrefix("cannot write \(path): ")
          && problem { try $0.model.tensors[name]?.fill(1) }.hasSuffix(" pruned elements of classifier.weight are not 0"))
      #expect(
        try problem { $0.model.tensors[name] = nil }
          == "cannot write \(path): the weights do not fit network tiny: missing classifier.weight [3, 32]; the mask of classifier.weight does not fit"
      )
      #expect(
        try problem { $0.model.tensors[.init("classifier", .bias)] = try Tensor([1, 2, 3] as [Int64]) }
          == "cannot write \(path): classifier.bias has elements of int64, not float32 or float64")
      #expect(
        try problem { $0.model.tensors[.init("classifier", .bias)] = try Tensor([1, 2, 3] as [Double]) }
          == "cannot write \(path): classifier.bias is of float64, but classifier.weight of float32")
      #expect(
        try problem { $0.preprocessing?.mean = [] }
          == "cannot write \(path): mean and deviation must have one number per channel of [1, 4, 4]")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
}
