public import Training

/// What the weights that are left become before the next round of training, and what its learning rate does.
///
/// Rounds are trainings of their own in a search for lottery tickets, and parts of one training with ``RegrowthPlan/rewinding``.
///
/// Written as `init`, `500it` (or `1ep`), `learning-rate`, `none`.
public enum Rewinding: Hashable, Sendable, CustomStringConvertible {
  /// Everything goes back to the first initialisation, and training starts anew (Frankle & Carbin 2019).
  case initial
  /// Everything goes back to what it was after so many steps of the first, dense training, and training goes on from that step: with
  /// its learning rate and data, to the same end (Frankle et al. 2020).
  case step(Step)
  /// Weights stay, and training starts anew with the whole learning-rate schedule (Renda, Frankle & Carbin 2020).
  case learningRate
  /// Weights stay, and training goes on at the schedule's last learning rate: fine-tuning.
  case none

  /// Reads the words of ``description``.
  ///
  /// - Throws: `PlanError` with what is possible.
  public init(parsing text: String) throws {
    switch text {
    case "init", "0", "0it", "0ep": self = .initial
    case "learning-rate": self = .learningRate
    case "none": self = .none
    default:
      guard let step = try? Step(parsing: text) else {
        throw PlanError(
          "\(String(text.prefix(80)).debugDescription) is no place to rewind to: choose init, a step of the dense training such as 500it, "
            + "learning-rate or none")
      }
      self = .step(step)
    }
  }

  /// As typed.
  public var description: String {
    switch self {
    case .initial: "init"
    case .step(let step): step.description
    case .learningRate: "learning-rate"
    case .none: "none"
    }
  }

  /// Whether weights of an earlier time come back.
  public var resetsWeights: Bool {
    switch self {
    case .initial, .step: true
    case .learningRate, .none: false
    }
  }
}

extension Rewinding: Codable {
  /// Reads the text of ``description``.
  public init(from decoder: any Decoder) throws {
    try self.init(parsing: try decoder.singleValueContainer().decode(String.self))
  }

  /// Writes the text of ``description``.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension Model {
  /// This model's masks on an earlier model's tensors: origin × mask, bit for bit, and exactly 0.0 where a weight is pruned.
  ///
  /// Biases, norms and running statistics are the origin's, too. Shares no storage with either.
  /// - Throws: `ModelError` if the two are not of one network.
  public func rewound(to origin: Model) throws -> Model {
    var result = try Model(network: network, tensors: origin.tensors, masks: masks).copied()
    result.network = network
    try result.applyMasks()
    return result
  }
}
