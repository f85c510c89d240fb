internal import Pruning

extension PruningMethod {
  /// Trains, removes weights below q standard deviations of their layer, retrains at a tenth of the learning rate with less dropout, and
  /// repeats.
  ///
  /// The paper chooses the quality parameter q (`--deviations`) by a sensitivity scan; L2 (`--weight-decay`) or L1 (`--l1`) regularisation
  /// belongs to the training. Neurons without inputs or outputs are removed at the end.
  public static let han: PruningMethod = {
    var method = PruningMethod(
      name: "han",
      summary:
        "trains, removes weights below --deviations, retrains at a tenth of the learning rate with rescaled dropout, in rounds",
      paper: "Han et al. 2015", criterion: "threshold", allocation: .layer)
    method.recoveryRate = 0.1
    method.rescalesDropout = true
    method.example = "--deviations 0.8 --rounds 3"
    return method
  }()
}
