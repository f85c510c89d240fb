public import Networks
internal import Torch
public import Training

/// The result of a surgery.
public struct Surgery {
  /// The compacted model.
  public var model: Model
  /// Slices by which its tensors were cut, in order; an optimizer's moments are cut by the same.
  public var slices: [TensorSlice]
  /// Proof that its outputs equal those of the masked network; nil if nothing was cut or no proof was asked for.
  public var proof: EquivalenceProof?
  /// Duration of the proof in seconds.
  public var proofSeconds = 0.0
}

/// Cuts units out of models, and proves each time that the outputs are those of the masked network.
public enum Surgeon {
  /// Cuts units out of a model.
  ///
  /// Producers lose outputs, norms channels, consumers inputs; masks are cut like their weights. The given model is not changed.
  /// - Parameters:
  ///   - groups: the channel groups of the model's network, if already computed.
  ///   - seed: seed of the proof's random batch.
  ///   - proves: whether the proof is made; without it a surgery is only as correct as its plan. Meant for benchmarks.
  /// - Throws: `NetworkError` for a plan that does not fit the network; ``PruningError`` if the proof fails.
  public static func operate(
    _ plan: SurgeryPlan, on model: Model, groups: [ChannelGroup]? = nil, seed: UInt64, proves: Bool = true
  ) throws -> Surgery {
    guard !plan.isEmpty else { return Surgery(model: model, slices: [], proof: nil) }
    return try withoutGradients {
      let groups = try groups ?? model.network.channelGroups().groups
      let (network, slices) = try model.network.removing(plan.removals, groups: groups)
      let compacted = try model.cut(to: network, slices: slices)
      let clock = ContinuousClock()
      let started = clock.now
      let proof = proves ? try Equivalence.prove(masked: silenced(plan, groups, model), compacted: compacted, seed: seed) : nil
      return Surgery(model: compacted, slices: slices, proof: proof, proofSeconds: (clock.now - started) / .seconds(1))
    }
  }

  /// Returns the model at its full size with the plan's units silenced: each output that their consumers see is 0.
  ///
  /// Weights, bias, norm scale and shift are 0, running mean 0 and variance 1, and every activation maps 0 to 0. Zeroing only the weights
  /// would not be enough: a norm would still emit act(β − γμ/σ). Tensors that do not change are shared with the given model.
  /// - Throws: `NetworkError` for a plan that does not fit the network.
  public static func masked(_ plan: SurgeryPlan, _ model: Model) throws -> Model {
    let groups = try model.network.channelGroups().groups
    // For its errors: unknown groups, indices out of range.
    _ = try model.network.removing(plan.removals, groups: groups)
    return try silenced(plan, groups, model)
  }

  private static func silenced(_ plan: SurgeryPlan, _ groups: [ChannelGroup], _ model: Model) throws -> Model {
    var result = try model.withScaledGroupNorms()
    let modules = Dictionary(result.network.nodes.map { ($0.name, $0.module) }, uniquingKeysWith: { first, _ in first })
    for group in groups {
      guard let gone = plan.removals[group.name] else { continue }
      for member in group.producers + group.dependents {
        for role in ParameterName.Role.allCases {
          let name = ParameterName(modules[member.node] ?? member.module, role)
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

extension Model {
  /// Returns the model with a scale and a shift for every group norm that has none: if channels count as zeros, (0 − μ)/σ is not 0.
  fileprivate func withScaledGroupNorms() throws -> Model {
    var result = self
    var modules = Set(network.nodes.map(\.module))
    for (index, node) in network.nodes.enumerated() {
      guard case .groupNorm(var norm) = node.operation, !norm.affine else { continue }
      norm.affine = true
      // A module of its own: norms that share a name without sharing parameters may lose different channels.
      var module = node.name
      while !modules.insert(module).inserted { module += "'" }
      result.network.nodes[index] = .init(name: node.name, operation: .groupNorm(norm), inputs: node.inputs, module: module)
      let type = tensors.values.first?.elementType ?? .float32
      result.tensors[ParameterName(module, .weight)] = try Tensor.ones([norm.features], type: type)
      result.tensors[ParameterName(module, .bias)] = try Tensor.zeros([norm.features], type: type)
    }
    return result
  }
}
