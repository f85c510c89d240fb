internal import Pruning

extension PruningMethod {
  /// Iterative magnitude pruning: train, prune, put the rest back to where it began, train again.
  ///
  /// It is carried out by a study of its own, which keeps every round and has control branches.
  public static let lotteryTicket = PruningMethod(
    name: "lottery-ticket", summary: "rounds of training and pruning; what is left goes back to its initial values",
    paper: "Frankle & Carbin 2019", allocation: .layer)
}
