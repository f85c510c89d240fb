public import Networks
public import Torch

/// What a criterion may need to know beside the weights.
public struct ScoringContext: Sendable {
  /// The scored tensor.
  public var parameter: ParameterName
  /// For criteria that draw random numbers.
  public var seed: UInt64
  /// Number of the removal; a new one draws anew.
  public var round: Int

  /// A context of these parts.
  public init(parameter: ParameterName, seed: UInt64 = 0, round: Int = 0) {
    self.parameter = parameter
    self.seed = seed
    self.round = round
  }

  /// A stream of random numbers for this tensor and round, whatever else is scored before it.
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

/// A member of the catalogue; it also says how it scores by being a ``WeightScoring``, ``UnitScoring``, ``NormScoring``,
/// ``GreedyScoring``, ``AccumulatedScoring``, ``SweptScoring`` or ``ModelScoring``.
public protocol Scoring: Sendable {
  /// Its entry in the catalogue.
  static var criterion: PruningCriterion { get }
  /// Whether its layers carry the standard deviation of their weights (``ScoredLayer/deviation``); false unless said.
  var needsDeviation: Bool { get }
}

extension Scoring {
  /// No.
  public var needsDeviation: Bool { false }
}

/// Scores single weights; low ones leave.
public protocol WeightScoring: Scoring {
  /// One score per element, in the weight's shape.
  func weightScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor
}

/// Scores units by their incoming weights; low ones leave.
public protocol UnitScoring: Scoring {
  /// One score per unit [outputs] from the incoming weights [outputs, …], without bias.
  func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor
}

/// Scores units by the batch norm behind their layer; low ones leave.
public protocol NormScoring: Scoring {
  /// One score per feature of the norm, from its scale γ and shift β.
  func unitScores(scale: Tensor, shift: Tensor) throws -> Tensor
}

/// Scores units layer by layer, knowing what has just been chosen in earlier layers; low ones leave.
public protocol GreedyScoring: Scoring {
  /// One score per unit [outputs] from the incoming weights [outputs, …], those from chosen units at 0.
  func unitScores(_ weight: Tensor, _ context: ScoringContext) throws -> Tensor
}

/// Scores units by a sum over training steps; low ones leave. See ``ScoreAccumulator``.
public protocol AccumulatedScoring: Scoring {
  /// Where each step's vector comes from.
  var source: AccumulatedSource { get }
  /// One number per unit [channels] from a node's value [batch, channels, …], or from a weight [outputs, …].
  func stepScores(_ value: Tensor) throws -> Tensor
}

/// What an accumulated score is computed from.
public enum AccumulatedSource: Hashable, Sendable {
  /// The layer's output, after or before its activation.
  case activations
  /// The layer's weight.
  case weights
}
