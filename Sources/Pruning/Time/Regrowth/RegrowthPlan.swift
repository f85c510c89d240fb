internal import Training
internal import Words

/// The method of regrowth in a plan, with its options.
///
/// Encoded with the method's name under `method` and its options beside it: `{"method": "rigl", "schedule": {…}}`.
public struct RegrowthPlan: Sendable {
  /// Method with its options.
  public var method: any Regrowth
  /// Rewinding of the kept weights after each removal and the exchange that belongs to it; none by default.
  ///
  /// Each part of the training between two removals is then a round of the lottery-ticket procedure (Frankle & Carbin 2019) with weights
  /// that come back: kept weights, biases, norms and running statistics are reset to the start or to a step before the first removal, and
  /// the optimizer is reset; the learning rate and the data continue, and all steps count.
  public var rewinding: Rewinding

  /// Creates a plan from a method.
  public init(_ method: some Regrowth, rewinding: Rewinding = .none) {
    self.method = method
    self.rewinding = rewinding
  }

  /// All methods of regrowth; the catalogue of methods (`PruningMethod.all`) presents them to users.
  public static let members: [any Regrowth.Type] = [
    NoRegrowth.self, StaticMask.self, RigL.self, SparseEvolution.self, Splicing.self, DenseSparseDense.self, ScoredPruning.self,
    DoublePruning.self,
  ]

  /// Name of the method in recipes.
  public var name: String { type(of: method).name }

  /// Description of the options, e.g. `30 % (cosine) exchanged every 100it until 75 % of the steps`; empty if there are none.
  public var words: String {
    let back = rewinding.resetsWeights ? ["rewound to \(rewinding) after each removal"] : []
    return ([method.words] + back).filter { !$0.isEmpty }.joined(separator: ", ")
  }

  /// Checks the method's options.
  ///
  /// - Throws: `PlanError` for impossible options.
  public func validate() throws { try method.validate() }
}

extension RegrowthPlan: Hashable {
  /// Compares methods with their options, and the rewinding.
  public static func == (lhs: Self, rhs: Self) -> Bool {
    lhs.rewinding == rhs.rewinding && AnyHashable(lhs.method) == AnyHashable(rhs.method)
  }
  /// Hashes the method with its options, and the rewinding.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(AnyHashable(method))
    hasher.combine(rewinding)
  }
}

extension RegrowthPlan: Codable {
  private enum Key: String, CodingKey { case method, rewinding }

  /// Decodes the name and the options.
  ///
  /// - Throws: `DecodingError` that lists the possible names.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let name = try container.decode(String.self, forKey: .method)
    guard let member = Self.members.first(where: { $0.name == name }) else {
      throw DecodingError.dataCorruptedError(
        forKey: .method, in: container,
        debugDescription:
          "unknown regrowth \(String(name.prefix(80)).debugDescription): choose one of \(Self.members.map { $0.name }.joined(separator: ", "))"
      )
    }
    method = try member.init(from: decoder)
    rewinding = try container.decodeIfPresent(Rewinding.self, forKey: .rewinding) ?? .none
  }

  /// Encodes the name and the options side by side.
  public func encode(to encoder: any Encoder) throws {
    try method.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .method)
    if rewinding != .none { try container.encode(rewinding, forKey: .rewinding) }
  }
}
