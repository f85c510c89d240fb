// Read this first: what --method chooses. A new method is a file in Methods, its test, and one line here.

extension PruningMethod {
  /// The catalogue, in the order it is shown.
  public static let all: [PruningMethod] = [
    .lotteryTicket, .edgePopup, .han,
    .snip, .grasp, .synflow, .random, .erk,
    .static, .rigl, .set, .doublePruning, .scoredPruning, .splicing, .dsd, .dsdPrune, .gradual,
  ]
}
