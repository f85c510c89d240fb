/// A control of a lottery-ticket study: a training beside the trunk that starts from the trunk's finished rounds.
public enum TicketBranch: String, Codable, Hashable, Sendable, CaseIterable {
  /// The trunk's mask with freshly initialised weights; several draws.
  case reinit
  /// The trunk's initial weights with as many kept in each layer, at random places, which are among those of the round before.
  case randomMask = "random-mask"
  /// As many weights kept in total, at random places, with layer densities by the Erdős–Rényi kernel.
  case randomMaskERK = "random-mask-erk"
  /// The trunk's mask with the trained weights of the round before, at the last learning rate.
  case finetune
  /// The same number of weights kept, but by a single removal after the dense training, with weights rewound as in the trunk.
  case oneShot = "one-shot"

  /// One line that says what is kept.
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

/// One training of a study, by branch and round.
struct TicketJob: Hashable {
  /// The control branch; nil for the trunk.
  var branch: TicketBranch?
  /// Number of the draw of fresh weights, from 1; 0 for branches with a single draw.
  var draw = 0
  var round: Int

  /// Name of the branch's folder.
  var folder: String { branch.map { $0.rawValue + (draw > 0 ? "-\(draw)" : "") } ?? "trunk" }
  /// Name of the round's files, without extension.
  var file: String { Self.file(round: round) }

  static func file(round: Int) -> String { "round-" + (round < 10 ? "0\(round)" : "\(round)") }
}
