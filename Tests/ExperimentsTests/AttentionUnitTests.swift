import Datasets
import Experiments
import Networks
import Pruning
import TestSupport
import Testing
import Torch
import Training

/// What leaves attention as one, from the plan to the file.
@Suite struct AttentionUnitTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  /// Patches of the digits, which attend to each other in two heads of four channels.
  private func transformer() throws -> Network {
    var builder = NetworkBuilder("small-vit", input: .image(channels: 1, height: 8, width: 8))
    builder.convolution("patches", 8, kernel: 4, stride: 4)
    builder.convolution("packed", 24, kernel: 1)
    let parts = builder.split([8, 8, 8], from: "packed")
    builder.append("attention", .attention(Attention(heads: 2, width: 4)), from: parts)
    builder.convolution("project", 8, kernel: 1)
    builder.add(["patches", "project"], "sum")
    builder.flatten("flat")
    builder.linear("head", 10)
    return try builder.network()
  }

  @Test(arguments: [(Attention.Unit?.none, 1, 4), (.head, 1, 4), (.width, 2, 2)])
  func halfOfAttentionLeavesByItsUnit(unit: Attention.Unit?, heads: Int, width: Int) throws {
    try withTemporaryDirectory { folder in
      let (dense, small) = (folder + "/dense.safetensors", folder + "/small.safetensors")
      let classes = try DataPlan(dataset: "digits").load().training.classNames
      try ModelFile(model: Model(transformer(), seed: 1), classes: classes).write(to: dense)
      let runner = try Runner(
        Experiment(
          start: .file(dense), data: DataPlan(dataset: "digits", subset: 60), training: nil,
          pruning: PruningPlan(
            criterion: .l2, granularity: .unit, allocation: Allocation(.layer), amount: .total(0.5),
            timing: .rounds(1, recovery: .epochs(0)),
            attentionUnit: unit, ignored: ["patches"])))
      try runner.run()
      try runner.file().write(to: small)
      let network = try ModelFile(contentsOf: small).model.network
      let expected = Attention(heads: heads, width: width, scale: 0.5, unit: unit ?? .head)
      #expect(network.node(named: "attention")?.operation == .attention(expected))
      #expect(try network.cost().parameters == 8 * 17 + 12 * 9 + 8 * 5 + 10 * 33)
    }
  }

  @Test func withWeightsThereIsNone() {
    let plan = PruningPlan(
      criterion: .magnitude, granularity: .weight, allocation: Allocation(.global), amount: .total(0.5),
      timing: .rounds(1, recovery: .epochs(0)), attentionUnit: .width)
    #expect(plan.words.contains("attention by width"))
    let words = #expect(throws: PlanError.self) { try plan.validate() }
    #expect(words?.description == "--attention-unit width says what leaves as one unit: it does not go with --granularity weight")
  }
}
