public import Networks
public import Torch

/// What a criterion may need besides the weights.
public struct ScoringContext: Sendable {
  /// Name of the scored tensor.
  public var parameter: ParameterName
  /// Seed for criteria that draw random numbers.
  public var seed: UInt64
  /// Number of the removal; random numbers differ between removals.
  public var round: Int

  /// Creates a context; every parameter sets the property of the same name.
  public init(parameter: ParameterName, seed: UInt64 = 0, round: Int = 0) {
    self.parameter = parameter
    self.seed = seed
    self.round = round
  }

  /// Returns a random number generator for this tensor and round, independent of what else is scored before.
  public func generator() throws -> Generator {
    // FNV-1a over the name, then SplitMix64's finalizer: stable between runs, unlike Swift's own hashes.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in parameter.description.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    var z = hash ^ (seed &+ 0x9E37_79B9_7F4A_7C15 &* UInt64(truncatingIfNeeded: round &+ 1))
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return try Generator(seed: z ^ (z >> 31))
  }
}

/// A criterion's implementation. It also conforms to one of the protocols that say what it scores from: ``WeightScoring``, ``UnitScoring``,
/// ``NormScoring``, ``GreedyScoring``, ``AccumulatedScoring``, ``SweptScoring`` or ``ModelScoring``.
public protocol Scoring: Sendable {
  /// Entry in the catalogue of criteria.
  static var criterion: PruningCriterion { get }
  /// Whether scored layers must carry the standard deviation of their weights (``ScoredLayer/deviation``); false by default.
  var needsDeviation: Bool { get }
}

extension Scoring {
  /// By default false.
  public var needsDeviation: Bool { false }
}

/// Scores single weights; low scores are removed first.
public protocol WeightScoring: Scoring {
  /// Returns one score per element, in the weight's shape.
  func weightScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor
}

/// Scores units by their incoming weights; low scores are removed first.
public protocol UnitScoring: Scoring {
  /// Returns one score per unit [outputs] from the incoming weights [outputs, …], without bias.
  func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor
}

/// Scores units by the batch norm after their layer; low scores are removed first.
public protocol NormScoring: Scoring {
  /// Returns one score per feature of the norm, from its scale γ and shift β.
  func unitScores(scale: Tensor, shift: Tensor) throws -> Tensor
}

/// Scores units layer by layer, given the units just chosen in earlier layers; low scores are removed first.
public protocol GreedyScoring: Scoring {
  /// Returns one score per unit [outputs] from the incoming weights [outputs, …], in which those from chosen units are 0.
  func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor
}

/// Scores units by a sum over training steps, kept by a ``ScoreAccumulator``; low scores are removed first.
public protocol AccumulatedScoring: Scoring {
  /// Source of each step's vector.
  var source: AccumulatedSource { get }
  /// Returns one number per unit [channels] from a node's value [batch, channels, …] or from a weight [outputs, …].
  func stepScores(_ value: Tensor) throws -> Tensor
}

/// The tensors from which an accumulated score is computed.
public enum AccumulatedSource: Hashable, Sendable {
  /// The layer's output, after or before its activation.
  case activations
  /// The layer's weight.
  case weights
}
