import Networks
import Pruning
import Testing
import Torch
import Training

/// Opaque nodes keep what they read; the rest of the network is pruned around them, with a proof.
@Suite struct OpaqueSurgeryTests {
  private func network(_ function: OpaqueFunction) throws -> Network {
    var builder = NetworkBuilder("around", input: .image(channels: 2, height: 6, width: 6))
    builder.convolution("before", 6, kernel: 3)
    builder.activation(.softplus, "soft")
    let read = builder.convolution("read", 4, kernel: 1)
    let second = function.name.form == .pair ? [read, builder.convolution("second", 4, kernel: 1, from: "soft")] : [read]
    builder.append("opaque", .opaque(function), from: second)
    builder.convolution("behind", 6, kernel: 1)
    builder.relu("relu")
    builder.flatten()
    builder.linear("out", 3)
    return try builder.network()
  }

  @Test(arguments: [
    OpaqueFunction(.exp), OpaqueFunction(.cos), OpaqueFunction(.clip, -0.5, 0.25), OpaqueFunction(.logSoftmax),
    OpaqueFunction(.lpNormalize, 2),
    OpaqueFunction(.cumulativeSum, 1, 1), OpaqueFunction(.channelLogSumExp), OpaqueFunction(.maximum), OpaqueFunction(.divide),
  ])
  func otherGroupsAreCutAndProved(function: OpaqueFunction) throws {
    let network = try network(function)
    #expect(try network.channelGroups().groups.map(\.name) == ["before", "behind"])
    let model = try network.randomModel(seed: 3)
    let surgery = try Surgeon.operate(SurgeryPlan(removals: ["before": [0, 2, 5], "behind": [1, 4]]), on: model, seed: 5)
    let proof = try #require(surgery.proof)
    #expect(proof.holds && proof.tolerance == 1e-9, "\(proof)")
    let shapes = try surgery.model.network.shapes()
    #expect(shapes["before"]?.channels == 3 && shapes["read"]?.channels == 4 && shapes["behind"]?.channels == 4)
    #expect { try network.removing(["read": [0]]) } throws: {
      "\($0)".hasSuffix("its channels cannot be removed: the opaque \(function.name.rawValue) opaque keeps them")
    }
  }

  /// Units without weights that feed one are silent, but f(0) need not be.
  @Test func silentUnitsBeforeOneStay() throws {
    let model = try network(OpaqueFunction(.cos)).randomModel(seed: 3)
    for name in ["read", "before"] {
      try model.tensor(ParameterName(name, .weight)).narrowed(0, from: 1, length: 1).fill(0)
      try model.tensor(ParameterName(name, .bias)).narrowed(0, from: 1, length: 1).fill(0)
    }
    // Throws if the outputs differ.
    let compacted = try model.compacted(seed: 1)
    #expect(compacted.removed.removals == ["before": [1]])
  }

  @Test func flowIsFollowedThroughThem() throws {
    for function in [OpaqueFunction(.sign), OpaqueFunction(.channelMean), OpaqueFunction(.divide)] {
      let model = try network(function).randomModel(seed: 3)
      let scores = try SynFlow().weightScores(of: model, examples: nil, batchNorms: .evaluation)
      #expect(try scores.values.allSatisfy { try $0.isFinite().logicalNot().sum().item() == 0 && $0.max().item() > 0 })
      #expect(try model.collapsedLayers().isEmpty)
      try model.tensor(ParameterName("before", .weight)).fill(0)
      #expect(try model.collapsedLayers() == ["before"])
    }
  }
}
