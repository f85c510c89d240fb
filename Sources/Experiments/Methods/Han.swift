internal import Pruning

extension PruningMethod {
  /// Train, remove what is below q deviations of its layer, retrain at a tenth of the rate with less dropout, and again.
  ///
  /// The paper leaves the quality parameter q (`--deviations`) to a sensitivity scan; L2 (`--weight-decay`) or L1 (`--l1`) regularisation is
  /// the training's. Neurons without inputs or outputs are cut out at the end.
  public static let han: PruningMethod = {
    var method = PruningMethod(
      name: "han",
      summary:
        "train, drop what is below --deviations of its layer, retrain at a tenth of the learning rate with rescaled dropout, in rounds",
      paper: "Han et al. 2015", criterion: "threshold", allocation: .layer)
    method.recoveryRate = 0.1
    method.rescalesDropout = true
    return method
  }()
}
