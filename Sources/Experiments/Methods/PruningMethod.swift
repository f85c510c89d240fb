public import Pruning
public import Training
internal import Words

/// A way to interleave removal and training, by the name its paper gave it: what `--method` chooses.
///
/// A method supplies defaults for a ``PruningPlan``, any of which the plan can override, and the stages of the run.
public struct PruningMethod: Sendable {
  /// When removals happen, unless the plan says otherwise.
  public enum Timing: Hashable, Sendable {
    /// Rounds of removal and training.
    case rounds
    /// The given number of removals before the first step.
    case atStart(rounds: Int)
    /// About the given number of removals during training, up to a fraction `until` of its steps.
    case during(removals: Int, until: Double)
    /// A new selection at every step of a training of scores.
    case everyStep
  }

  /// The paper's training by SGD, for settings that the user does not give.
  public struct Training: Hashable, Sendable {
    /// Learning rate before any decay.
    public var learningRate: Double
    /// Weight decay, the λ of L2 regularisation.
    public var weightDecay: Double
    /// Decay of the learning rate.
    public var decay: LearningRateSchedule.Decay
    /// Distribution of freshly initialised weights.
    public var initialization: Initialization
  }

  /// Name in recipes and on the command line, e.g. `rigl`.
  public let name: String
  /// One line that says what the method does.
  public let summary: String
  /// Authors and year of the paper, or `control` or `ours`.
  public let paper: String
  /// Name of the default criterion in ``PruningCriterion/all``.
  public let criterion: String
  /// Distribution of a removal over the layers.
  public let allocation: Allocation
  /// Distribution of the total amount over the removals.
  public let schedule: SparsitySchedule
  /// Default timing of the removals.
  public let timing: Timing
  /// How pruned weights return; nil if they do not.
  public let regrowth: RegrowthPlan?
  /// What is removed, unless the plan says otherwise.
  public var granularity = Granularity.weight
  /// The training of gates; nil if the method has none.
  public var gates: GatePlan?
  /// The paper's training; nil if the method does not prescribe one.
  public var training: Training?
  /// Learning rate after a removal relative to that of the training before it.
  public var recoveryRate = 1.0
  /// Whether dropout probabilities are rescaled when weights are removed (``PruningPlan/rescalesDropout``).
  public var rescalesDropout = false
  /// The options of a typical run besides network and data, for the example on the method's help page.
  public var example = "--sparsity 0.9"
  /// Those that name its data.
  public var exampleData = "--dataset mnist"
  /// Makes the stages of a run from plans; by default those that the plan's timing requires.
  public var stages: @Sendable (MethodOptions) -> [any Stage] = { $0.stagesByTiming }

  /// Creates a method; every parameter sets the property of the same name.
  public init(
    name: String, summary: String, paper: String, criterion: String = "magnitude", allocation: Allocation = .global,
    schedule: SparsitySchedule = .exponential, timing: Timing = .rounds, regrowth: RegrowthPlan? = nil
  ) {
    self.name = name
    self.summary = summary
    self.paper = paper
    self.criterion = criterion
    self.allocation = allocation
    self.schedule = schedule
    self.timing = timing
    self.regrowth = regrowth
  }

  /// Returns the method of the catalogue with the given name.
  ///
  /// - Throws: ``UnknownMethod``.
  public static func named(_ name: String) throws -> PruningMethod {
    guard let found = all.first(where: { $0.name == name }) else { throw UnknownMethod(given: String(name.prefix(80))) }
    return found
  }
}

/// The error for a name that no method of the catalogue has.
public struct UnknownMethod: Error, CustomStringConvertible, Equatable {
  /// The first 80 characters of the name as typed.
  public let given: String

  /// One line with the most similar name, or with all names.
  public var description: String {
    let names = PruningMethod.all.map(\.name)
    return "unknown method \(given.debugDescription): "
      + (nearest(to: given, among: names).map { "did you mean \($0)?" } ?? "choose one of \(names.joined(separator: ", "))")
  }
}
