// Read this second: how removal and training can interleave. A new course is a file in Courses, its test, and one line here.

extension Course {
  /// The catalogue, in the order it is shown.
  public static let all: [Course] = [
    .lotteryTicket, .edgePopup, .han,
    .snip, .grasp, .synflow, .random, .erk,
    .static, .rigl, .set, .doublePruning, .scoredPruning, .splicing, .dsd, .dsdPrune, .gradual,
  ]
}
