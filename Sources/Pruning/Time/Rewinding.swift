public import Training

/// What happens to the kept weights and the learning rate before the next round of training.
///
/// Rounds are separate trainings in a search for lottery tickets, and parts of one training with ``RegrowthPlan/rewinding``.
///
/// Written as `init`, `500it` (or `1ep`), `learning-rate`, `none`.
public enum Rewinding: Hashable, Sendable, CustomStringConvertible {
  /// All weights are reset to the first initialisation, and training starts anew (Frankle & Carbin 2019).
  case initial
  /// All weights are reset to their values after a step of the first, dense training, and training continues from that step: with its
  /// learning rate and data, to the same end (Frankle et al. 2020).
  case step(Step)
  /// Weights are kept, and training starts anew with the whole learning-rate schedule (Renda, Frankle & Carbin 2020).
  case learningRate
  /// Weights are kept, and training continues at the schedule's last learning rate: fine-tuning.
  case none

  /// Parses the text of ``description``.
  ///
  /// - Throws: `PlanError` that lists the possible texts.
  public init(parsing text: String) throws {
    switch text {
    case "init", "0", "0it", "0ep": self = .initial
    case "learning-rate": self = .learningRate
    case "none": self = .none
    default:
      guard let step = try? Step(parsing: text) else {
        throw PlanError(
          "\(String(text.prefix(80)).debugDescription) is not a point to rewind to: choose init, a step of the dense training such as "
            + "500it, learning-rate or none")
      }
      self = .step(step)
    }
  }

  /// Text on the command line.
  public var description: String {
    switch self {
    case .initial: "init"
    case .step(let step): step.description
    case .learningRate: "learning-rate"
    case .none: "none"
    }
  }

  /// Whether kept weights are reset to earlier values.
  public var resetsWeights: Bool {
    switch self {
    case .initial, .step: true
    case .learningRate, .none: false
    }
  }
}

extension Rewinding: Codable {
  /// Decodes the text of ``description``.
  public init(from decoder: any Decoder) throws {
    try self.init(parsing: try decoder.singleValueContainer().decode(String.self))
  }

  /// Encodes the text of ``description``.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension Model {
  /// Returns an earlier model's tensors under this model's masks: origin × mask, bit for bit, and exactly 0.0 where a weight is pruned.
  ///
  /// Biases, norms and running statistics are those of the origin, too. The result does not share storage with either.
  /// - Throws: `ModelError` if the two do not have the same network.
  public func rewound(to origin: Model) throws -> Model {
    var result = try Model(network: network, tensors: origin.tensors, masks: masks).copied()
    result.network = network
    try result.applyMasks()
    return result
  }
}
