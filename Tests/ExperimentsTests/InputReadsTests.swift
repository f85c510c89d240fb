import Networks
import Pruning
import Results
import Testing
import Torch
import Training

@testable import Experiments

@Suite(.serialized) struct InputReadsTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  /// A linear layer of three outputs on six inputs: columns of 2, 0, 1, 3, 1 and 0 numbers.
  private func model(_ nodes: [Network.Node]) throws -> Model {
    var model = try Model(Network(name: "n", nodes: nodes, outputs: [nodes.last?.name ?? ""]), seed: 0)
    let values: [Float] = [1, 0, 0, 2, 0, 0, /**/ 0, 0, -1, 3, 0, 0, /**/ Float(bitPattern: 1), 0, 0, 4, 5, 0]
    model.tensors[ParameterName("fc", .weight)] = try Tensor(values, shape: [3, 6])
    return model
  }

  private let linear = Operation.linear(Linear(6, 3))

  @Test func anImageIsFlattened() throws {
    let image = try model([
      .init(name: "input", operation: .input(.image(channels: 1, height: 2, width: 3)), inputs: []),
      .init(name: "flatten", operation: .flatten, inputs: ["input"]), .init(name: "fc", operation: linear, inputs: ["flatten"]),
    ])
    #expect(try image.inputReads(of: nil) == InputReads(layer: "fc", counts: [[2, 0, 1], [3, 1, 0]]))
  }

  /// A vector has the shape of the data's images, if it has as many numbers.
  @Test func aVectorOfPixels() throws {
    let vector = try model([
      .init(name: "input", operation: .input(.vector(6)), inputs: []), .init(name: "fc", operation: linear, inputs: ["input"]),
    ])
    #expect(try vector.inputReads(of: [1, 3, 2])?.counts == [[2, 0], [1, 3], [1, 0]])
    #expect(try vector.inputReads(of: [3, 1, 2])?.counts == [[2 + 1 + 1, 0 + 3 + 0]])
    for shape in [nil, [6], [1, 1, 6 + 1], [6, 1, 1]] as [[Int]?] { #expect(try vector.inputReads(of: shape) == nil, "\(shape ?? [])") }
  }

  /// Pixels that have left are read by nothing.
  @Test func selectedPixels() throws {
    let some = try model([
      .init(name: "input", operation: .input(.image(channels: 1, height: 2, width: 4)), inputs: []),
      .init(name: "flatten", operation: .flatten, inputs: ["input"]),
      .init(name: "fc.inputs", operation: .indexSelect([0, 1, 2, 4, 6, 7]), inputs: ["flatten"]),
      .init(name: "fc", operation: linear, inputs: ["fc.inputs"]),
    ])
    #expect(try some.inputReads(of: [1, 2, 4])?.counts == [[2, 0, 1, 0], [3, 0, 1, 0]])
  }

  @Test func otherLayersHaveNoPicture() throws {
    #expect(try Model(Architecture.parse("lenet-5"), seed: 0).inputReads(of: [1, 28, 28]) == nil)
    let twice = try model([
      .init(name: "input", operation: .input(.vector(6)), inputs: []), .init(name: "fc", operation: linear, inputs: ["input"]),
      .init(name: "other", operation: linear, inputs: ["input"]), .init(name: "sum", operation: .add, inputs: ["fc", "other"]),
    ])
    #expect(try twice.inputReads(of: [1, 2, 3]) == nil)
  }

  /// The row's counts add up to the weights that the layer keeps.
  @Test func theRowHasThem() throws {
    func row(_ granularity: Granularity, _ criterion: Criterion) throws -> RunRecord {
      let plan = PruningPlan(
        criterion: criterion, granularity: granularity, allocation: .global, amount: .total(0.5), timing: .rounds(1, recovery: .epochs(0)),
        compact: false, seed: 3)
      let runner = try Runner(
        Experiment(
          start: .network("mlp:64-20-10", weights: nil), data: DataPlan(dataset: "digits", subset: 100, seed: 3), training: nil,
          pruning: plan, recovery: nil))
      try runner.run()
      return try runner.row(command: [], version: "", file: nil, latencyBatches: [])
    }
    let reads = try #require(try row(.weight, .magnitude).inputs)
    let kept = try #require(try row(.weight, .magnitude).layers?.first?.kept)
    #expect(reads.counts.map(\.count) == [Int](repeating: 8, count: 8) && reads.counts.flatMap(\.self).reduce(0, +) == kept)
    #expect(try row(.unit, .l2).inputs == nil)
  }
}
