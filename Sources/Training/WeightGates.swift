public import Networks
public import Torch

/// A hook that multiplies weights by factors of its own, drawn anew for every step: the loss is that of w ⊙ z.
///
/// The optimizer moves w by ∂L/∂w = z ⊙ ∂L/∂(w ⊙ z), and the hook moves whatever z came from by ∂L/∂z, which is w ⊙ ∂L/∂(w ⊙ z) summed over
/// the weights that share a factor. The model in training holds w; a hook that wants products evaluated returns them in
/// ``TrainingHook/evaluatedModel(_:)``. The first such hook of a trainer is the only one.
public protocol WeightGates: TrainingHook {
  /// The gated weights, and which of their elements share a factor.
  var gated: [ParameterName: FactorSharing] { get }
  /// Writes the factors of the next step into tensors that the trainer keeps, of the shapes of ``FactorSharing``, on the CPU.
  func draw(into factors: [ParameterName: Tensor], _ trainer: Trainer) throws
  /// Called after ``TrainingHook/didComputeGradients(_:)`` with the gradients of the loss with respect to the factors.
  func didComputeGradients(of factors: [ParameterName: Tensor], _ trainer: Trainer) throws
}

/// Which elements of a weight share a factor.
public enum FactorSharing: Hashable, Sendable {
  /// None: the factors have the weight's shape.
  case none
  /// Those that read the same input (dimension 1): the factors have the shape [1, inputs], or [1, inputs, 1, 1] for a convolution.
  case inputs

  /// Returns the shape of a weight's factors.
  public func shape(for weight: [Int]) -> [Int] {
    switch self {
    case .none: weight
    case .inputs: weight.enumerated().map { $0.offset == 1 ? $0.element : 1 }
    }
  }
}

/// The weights of a model multiplied by a hook's factors, in tensors of their own that an executor can differentiate.
final class GatedWeights {
  /// The model with products in place of gated weights; all other tensors are shared.
  let model: Model
  /// The factors, on the CPU.
  let factors: [ParameterName: Tensor]
  private let weights: [(name: ParameterName, own: Tensor, product: Tensor)]

  init(_ model: Model, by gates: any WeightGates) throws {
    var gatedModel = model
    var weights: [(name: ParameterName, own: Tensor, product: Tensor)] = []
    var factors: [ParameterName: Tensor] = [:]
    for (name, sharing) in gates.gated.sorted(by: { $0.key < $1.key }) {
      let own = try model.tensor(name)
      let product = try own.detached().copied()
      try product.requireGradient()
      gatedModel.tensors[name] = product
      weights.append((name, own, product))
      factors[name] = try Tensor.ones(sharing.shape(for: own.shape), type: own.elementType ?? .float32)
    }
    (self.model, self.weights, self.factors) = (gatedModel, weights, factors)
  }

  /// Multiplies the weights by the present factors.
  func multiply() throws {
    try withoutGradients {
      for (name, own, product) in weights {
        guard let factor = factors[name] else { continue }
        try product.detached().copy(from: own.detached())
        try product.detached().scale(by: factor.moved(to: product.device))
      }
    }
  }

  /// Moves the gradients of the products to the weights, and returns those of the factors, on the CPU.
  func passGradients() throws -> [ParameterName: Tensor] {
    try withoutGradients {
      var result: [ParameterName: Tensor] = [:]
      for (name, own, product) in weights {
        guard let factor = factors[name], let gradient = product.gradient else { continue }
        let each = try gradient * own.detached()
        let summed =
          if factor.count == own.count { each } else if own.rank == 4 { try each.sum(0, 2, 3, keep: true) } else {
            try each.sum(0, keep: true)
          }
        result[name] = try summed.moved(to: .cpu).contiguous()
        try gradient.scale(by: factor.moved(to: gradient.device))
        try own.adoptGradient(gradient)
        try product.clearGradient()
      }
      return result
    }
  }
}
