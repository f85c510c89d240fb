internal import Networks
internal import Results
internal import Torch
public import Training

extension EdgePopup {
  /// Draws fresh scores for a plan of edge-popup.
  ///
  /// - Throws: `PlanError` for plans of another method, and the errors of ``init(sparsity:allocation:rounding:ignoring:model:seed:)``.
  public convenience init(_ plan: PruningPlan, model: Model) throws {
    try plan.validate()
    guard plan.timing == .everyStep, case .total(let sparsity) = plan.amount else {
      throw PlanError("edge-popup chooses a total of the weights at every step; this plan does not")
    }
    try self.init(
      sparsity: sparsity, allocation: plan.allocation, rounding: plan.rounding, ignoring: plan.ignored, model: model,
      seed: SeedPurpose.scores.seed(from: plan.seed))
  }

  /// Returns the records of a finished training, which counts as a single removal.
  public func event(_ plan: PruningPlan, of model: Model, iteration: Int) throws -> (event: PruningEvent, removal: RemovalEvent) {
    let modules = Set(names.map(\.module))
    let counts = try MaskSet(model).layers.filter { modules.contains($0.name) }
    let (prunable, kept) = counts.reduce((0, 0)) { ($0.0 + $1.prunable, $0.1 + $1.kept) }
    let event = PruningEvent(
      number: 1, iteration: iteration, removed: prunable - kept, kept: kept, widths: [:], proof: nil, before: nil, pruned: nil, after: nil,
      collapsed: try withoutGradients { try model.collapsedLayers() }, prunable: prunable, target: nil, surgerySeconds: nil,
      layers: counts.map { LayerSurvivors(layer: $0.name, kept: $0.kept, of: $0.prunable) })
    let removal = RemovalEvent(
      step: iteration, method: plan.words, criterion: name,
      masked: Dictionary(
        uniqueKeysWithValues: counts.filter { $0.kept < $0.prunable }.map { ("\($0.name).weight", $0.prunable - $0.kept) }))
    return (event, removal)
  }
}

extension Model {
  /// Returns the number of kept weights, after checking that each is its initial value bit for bit, that all others are exactly 0.0, that
  /// biases are 0, and that norms have scale 1 and shift 0.
  ///
  /// - Throws: ``PruningError/mismatch(_:)`` naming the first tensor for which this is not true.
  public func countOfRandomWeights(from initial: Model) throws -> Int {
    let prunable = Set(network.prunableWeights)
    return try withoutGradients {
      for (name, shape) in try network.parameterShapes() where name.role.isTrained {
        let tensor = try tensor(name).detached().moved(to: .cpu)
        let expected: Tensor
        if prunable.contains(name) {
          let start = try initial.tensor(name).detached()
          guard start.shape == shape else { throw PruningError.mismatch("\(name) has another shape than at the start") }
          expected = try masks[name].map { try $0.moved(to: .cpu).select(start, else: start.zerosLike()) } ?? start
        } else {
          expected = try name.role == .bias ? tensor.zerosLike() : tensor.onesLike()
        }
        guard try tensor.bytes() == expected.bytes() else {
          throw PruningError.mismatch("\(name) is not what it was at the start, though nothing but scores should have been trained")
        }
      }
      return try MaskSet(self).kept
    }
  }
}
