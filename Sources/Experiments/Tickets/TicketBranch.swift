/// A control of a lottery-ticket study: what is trained beside the trunk, from the trunk's finished rounds.
public enum TicketBranch: String, Codable, Hashable, Sendable, CaseIterable {
  /// The trunk's mask on freshly drawn weights; several draws.
  case reinit
  /// As many weights of each layer in random places, with the trunk's initial weights. A round's places are among the round before's.
  case randomMask = "random-mask"
  /// As many weights in all, in random places, layers' densities by the Erdős–Rényi kernel.
  case randomMaskERK = "random-mask-erk"
  /// The trunk's mask on the weights of the round before, as they were trained, at the last learning rate.
  case finetune
  /// The same counts by one removal after the dense training, rewound as the trunk.
  case oneShot = "one-shot"

  /// One line.
  public var summary: String {
    switch self {
    case .reinit: "the same mask, fresh weights"
    case .randomMask: "as many weights of each layer, in random places"
    case .randomMaskERK: "as many weights, in random places, small layers denser"
    case .finetune: "the same mask, weights kept, last learning rate"
    case .oneShot: "as many weights, removed at once"
    }
  }
}

/// One training of a study: which model, and which round's weights are left of it.
struct TicketJob: Hashable {
  /// nil for the trunk.
  var branch: TicketBranch?
  /// Which fresh weights, from 1; 0 where there is one draw.
  var draw = 0
  var round: Int

  /// The name of its folder.
  var folder: String { branch.map { $0.rawValue + (draw > 0 ? "-\(draw)" : "") } ?? "trunk" }
  /// The name of its files, without ending.
  var file: String { Self.file(round: round) }

  static func file(round: Int) -> String { "round-" + (round < 10 ? "0\(round)" : "\(round)") }
}
