public import Pruning
public import Training
internal import Words

/// How removal and training interleave, under the name its paper gave it: what `--method` chooses.
///
/// A method is a set of defaults for a ``PruningPlan``; everything it says can be said otherwise in the plan.
public struct PruningMethod: Sendable {
  /// When removals happen, where the plan does not say.
  public enum Timing: Hashable, Sendable {
    /// In rounds of removal and training.
    case rounds
    /// Before the first step, in so many removals.
    case atStart(rounds: Int)
    /// In training, in about so many removals until this share of the steps.
    case during(removals: Int, until: Double)
    /// Anew at every step of a training of scores.
    case everyStep
  }

  /// A training by SGD as the paper describes it, where the user does not say otherwise.
  public struct Training: Hashable, Sendable {
    /// Before any decay.
    public var learningRate: Double
    /// λ.
    public var weightDecay: Double
    /// How the learning rate falls.
    public var decay: LearningRateSchedule.Decay
    /// How fresh weights are drawn.
    public var initialization: Initialization
  }

  /// As typed in recipes and on the command line.
  public let name: String
  /// One line.
  public let summary: String
  /// Where it is from.
  public let paper: String
  /// Its criterion in ``PruningCriterion/all``.
  public let criterion: String
  /// How the removal is spread over the layers.
  public let allocation: Allocation
  /// How a total is spread over the removals.
  public let schedule: SparsitySchedule
  /// When they happen.
  public let timing: Timing
  /// How weights come back; nil if they do not.
  public let regrowth: RegrowthPlan?
  /// How it trains; nil where the paper's training is no part of the method.
  public var training: Training?
  /// The learning rate after a removal over that of the training before.
  public var recoveryRate = 1.0
  /// Whether dropout is rescaled when weights leave (``PruningPlan/rescalesDropout``).
  public var rescalesDropout = false
  /// What a run does of given plans: those that their timing asks for, unless the method has stages of its own.
  public var stages: @Sendable (MethodOptions) -> [any Stage] = { $0.stagesByTiming }

  /// A method of these parts.
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

  /// The catalogue's entry of this name.
  ///
  /// - Throws: ``UnknownMethod``.
  public static func named(_ name: String) throws -> PruningMethod {
    guard let found = all.first(where: { $0.name == name }) else { throw UnknownMethod(given: String(name.prefix(80))) }
    return found
  }
}

/// A name that no method of the catalogue has.
public struct UnknownMethod: Error, CustomStringConvertible, Equatable {
  /// As typed, its first 80 characters.
  public let given: String

  /// One line with the nearest name, or with all of them.
  public var description: String {
    let names = PruningMethod.all.map(\.name)
    return "unknown method \(given.debugDescription): "
      + (nearest(to: given, among: names).map { "did you mean \($0)?" } ?? "choose one of \(names.joined(separator: ", "))")
  }
}
