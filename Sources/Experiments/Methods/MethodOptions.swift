public import Pruning
internal import Training

/// The plans from which a method makes its stages.
public struct MethodOptions: Hashable, Sendable {
  /// The training before or during pruning; nil to prune a given model as it is.
  public var training: RegularizedTraining?
  /// The training after each removal; nil for none.
  public var recovery: RegularizedTraining?
  /// The score, granularity, amount and timing of removals; nil if nothing is removed.
  public var pruning: PruningPlan?
  /// The tasks of a meta-pruning; nil for none, or the defaults.
  public var meta: MetaPruningPlan?
  /// The data sets of a run on several; nil for a run on one.
  public var sequence: DataSequence?
  /// The measurement at the end; nil for none.
  public var flatness: MeasureFlatness?

  /// Creates options; every parameter sets the property of the same name.
  public init(
    training: RegularizedTraining? = nil, recovery: RegularizedTraining? = nil, pruning: PruningPlan? = nil,
    meta: MetaPruningPlan? = nil, sequence: DataSequence? = nil, flatness: MeasureFlatness? = nil
  ) {
    self.training = training
    self.recovery = recovery
    self.pruning = pruning
    self.meta = meta
    self.sequence = sequence
    self.flatness = flatness
  }

  /// The stages of the plan's method, or those that its timing requires if it names no method or an unknown one, and the measurement.
  var stages: [any Stage] {
    let method = pruning?.method.flatMap { try? PruningMethod.named($0) }
    return (method?.stages(self) ?? stagesByTiming) + (flatness.map { [$0] } ?? [])
  }

  /// The stages that the plan's timing requires; a training alone without a pruning plan.
  public var stagesByTiming: [any Stage] {
    let training: [any Stage] = training.map { [Train($0)] } ?? []
    guard let pruning else { return training }
    let end: [any Stage] = pruning.granularity == .weight && pruning.temporary == nil ? [Compact(pruning)] : []
    switch pruning.timing {
    case .during: return (self.training.map { [PruneInTraining($0, pruning)] } ?? []) + end
    case .everyStep:
      guard let training = self.training else { return end }
      let trained: any Stage = pruning.gates == nil ? TrainScores(training, pruning) : TrainGates(training, pruning)
      return [trained] + end
    case .atStart(let count): return [PruneAtStart(pruning, rounds: count)] + training + end
    case .rounds(let count, let length):
      let recovery = length.iterations(perEpoch: 1) > 0 ? recovery : nil
      let rounds = (1...max(count, 1)).flatMap { round -> [any Stage] in
        [Prune(pruning, round: round, of: count)] + (recovery.map { [Recover($0, round: round, of: count)] } ?? [])
      }
      return training + rounds + end
    }
  }
}
