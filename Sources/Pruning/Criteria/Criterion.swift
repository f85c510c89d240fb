/// A score by its name in the catalogue, with its options: the value that plans and recipes hold.
///
/// ```swift
/// let criterion = try Criterion(named: "activation", options: [.normalize])
/// ```
public struct Criterion: Hashable, Sendable, CustomStringConvertible {
  /// A variation that some criteria offer.
  public enum Option: String, Codable, Hashable, Sendable, CaseIterable, Comparable {
    /// Divides each training step's vector by its own maximum before adding it.
    case normalize
    /// Looks at the layer's output before its activation.
    case preActivation = "pre-activation"
    /// Keeps the sign of the change of the loss, instead of its size.
    case signed
    /// By spelling.
    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
  }

  /// The catalogue's entry: name, formula, paper, and the code that computes the score.
  public let definition: PruningCriterion
  /// Variations.
  public let options: Set<Option>

  /// As typed, e.g. `weight-norm`.
  public var name: String { definition.name }

  /// A criterion of the catalogue.
  ///
  /// - Throws: ``PruningError/unknownCriterion(given:suggestion:)``, ``PruningError/option(criterion:option:possible:)``.
  public init(named name: String, options: Set<Option> = []) throws {
    definition = try PruningCriterion.named(name)
    self.options = options
    for option in options.sorted() where !definition.options.contains(option) {
      throw PruningError.option(criterion: name, option: option.rawValue, possible: definition.options.map(\.rawValue))
    }
  }

  /// A criterion of this definition, without options; it need not be in the catalogue.
  public init(_ definition: PruningCriterion) {
    self.definition = definition
    options = []
  }

  /// |w|.
  public static let magnitude = Criterion(Magnitude.criterion)
  /// Σ|w| of a unit.
  public static let l1 = Criterion(L1.criterion)
  /// √Σw² of a unit.
  public static let l2 = Criterion(L2.criterion)
  /// Uniform noise.
  public static let random = Criterion(RandomScore.criterion)
  /// Activations summed over training steps.
  public static let activation = Criterion(AccumulatedActivation.criterion)
  /// Norms of a unit's weights summed over training steps.
  public static let weightNorm = Criterion(AccumulatedWeightNorm.criterion)

  /// Throws unless it scores things of this size.
  ///
  /// - Throws: ``PruningError/granularity(criterion:asked:possible:)``.
  public func check(_ granularity: Granularity) throws {
    guard definition.granularities.contains(granularity) else {
      throw PruningError.granularity(criterion: name, asked: granularity.rawValue, possible: definition.granularities.map(\.rawValue))
    }
  }

  /// Whether it sums over training steps, or over examples where nothing is trained.
  public var sumsOverSteps: Bool { definition.implementation is any AccumulatedScoring }

  /// Whether it scores a layer only when the choice in the layers before it is made.
  var choosesLayerByLayer: Bool { definition.implementation is any GreedyScoring }

  /// Name and options, e.g. `activation (normalize)`.
  public var description: String {
    options.isEmpty ? name : "\(name) (\(options.sorted().map(\.rawValue).joined(separator: ", ")))"
  }

  /// Equal if name and options are.
  public static func == (lhs: Self, rhs: Self) -> Bool { lhs.name == rhs.name && lhs.options == rhs.options }
  /// By name and options.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(options)
  }
}

/// In JSON a criterion is its name, or with options `{"name": …, "options": […]}`.
extension Criterion: Codable {
  private enum Key: String, CodingKey { case name, options }

  /// - Throws: what ``init(named:options:)`` throws.
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

  /// Writes name and options, these in alphabetical order.
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
