public import Pruning
internal import Training

/// The plans of which a method makes its stages.
public struct MethodOptions: Hashable, Sendable {
  /// The training before any pruning, or in whose course it happens; nil where a given model is pruned as it is.
  public var training: RegularizedTraining?
  /// The training after each removal; nil for none.
  public var recovery: RegularizedTraining?
  /// What is removed, by which score, how much, and when; nil where nothing is.
  public var pruning: PruningPlan?

  /// These plans.
  public init(training: RegularizedTraining? = nil, recovery: RegularizedTraining? = nil, pruning: PruningPlan? = nil) {
    self.training = training
    self.recovery = recovery
    self.pruning = pruning
  }

  /// The stages of the plan's method; where it has none, or an unknown one, those that its timing asks for.
  var stages: [any Stage] {
    let method = pruning?.method.flatMap { try? PruningMethod.named($0) }
    return method?.stages(self) ?? stagesByTiming
  }

  /// The stages that the plan's timing asks for; a mere training where nothing is pruned.
  public var stagesByTiming: [any Stage] {
    let training: [any Stage] = training.map { [Train($0)] } ?? []
    guard let pruning else { return training }
    let end: [any Stage] = pruning.granularity == .weight ? [Compact(pruning)] : []
    switch pruning.timing {
    case .during: return (self.training.map { [PruneInTraining($0, pruning)] } ?? []) + end
    case .everyStep: return (self.training.map { [TrainScores($0, pruning)] } ?? []) + end
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
