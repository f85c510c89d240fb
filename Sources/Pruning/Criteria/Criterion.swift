/// A criterion of the catalogue with its options: the value that plans and recipes store.
///
/// ```swift
/// let criterion = try Criterion(named: "activation", options: [.normalize])
/// ```
public struct Criterion: Hashable, Sendable, CustomStringConvertible {
  /// A variant that some criteria offer.
  public enum Option: String, Codable, Hashable, Sendable, CaseIterable, Comparable {
    /// Divides each training step's vector by its own maximum before adding it.
    case normalize
    /// Uses the layer's output before its activation.
    case preActivation = "pre-activation"
    /// Scores by the signed change of the loss instead of its magnitude.
    case signed
    /// Orders options alphabetically.
    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
  }

  /// Entry in the catalogue: name, formula, paper, and the implementation of the score.
  public let definition: PruningCriterion
  /// Chosen options.
  public let options: Set<Option>

  /// Name on the command line and in recipes, e.g. `weight-norm`.
  public var name: String { definition.name }

  /// Creates a criterion from its name in the catalogue.
  ///
  /// - Throws: ``PruningError/unknownCriterion(given:suggestion:)`` or ``PruningError/option(criterion:option:possible:)``.
  public init(named name: String, options: Set<Option> = []) throws {
    definition = try PruningCriterion.named(name)
    self.options = options
    for option in options.sorted() where !definition.options.contains(option) {
      throw PruningError.option(criterion: name, option: option.rawValue, possible: definition.options.map(\.rawValue))
    }
  }

  /// Creates a criterion without options from a definition, which need not be in the catalogue.
  public init(_ definition: PruningCriterion) {
    self.definition = definition
    options = []
  }

  /// `magnitude`: |w|.
  public static let magnitude = Criterion(Magnitude.criterion)
  /// `l1`: Σ|w| over a unit's incoming weights.
  public static let l1 = Criterion(L1.criterion)
  /// `l2`: √Σw² over a unit's incoming weights.
  public static let l2 = Criterion(L2.criterion)
  /// `random`: uniform random scores.
  public static let random = Criterion(RandomScore.criterion)
  /// `activation`: norms of a unit's activations, summed over training steps.
  public static let activation = Criterion(AccumulatedActivation.criterion)
  /// `weight-norm`: norms of a unit's incoming weights, summed over training steps.
  public static let weightNorm = Criterion(AccumulatedWeightNorm.criterion)

  /// Checks that the criterion can score at a granularity.
  ///
  /// - Throws: ``PruningError/granularity(criterion:asked:possible:)``.
  public func check(_ granularity: Granularity) throws {
    guard definition.granularities.contains(granularity) else {
      throw PruningError.granularity(criterion: name, asked: granularity.rawValue, possible: definition.granularities.map(\.rawValue))
    }
  }

  /// Whether the criterion sums over training steps; where nothing is trained, it sums over batches of examples instead.
  public var sumsOverSteps: Bool { definition.implementation is any AccumulatedScoring }

  /// Whether the criterion scores a layer only after the units of earlier layers have been chosen.
  var choosesLayerByLayer: Bool { definition.implementation is any GreedyScoring }

  /// Name and options, e.g. `activation (normalize)`.
  public var description: String {
    options.isEmpty ? name : "\(name) (\(options.sorted().map(\.rawValue).joined(separator: ", ")))"
  }

  /// Compares name and options.
  public static func == (lhs: Self, rhs: Self) -> Bool { lhs.name == rhs.name && lhs.options == rhs.options }
  /// Hashes name and options.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(options)
  }
}

/// Encoded as the name, or with options as `{"name": …, "options": […]}`.
extension Criterion: Codable {
  private enum Key: String, CodingKey { case name, options }

  /// Decodes a name, or a name with options.
  ///
  /// - Throws: the errors of ``init(named:options:)``.
  public init(from decoder: any Decoder) throws {
    if let name = try? decoder.singleValueContainer().decode(String.self) {
      try self.init(named: name)
    } else {
      let container = try decoder.container(keyedBy: Key.self)
      try self.init(
        named: container.decode(String.self, forKey: .name),
        options: Set(container.decodeIfPresent([Option].self, forKey: .options) ?? []))
    }
  }

  /// Encodes the name, with the options in alphabetical order if there are any.
  public func encode(to encoder: any Encoder) throws {
    if options.isEmpty {
      var container = encoder.singleValueContainer()
      try container.encode(name)
    } else {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(name, forKey: .name)
      try container.encode(options.sorted(), forKey: .options)
    }
  }
}
