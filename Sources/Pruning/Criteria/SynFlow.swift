public import Networks
public import Torch
public import Training

/// `synflow`: |w|·∂R/∂|w| with R = 1ᵀ∏|W|·1, the summed outputs of the network of absolute weights for an input of ones; needs no data.
///
/// In that network biases, the norms' shifts and running means are 0, a norm's scale is |γ|/√(σ² + ε) with its running variance (|γ| for
/// norms over channels, which have none), activations, softmax and local response norms are the identity, and differences are sums; pooling,
/// sums, products and concatenations stay. Of opaque functions those of one value are the identity, reductions sums, and those of two values
/// but products sums. The scores of each
/// layer of a chain then add up to R: a layer with few weights left has large scores, so that in many small removals no layer is emptied
/// prematurely. Cost: one forward and one backward pass of a single example, always in float64, since products over many layers exceed the
/// range of float32 (32 layers of 1,000 inputs do). Where they exceed that of float64, too, input and gradient are scaled by powers of two,
/// which does not change the ranking.
public struct SynFlow: ModelScoring {
  /// Entry in the catalogue of criteria.
  public static let criterion = PruningCriterion(
    name: "synflow", summary: "removes the weights that carry the least flow from input to output; in many small steps no layer is emptied",
    formula: "|w|·∂R/∂|w|, R = 1ᵀ∏|W|·1", paper: "Tanaka et al. 2020", data: .nothing, implementation: SynFlow())

  /// Creates the criterion, which has no parameters.
  public init() {}

  /// Returns |w|·∂R/∂|w|, float64.
  public func weightScores(of model: Model, examples: ExampleSource?, batchNorms: BatchNormMode) throws -> [ParameterName: Tensor] {
    let linear = try Self.linearized(model)
    var still: [ParameterName: Tensor]?
    for exponent in [0, -900, 900] {
      let (flow, scores) = try Self.flow(linear, scale: Double(sign: .plus, exponent: exponent, significand: 1))
      let isFinite = try withoutGradients {
        try flow.isFinite && scores.values.allSatisfy { try $0.isFinite().logicalNot().sum().item() == 0 }
      }
      guard isFinite else { continue }
      // Near the smallest positive number, different scores become equal. A network through which nothing flows has 0 at any scale.
      if flow > 1e-250 { return scores }
      if flow == 0 || still == nil { still = scores }
    }
    guard let still else {
      throw PruningError.notFinite("the flows of ones through the absolute weights of \(model.network.name)")
    }
    return still
  }

  /// Returns R and every weight's score, both multiplied by scale².
  ///
  /// - Parameter linear: the network returned by ``linearized(_:)``.
  static func flow(_ linear: Model, scale: Double = 1) throws -> (flow: Double, scores: [ParameterName: Tensor]) {
    let (own, names, weights) = try linear.differentiable()
    return try withGradients {
      let inputs = try own.network.inputShapes.map { try Tensor.full([1] + $0.dimensions, scale, type: .float64) }
      let sums = try Executor(own).outputs(of: inputs).map { try $0.sum() }
      // An output that does not depend on any weight has no gradient.
      let outputs = sums.filter(\.requiresGradient)
      let seeds = try outputs.map { try $0.detached().fullLike(scale) }
      let found = outputs.isEmpty ? weights.map { _ in nil } : try Tensor.gradients(of: outputs, seeds: seeds, by: weights)
      return try withoutGradients {
        var scores: [ParameterName: Tensor] = [:]
        for (name, (weight, gradient)) in zip(names, zip(weights, found)) {
          scores[name] = try gradient.map { try $0 * weight.detached() } ?? weight.detached().zerosLike()
        }
        return (try outputs.reduce(0) { try $0 + $1.detached().item() } * scale, scores)
      }
    }
  }

  /// Returns the network of absolute weights, in float64.
  static func linearized(_ model: Model) throws -> Model {
    var network = model.network
    var tensors: [ParameterName: Tensor] = [:]
    for (name, tensor) in model.tensors {
      let exact = try tensor.detached().cast(to: .float64)
      switch name.role {
      case .weight: tensors[name] = try exact.absolute()
      case .bias, .runningMean: tensors[name] = try exact.zerosLike()
      case .runningVariance: tensors[name] = exact
      }
    }
    func withoutStatistics(_ features: Int, _ affine: Bool, _ index: Int) throws {
      let (epsilon, module) = (0.5, network.nodes[index].module)
      network.nodes[index].operation = .batchNorm(BatchNorm(features, epsilon: epsilon, affine: affine))
      tensors[ParameterName(module, .runningMean)] = try .zeros([features], type: .float64, device: model.device)
      tensors[ParameterName(module, .runningVariance)] = try .full([features], 1 - epsilon, type: .float64, device: model.device)
    }
    for index in network.nodes.indices {
      let node = network.nodes[index]
      switch node.operation {
      case .activation(.affine(let scale, _)): network.nodes[index].operation = .activation(.affine(scale: abs(scale)))
      case .activation, .localResponseNorm, .softmax: network.nodes[index].operation = .dropout(0)
      case .opaque(let function):
        switch function.name.form {
        case .elements, .channels: network.nodes[index].operation = .dropout(0)
        case .reduction: network.nodes[index].operation = .opaque(OpaqueFunction(.channelSum))
        case .pair where function.name != .multiply: network.nodes[index].operation = .opaque(OpaqueFunction(.add))
        case .pair: break
        }
      case .prelu:
        network.nodes[index].operation = .dropout(0)
        tensors[ParameterName(node.module, .weight)] = nil
      case .attention:
        throw PlanError(
          "synflow follows flows through sums of products, and attention (\(node.name)) is none: choose magnitude or another criterion")
      case .subtract: network.nodes[index].operation = .add
      case .groupNorm(let norm): try withoutStatistics(norm.features, norm.affine, index)
      case .channelNorm(let norm): try withoutStatistics(norm.features, norm.affine, index)
      default: break
      }
    }
    return try Model(network: network, tensors: tensors, masks: model.masks)
  }
}

extension Criterion {
  /// `synflow`: |w|·∂R/∂|w|.
  public static let synflow = Criterion(SynFlow.criterion)
}
