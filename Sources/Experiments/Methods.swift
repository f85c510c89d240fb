// Read this first: the methods that --method chooses from. A new method is a file in Methods, its test, and one line here.

extension PruningMethod {
  /// The catalogue of methods, in the order in which they are listed.
  public static let all: [PruningMethod] = [
    .lotteryTicket, .edgePopup, .l0, .han, .metaPruning, .intersection,
    .snip, .grasp, .synflow, .random, .erk,
    .static, .rigl, .set, .doublePruning, .scoredPruning, .splicing, .dsd, .dsdPrune, .gradual,
  ]
}
