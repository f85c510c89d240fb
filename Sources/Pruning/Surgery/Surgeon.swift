public import Networks
internal import Torch
public import Training

/// What a surgery leaves.
public struct Surgery {
  /// The smaller model.
  public var model: Model
  /// How its tensors were cut, in order; an optimizer's moments are cut the same way.
  public var slices: [TensorSlice]
  /// That its outputs equal the masked network's; nil where nothing was cut.
  public var proof: EquivalenceProof?
}

/// Cuts units out of models, and proves each time that the outputs are those of the masked network.
public enum Surgeon {
  /// Removes units physically.
  ///
  /// Producers lose outputs, norms channels, consumers inputs; masks are cut like their weights. The given model is left as it is.
  /// - Parameter seed: for the proof's random batch.
  /// - Throws: ``NetworkError`` for a plan that does not fit the network; ``PruningError`` if the proof fails.
  public static func operate(_ plan: SurgeryPlan, on model: Model, seed: UInt64) throws -> Surgery {
    guard !plan.isEmpty else { return Surgery(model: model, slices: [], proof: nil) }
    return try withoutGradients {
      let (network, slices) = try model.network.removing(plan.removals)
      let compacted = try model.cut(to: network, slices: slices)
      let proof = try Equivalence.prove(masked: masked(plan, model), compacted: compacted, seed: seed)
      return Surgery(model: compacted, slices: slices, proof: proof)
    }
  }

  /// The network at its full size with the plan's units silenced: each output their consumers see is 0.
  ///
  /// Weights, bias, norm scale and shift are 0, running mean 0 and variance 1, and every activation maps 0 to 0. Zeroing the
  /// weights alone would not do: a norm would still emit act(β − γμ/σ). Tensors that stay as they are are shared.
  /// - Throws: ``NetworkError`` for a plan that does not fit the network.
  public static func masked(_ plan: SurgeryPlan, _ model: Model) throws -> Model {
    // For its errors: unknown groups, indices out of range.
    _ = try model.network.removing(plan.removals)
    var result = model
    for group in try model.network.channelGroups().groups {
      guard let gone = plan.removals[group.name] else { continue }
      for member in group.producers + group.dependents {
        for role in ParameterName.Role.allCases {
          let name = ParameterName(member.module, role)
          guard let tensor = result.tensors[name] else { continue }
          var stays = Array(repeating: true, count: tensor.shape.first ?? 0)
          for channel in gone { for feature in member.features(ofChannel: channel) { stays[feature] = false } }
          let column = [stays.count] + Array(repeating: 1, count: tensor.rank - 1)
          let silent = try tensor.fullLike(role == .runningVariance ? 1 : 0)
          result.tensors[name] = try Tensor(stays, shape: column).select(tensor.detached(), else: silent)
        }
      }
    }
    return result
  }
}
