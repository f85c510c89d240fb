internal import Pruning

extension PruningMethod {
  /// Iterative magnitude pruning: trains, prunes, resets the remaining weights to their initial values, and trains again.
  ///
  /// ``TicketStudy`` runs it, keeps every round as a model file and adds control branches.
  public static let lotteryTicket: PruningMethod = {
    var method = PruningMethod(
      name: "lottery-ticket", summary: "trains and prunes in rounds; the remaining weights return to their initial values",
      paper: "Frankle & Carbin 2019", allocation: .layer)
    method.example = "--rounds 10 --output tickets"
    return method
  }()
}
