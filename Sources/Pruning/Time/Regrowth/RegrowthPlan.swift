internal import Training
internal import Words

/// Which way of regrowing a plan uses, with its options.
///
/// In JSON the member's name under `method` and its options beside it: `{"method": "rigl", "schedule": {…}}`.
public struct RegrowthPlan: Sendable {
  /// The member.
  public var method: any Regrowth
  /// What the kept weights become after each removal and the exchange that belongs to it; they stay (`none`) unless given.
  ///
  /// Each part of the training between two removals is then a round of the lottery-ticket procedure (Frankle & Carbin 2019) with
  /// weights that come back: kept weights, biases, norms and running statistics go back to the start or to a step before the first
  /// removal, the optimizer begins anew; the learning rate and the data go on, and all steps count.
  public var rewinding: Rewinding

  /// A plan with this member.
  public init(_ method: some Regrowth, rewinding: Rewinding = .none) {
    self.method = method
    self.rewinding = rewinding
  }

  /// The catalogue; ``PruningMethod/all`` tells people about them.
  public static let members: [any Regrowth.Type] = [
    NoRegrowth.self, StaticMask.self, RigL.self, SparseEvolution.self, Splicing.self, DenseSparseDense.self, ScoredPruning.self,
    DoublePruning.self,
  ]

  /// As recipes spell it.
  public var name: String { type(of: method).name }

  /// Its options, e.g. `30 % (cosine) exchanged every 100it until 75 % of the steps`; empty for none.
  public var words: String {
    let back = rewinding.resetsWeights ? ["rewound to \(rewinding) after each removal"] : []
    return ([method.words] + back).filter { !$0.isEmpty }.joined(separator: ", ")
  }

  /// - Throws: `PlanError` for options that cannot be.
  public func validate() throws { try method.validate() }
}

extension RegrowthPlan: Hashable {
  /// Equal if the members and their options are.
  public static func == (lhs: Self, rhs: Self) -> Bool {
    lhs.rewinding == rhs.rewinding && AnyHashable(lhs.method) == AnyHashable(rhs.method)
  }
  /// By member and options.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(AnyHashable(method))
    hasher.combine(rewinding)
  }
}

extension RegrowthPlan: Codable {
  private enum Key: String, CodingKey { case method, rewinding }

  /// Reads name and options.
  ///
  /// - Throws: `DecodingError` with what is possible.
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

  /// Writes name and options side by side.
  public func encode(to encoder: any Encoder) throws {
    try method.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .method)
    if rewinding != .none { try container.encode(rewinding, forKey: .rewinding) }
  }
}
