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
  /// Weights, bias, norm scale and shift are 0, running mean 0 and variance 1. Zeroing only the weights would not be enough: a norm would
  /// still emit act(β − γμ/σ). An activation that does not map 0 to 0 gets a scale behind it, 0 for what is silenced. Tensors that do not
  /// change are shared with the given model.
  /// - Throws: `NetworkError` for a plan that does not fit the network.
  public static func masked(_ plan: SurgeryPlan, _ model: Model) throws -> Model {
    let groups = try model.network.channelGroups().groups
    // For its errors: unknown groups, indices out of range.
    _ = try model.network.removing(plan.removals, groups: groups)
    return try silenced(plan, groups, model)
  }

  private static func silenced(_ plan: SurgeryPlan, _ groups: [ChannelGroup], _ model: Model) throws -> Model {
    var result = try model.withScaledNorms()
    var muted: [String: Set<Int>] = [:]
    let awake = Set(
      model.network.nodes.compactMap { node in
        if case .activation(let function) = node.operation, function.valueAtZero != 0 { node.name } else { nil }
      })
    let index = NetworkIndex(result.network)
    for group in groups {
      guard let gone = plan.removals[group.name] else { continue }
      for member in group.producers + group.dependents {
        if awake.contains(member.node) {
          for channel in gone { muted[member.node, default: []].formUnion(member.features(ofChannel: channel)) }
          continue
        }
        let features = Set(gone.flatMap { member.features(ofChannel: $0) })
        let node = index.node(named: member.node)
        let rows = node?.operation.rows(losing: features) ?? features
        for role in ParameterName.Role.allCases {
          let name = ParameterName(node?.module ?? member.module, role)
          guard let tensor = result.tensors[name] else { continue }
          var stays = Array(repeating: true, count: tensor.shape.first ?? 0)
          for row in rows { stays[row] = false }
          let column = [stays.count] + Array(repeating: 1, count: tensor.rank - 1)
          let silent = try tensor.fullLike(role == .runningVariance ? 1 : 0)
          result.tensors[name] = try Tensor(stays, shape: column).select(tensor.detached(), else: silent)
        }
      }
    }
    return try result.muting(muted)
  }
}

extension Model {
  /// Returns the model in which some features of some nodes are 0, by a scale behind each of these nodes, which takes its name.
  fileprivate func muting(_ features: [String: Set<Int>]) throws -> Model {
    guard !features.isEmpty else { return self }
    var result = self
    result.network.nodes = []
    let (shapes, type) = (try network.shapes(), tensors.values.first?.elementType ?? .float32)
    var names = Set(network.nodes.flatMap { [$0.name, $0.module] })
    func unused(_ stem: String) -> String {
      var name = stem
      while !names.insert(name).inserted { name += "'" }
      return name
    }
    for node in network.nodes {
      guard let gone = features[node.name], let count = shapes[node.name]?.channels else {
        result.network.nodes.append(node)
        continue
      }
      let (loud, module) = (unused("loud"), unused("mute"))
      result.network.nodes.append(.init(name: loud, operation: node.operation, inputs: node.inputs))
      result.network.nodes.append(
        .init(name: node.name, operation: .channelAffine(ChannelAffine(count, bias: false)), inputs: [loud], module: module))
      result.tensors[ParameterName(module, .weight)] = try Tensor((0..<count).map { gone.contains($0) ? 0 : 1 as Double }).cast(to: type)
    }
    return result
  }

  /// Returns the model with a scale and a shift for every norm over channels that has none: if channels count as zeros, (0 − μ)/σ is not 0.
  fileprivate func withScaledNorms() throws -> Model {
    var result = self
    var modules = Set(network.nodes.map(\.module))
    for (index, node) in network.nodes.enumerated() {
      let (scaled, features): (Networks.Operation, Int)
      switch node.operation {
      case .groupNorm(var norm) where !norm.affine:
        norm.affine = true
        (scaled, features) = (.groupNorm(norm), norm.features)
      case .channelNorm(var norm) where !norm.affine:
        norm.affine = true
        (scaled, features) = (.channelNorm(norm), norm.features)
      default: continue
      }
      // A module of its own: norms that share a name without sharing parameters may lose different channels.
      var module = node.name
      while !modules.insert(module).inserted { module += "'" }
      result.network.nodes[index] = .init(name: node.name, operation: scaled, inputs: node.inputs, module: module)
      let type = tensors.values.first?.elementType ?? .float32
      result.tensors[ParameterName(module, .weight)] = try Tensor.ones([features], type: type)
      result.tensors[ParameterName(module, .bias)] = try Tensor.zeros([features], type: type)
    }
    return result
  }
}
