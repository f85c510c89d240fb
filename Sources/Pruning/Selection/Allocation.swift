internal import Training

/// The distribution of a removal over the layers: how many things each of them loses. Which ones is then decided by the layer's scores.
///
/// All but ``layer`` and ``scoped(_:)`` count the amount once for all layers together and remove exactly that number; floors shift removals
/// to other layers. Written as `layer`, `uniform`, `erk`, `global`, `lamp`, or in JSON `{"scoped": [["layer1.*"], ["layer2.*"]]}` and
/// `{"shares": {"fc1": 1, "fc2": 3}}`.
public enum Allocation: Hashable, Sendable {
  /// Every layer loses the given fraction of itself, rounded separately, so that a layer's count does not depend on any other layer.
  case layer
  /// Every layer loses the same fraction, rounded so that the counts add up to the amount (largest remainder).
  case uniform
  /// The Erdős–Rényi kernel: density d_l ∝ Σdims_l/∏dims_l of the weight's dimensions, at most what is present, the rest redistributed
  /// (Evci et al. 2020, after Mocanu et al. 2018). Small layers stay denser. Units are distributed by the dimensions of their layer's
  /// weight.
  case erk
  /// The lowest scores of all layers are removed, wherever they are.
  case global
  /// Each layer loses as many things as it would in a global ranking by s²/Σ_{t≥s}t² (Lee et al. 2021), with s the magnitudes of the
  /// criterion's scores; with `magnitude` this is LAMP itself. The largest score of a layer ranks highest of all, so that it is removed
  /// last.
  case lamp
  /// Layers that match a pattern of one set are ranked together, and each set loses the given fraction of itself; a layer in no set is
  /// ranked by itself.
  case scoped([[LayerPattern]])

  /// Densities in proportion to given numbers, by the name of the layer or group (1 where none is given): at most what is present, the rest
  /// redistributed. The form in which fractions are learned.
  case shares([String: Double])

  /// Creates the allocation of a scope.
  public init(_ scope: Scope) { self = scope == .layer ? .layer : .global }

  /// Whether the amount is counted once for all layers together.
  var isCounted: Bool {
    switch self {
    case .uniform, .erk, .global, .lamp, .shares: true
    case .layer, .scoped: false
    }
  }

  /// Names of the allocations without parameters, as written on the command line.
  public static let names = ["layer", "uniform", "erk", "global", "lamp"]

  /// Creates an allocation from its name; nil for any other text, and for `scoped` and `shares`, which need more.
  public init?(name: String) {
    switch name {
    case "layer": self = .layer
    case "uniform": self = .uniform
    case "erk": self = .erk
    case "global": self = .global
    case "lamp": self = .lamp
    default: return nil
    }
  }

  /// Name on the command line; `scoped` for sets, `shares` for given proportions.
  public var name: String {
    switch self {
    case .layer: "layer"
    case .uniform: "uniform"
    case .erk: "erk"
    case .global: "global"
    case .lamp: "lamp"
    case .scoped: "scoped"
    case .shares: "shares"
    }
  }
}

extension Allocation: CustomStringConvertible {
  /// Name of the allocation with its sets or proportions, e.g. `erk`, `scoped (layer1.*, conv1; layer2.*)`, or `shares (fc1 1.0, fc2 3.0)`.
  public var description: String {
    switch self {
    case .scoped(let sets): "scoped (\(sets.map { $0.map(\.description).joined(separator: ", ") }.joined(separator: "; ")))"
    case .shares(let shares):
      "shares (\(shares.sorted { $0.key < $1.key }.map { "\($0.key) \(($0.value * 1e3).rounded() / 1e3)" }.joined(separator: ", ")))"
    default: name
    }
  }
}

extension Allocation: Codable {
  private enum Key: String, CodingKey { case scoped, shares }

  /// Decodes a name, which may also be that of a ``Scope``, or sets.
  ///
  /// - Throws: `DecodingError` that lists the possible names.
  public init(from decoder: any Decoder) throws {
    if let container = try? decoder.container(keyedBy: Key.self) {
      if let shares = try container.decodeIfPresent([String: Double].self, forKey: .shares) {
        self = .shares(shares)
        return
      }
      self = .scoped(try container.decode([[LayerPattern]].self, forKey: .scoped))
      return
    }
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let allocation = Self(name: name) else {
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription:
          "unknown allocation \(String(name.prefix(80)).debugDescription): choose one of \(Self.names.joined(separator: ", "))")
    }
    self = allocation
  }

  /// Encodes the name, the sets, or the proportions.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .scoped(let sets):
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(sets, forKey: .scoped)
    case .shares(let shares):
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(shares, forKey: .shares)
    default:
      var container = encoder.singleValueContainer()
      try container.encode(name)
    }
  }
}

extension Allocation {
  /// Returns the sets of layers that are ranked together, as indices; every layer is in exactly one set. Layers without a set follow, each
  /// in a set of its own.
  ///
  /// - Parameter names: for each layer the names that patterns can match.
  /// - Throws: ``PruningError/unknownLayer(option:given:possible:)``; `PlanError` for a layer in two sets.
  static func sets(_ patterns: [[LayerPattern]], among names: [[String]]) throws -> [[Int]] {
    var setOf: [Int: Int] = [:]
    var sets: [[Int]] = []
    for (number, set) in patterns.enumerated() {
      let found = try set.indices(among: names, option: "--scope")
      for index in found.sorted() {
        if let other = setOf[index] {
          throw twice(names[index], patterns[other], set)
        }
        setOf[index] = number
      }
      sets.append(found.sorted())
    }
    return sets + names.indices.filter { setOf[$0] == nil }.map { [$0] }
  }

  /// Returns the error for a layer, or layers whose channels are removed together, in two sets.
  ///
  /// - Parameter names: the names of the layers that patterns can match.
  private static func twice(_ names: [String], _ one: [LayerPattern], _ other: [LayerPattern]) -> PlanError {
    func words(_ set: [LayerPattern]) -> String { set.map(\.description).joined(separator: ", ").debugDescription }
    func matched(_ set: [LayerPattern]) -> [String] { names.filter { name in set.contains { $0.matches(name) } } }
    let (first, second) = (matched(one), matched(other))
    if let both = first.first(where: second.contains) {
      return PlanError("\(both) is in two scopes, \(words(one)) and \(words(other)): give it one")
    }
    func some(_ names: [String]) -> String {
      names.prefix(4).joined(separator: ", ") + (names.count > 4 ? " and \(names.count - 4) more" : "")
    }
    return PlanError(
      "the channels of \(some(first)) leave together with those of \(some(second)), and the scopes \(words(one)) and "
        + "\(words(other)) separate them: name all of them in one set")
  }
}
