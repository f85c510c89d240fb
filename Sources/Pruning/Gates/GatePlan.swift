public import Training

/// How hard-concrete gates are trained: the penalty on open gates, their start and their learning rate.
public struct GatePlan: Codable, Hashable, Sendable {
  /// What an open gate costs.
  public enum Cost: String, Codable, Hashable, Sendable, CaseIterable {
    /// The weights behind it, as in the paper: of a filter its own, of an input of a linear layer those that read it.
    case weights
    /// The gate's part in the expected multiplications: Σ over layers of (expected inputs)·(expected outputs)·taps·positions.
    case macs
  }

  /// A penalty of some layers' gates.
  public struct LayerLambda: Codable, Hashable, Sendable {
    /// Name of a layer of gates, or a pattern (``LayerPattern``).
    public var layer: String
    /// λ of these gates.
    public var lambda: Double

    /// Creates a penalty for the layers that match.
    public init(layer: String, lambda: Double) {
      self.layer = layer
      self.lambda = lambda
    }
  }

  /// λ of the penalty λ/N·Σ cost·P(open) over all gates, with N the number of training examples.
  public var lambda: Double
  /// λ of single layers of gates, in place of ``lambda``; of several that match, the last counts.
  public var layerLambdas: [LayerLambda]
  /// Length of training over which λ rises linearly from 0.
  public var warmUp: Step
  /// Dropout rate p with which gates start: ln α ~ N(ln((1 − p)/p), 0.01²).
  public var dropRate: Double
  /// Learning rate of ln α, by Adam; it decays as that of the weights does.
  public var learningRate: Double
  /// What an open gate costs.
  public var cost: Cost

  /// Creates a plan; every parameter sets the property of the same name.
  public init(
    lambda: Double = 0.1, layerLambdas: [LayerLambda] = [], warmUp: Step = .iterations(0), dropRate: Double = 0.5,
    learningRate: Double = 0.001, cost: Cost = .weights
  ) {
    self.lambda = lambda
    self.layerLambdas = layerLambdas
    self.warmUp = warmUp
    self.dropRate = dropRate
    self.learningRate = learningRate
    self.cost = cost
  }

  /// Checks the plan by itself.
  ///
  /// - Throws: `PlanError` for a number that is impossible.
  public func validate() throws {
    for value in [lambda] + layerLambdas.map(\.lambda) where !(value >= 0 && value.fitsFloat32) {
      throw PlanError("--lambda \(value) is impossible: give 0 or a positive number, e.g. 0.1")
    }
    guard dropRate > 0, dropRate < 1, HardConcrete.logAlpha(dropRate: dropRate).isFinite else {
      throw PlanError("--drop-rate \(dropRate) is impossible: give a number between 0 and 1, e.g. 0.5")
    }
    guard learningRate > 0, learningRate.fitsFloat32 else {
      throw PlanError("--gate-learning-rate \(learningRate) is impossible: give a number above 0, e.g. 0.001")
    }
  }

  /// Description of the penalty, e.g. `λ 0.1 (conv1 10)`.
  public var words: String {
    let single = layerLambdas.map { "\($0.layer) \($0.lambda)" }.joined(separator: ", ")
    return "λ \(lambda)\(single.isEmpty ? "" : " (\(single))")" + (cost == .macs ? " of expected MACs" : "")
  }
}
