import Foundation
import Testing
import Torch

@testable import Datasets

/// Data sets of one's own in a safetensors file.
@Suite struct TensorsTests {
  /// Writes an archive and loads it.
  private func load(
    _ tensors: [String: Tensor], _ change: (inout OwnData.Request) -> Void = { _ in }
  ) throws -> OwnData.Parts {
    let folder = try TemporaryFolder()
    var archive = TensorArchive()
    archive.tensors = tensors
    try archive.write(to: "\(folder.path)/t.safetensors")
    return try load("\(folder.path)/t.safetensors", change)
  }

  private func load(_ path: String, _ change: (inout OwnData.Request) -> Void = { _ in }) throws -> OwnData.Parts {
    var request = OwnData.Request()
    change(&request)
    return try #require(try OwnData.named("tensors:\(path)")).load(request)
  }

  private func problem(_ tensors: [String: Tensor], _ change: (inout OwnData.Request) -> Void = { _ in }) -> String {
    let text = message { _ = try load(tensors, change) }
    return text.range(of: "t.safetensors: ").map { String(text[$0.upperBound...]) } ?? text
  }

  private func x(_ shape: [Int], _ type: ElementType = .float32) throws -> Tensor { try Tensor.full(shape, 3, type: type) }
  private func y(_ labels: [Int64]) throws -> Tensor { try Tensor(labels) }

  @Test func featuresAndLabels() throws {
    let parts = try load([
      "x": Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2]), "y": y([0, 2, 1]), "x_test": Tensor([7, 8] as [Float], shape: [1, 2]),
      "y_test": y([3]), "other": x([4, 4]),
    ])
    let (training, test) = (try #require(parts.training), try #require(parts.test))
    #expect(training.shape == [2] && training.count == 3 && training.labels == [0, 2, 1] && test.labels == [3])
    #expect(training.classNames == ["0", "1", "2", "3"] && test.classes == 4 && parts.validation == nil && parts.augmentation == nil)
    #expect(try training.features(at: 1) == [3, 4] && test.features(at: 0) == [7, 8])
    #expect(training.name.hasPrefix("tensors:/") && training.elementType == .float32 && training.isResident)
  }

  /// Examples of which nobody says what they show, for a network whose outputs have names, or only a number.
  @Test func featuresWithoutLabels() throws {
    let x = try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2])
    let set = try #require(
      try load(["x": x]) {
        $0.takesUnlabelled = true
        $0.outputs = 4
      }.training)
    #expect(!set.isLabelled && set.count == 3 && set.labels == [0, 0, 0] && set.classNames == ["0", "1", "2", "3"])
    #expect(try set.features(at: 2) == [5, 6] && set.isLabelled == set.selecting([1]).isLabelled)
    #expect(try !set.subset(2, seed: 1).isLabelled)
    let named = try load(["x": x]) { ($0.takesUnlabelled, $0.classNames) = (true, ["a", "b"]) }.training
    #expect(named?.classNames == ["a", "b"])
    // Labels of a test part are labels.
    let parts = try load(["x": x, "x_test": x, "y_test": y([0, 2, 1])]) { $0.takesUnlabelled = true }
    #expect(parts.training?.isLabelled == false && parts.test?.isLabelled == true && parts.test?.labels == [0, 2, 1])
    #expect(parts.training?.classes == 3)
    let labelled = try #require(try load(["x": x, "y": y([0, 2, 1])]) { $0.takesUnlabelled = true }.training)
    #expect(labelled.isLabelled && !labelled.withoutLabels().isLabelled && labelled.withoutLabels().labels == [0, 0, 0])
    #expect(problem(["x": x]) == "has no tensor \"y\"; it holds \"x\"")
    #expect(problem(["z": x]) { $0.takesUnlabelled = true } == "has no tensor \"x\"; it holds \"z\"")
    #expect(
      problem(["x": x, "x_test": x]) { $0.takesUnlabelled = true } == "has no tensor \"y_test\"; it holds \"x\", \"x_test\"")
  }

  @Test func shapesAndTypes() throws {
    for (shape, expected) in [([3], [1]), ([3, 5], [5]), ([3, 5, 4], [1, 5, 4]), ([3, 2, 5, 4], [2, 5, 4])] as [([Int], [Int])] {
      for type in [ElementType.float32, .float64, .uint8] {
        let set = try #require(try load(["x": x(shape, type), "y": y([0, 1, 0])]).training)
        #expect(set.shape == expected && set.elementType == (type == .uint8 ? .uint8 : .float32), "\(shape) \(type)")
        #expect(try set.features(at: 2).allSatisfy { $0 == 3 }, "\(shape) \(type)")
      }
    }
    // What a network of sequences takes, [channels, 1, length]; images say all of their dimensions, and vectors are no sequences.
    for (shape, expected) in [([3, 5, 4], [5, 1, 4]), ([3, 2, 5, 4], [2, 5, 4]), ([3, 5], [5])] {
      let parts = try load(["x": x(shape), "y": y([0, 1, 0]), "x_test": x(shape), "y_test": y([0, 1, 0])]) { $0.takesSequences = true }
      #expect(parts.training?.shape == expected && parts.test?.shape == expected, "\(shape)")
    }
    let features = try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [1, 2, 3])
    #expect(try load(["x": features, "y": y([0])]) { $0.takesSequences = true }.training?.features(at: 0) == [1, 2, 3, 4, 5, 6])
    for labels in try [
      Tensor([0, 1] as [Int64]), Tensor([0, 1] as [Int64]).cast(to: .int32), Tensor([0, 1] as [Int64]).cast(to: .uint8),
      Tensor([0, 1] as [Float]), Tensor([0, 1] as [Double]),
    ] { #expect(try load(["x": x([2, 1]), "y": labels]).training?.labels == [0, 1]) }
  }

  @Test func whatIsRefused() throws {
    #expect(problem(["features": try x([2, 2])]) == "has no tensor \"x\"; it holds \"features\"")
    #expect(problem([:]) == "has no tensor \"x\"")
    #expect(problem(["x": try x([2, 2])]) == "has no tensor \"y\"; it holds \"x\"")
    #expect(problem(["x": try x([2, 2]), "y": try y([0])]) == "y has shape [1]: x has 2 examples, so it must be [2]")
    #expect(problem(["x": try x([2, 2]), "y": try x([2, 1])]) == "y has shape [2, 1]: x has 2 examples, so it must be [2]")
    #expect(problem(["x": try x([0, 2]), "y": try y([])]) == "x has shape [0, 2]: there is nothing in it")
    #expect(problem(["x": try x([2, 0]), "y": try y([0, 1])]) == "x has shape [2, 0]: there is nothing in it")
    #expect(
      problem(["x": try x([1, 1, 1, 1, 1]), "y": try y([0])])
        == "x has shape [1, 1, 1, 1, 1]: possible are [n], [n, features], [n, height, width] and [n, channels, height, width]")
    #expect(problem(["x": try x([]), "y": try y([0])]).hasPrefix("x has shape []: possible are [n], "))
    #expect(problem(["x": try x([1, 1], .int64), "y": try y([0])]) == "x has elements of I64: possible are U8, F32, F64, F16 and BF16")
    #expect(problem(["x": try x([2, 1]), "y": try y([0, -1])]) == "y[1] is -1: labels are whole numbers from 0")
    #expect(problem(["x": try x([2, 1]), "y": try y([0, 100_000])]) == "y[1] is 100000: at most 100000 classes are possible")
    #expect(
      problem(["x": try x([2, 1]), "y": try Tensor([1, 0.5] as [Float])]) == "y[1] is 0.5: labels are whole numbers from 0")
    #expect(problem(["x": try x([1, 1]), "y": try Tensor([Float.nan])]) == "y[0] is nan: labels are whole numbers from 0")
    let features: [Float] = [1, 2, 3, 4, 5, -.infinity]
    #expect(problem(["x": try Tensor(features, shape: [3, 2]), "y": try y([0, 1, 0])]) == "x[2, 1] is -inf: features must be finite")
    #expect(
      problem(["x": try Tensor(features, shape: [1, 3, 1, 2]), "y": try y([0])]) == "x[0, 2, 0, 1] is -inf: features must be finite")
    #expect(
      problem(["x": try Tensor([1e300] as [Double], shape: [1, 1]), "y": try y([0])]) == "x[0, 0] is inf: features must be finite")
    let parts = try ["x": x([2, 2]), "y": y([0, 1])]
    #expect(problem(parts.merging(["x_test": try x([1, 2])]) { $1 }).hasPrefix("has no tensor \"y_test\"; it holds "))
    #expect(
      problem(parts.merging(["x_test": try x([1, 3]), "y_test": try y([0])]) { $1 })
        == "x_test holds float32 examples of 3, and x float32 examples of 2: they must be alike")
    #expect(
      problem(parts) { $0.classNames = ["only"] } == "its labels go up to 1: the network has 1 classes")
  }

  /// The header's sizes are checked against the file's, whatever they claim.
  @Test func filesThatLie() throws {
    let folder = try TemporaryFolder()
    func file(_ header: String, _ data: [UInt8]) throws -> String {
      let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
      return try folder.write("t.safetensors", length + Array(header.utf8) + data)
    }
    let entry = #""x":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"y":{"dtype":"U8","shape":[2],"data_offsets":[8,10]}"#
    func failure(_ path: String) -> String { message { _ = try load(path) } }
    #expect(failure(try file("{\(entry)}", Array(repeating: 0, count: 11))).hasSuffix("the last 1 bytes belong to no entry"))
    #expect(
      failure(try file("{\(entry)}", Array(repeating: 0, count: 9))).hasSuffix("entry \"y\" lies at bytes 8 to 10 of 9 bytes of data"))
    let huge = #"{"x":{"dtype":"F32","shape":[9223372036854775807,2],"data_offsets":[0,8]}}"#
    #expect(
      failure(try file(huge, Array(repeating: 0, count: 8)))
        .hasSuffix("the shape [9223372036854775807, 2] is larger than any machine can hold"))
    #expect(failure("\(folder.path)/none.safetensors").hasSuffix("none.safetensors: No such file or directory"))
    #expect(try load(file("{\(entry)}", Array(repeating: 0, count: 8) + [0, 1])).training?.labels == [0, 1])
  }

  /// Where only test examples are wanted, they are all there are if none are set aside.
  @Test func onlyTest() throws {
    let parts = try ["x": x([2, 2]), "y": y([0, 1])]
    var notes: [String] = []
    let all = try load(parts) {
      $0.onlyTest = true
      $0.note = { notes.append($0) }
    }
    #expect(all.training == nil && all.test?.count == 2)
    #expect(notes.count == 1 && notes[0].hasSuffix("t.safetensors has no x_test: all of x is evaluated"))
    let tests = try load(parts.merging(["x_test": x([1, 2]), "y_test": y([1])]) { $1 }) { $0.onlyTest = true }
    #expect(tests.training == nil && tests.test?.labels == [1])
  }

  /// Beyond the limit of memory examples are read one by one.
  @Test func readerReadsSingleExamples() throws {
    let folder = try TemporaryFolder()
    var archive = TensorArchive()
    archive.tensors = ["x": try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2])]
    try archive.write(to: "\(folder.path)/t.safetensors")
    let reader = TensorReader(
      file: try TensorArchiveFile("\(folder.path)/t.safetensors"), name: "x", shape: [2], count: 3, elementType: .float32)
    let set = ExampleSet(
      storage: .read(CachedExamples(reader, memoryLimit: 0)), labels: [0, 1, 0], shape: [2], classNames: ["a", "b"], name: "read")
    #expect(try set.features(at: 1) == [3, 4] && set.features(at: 2) == [5, 6])
    #expect(try reader.content(2).count == 8)
  }

  @Test func names() throws {
    #expect(try OwnData.named("mnist") == nil)
    #expect(message { _ = try OwnData.named("tensors:") } == "tensors: names nothing: give tensors:FILE.safetensors")
    #expect(
      message { _ = try Dataset.named("tensors:x") }
        == "tensors:x is data of your own: here goes a data set of the catalogue, e.g. digits")
  }
}
