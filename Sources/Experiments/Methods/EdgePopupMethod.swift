internal import Pruning
internal import Training

extension PruningMethod {
  /// Trains scores of random weights that stay as initialised; each layer uses the weights of highest score (``EdgePopup``).
  public static let edgePopup: PruningMethod = {
    var method = PruningMethod(
      name: "edge-popup", summary: "weights stay random; trains scores, and uses the best weights of each layer from the first step on",
      paper: "Ramanujan et al. 2020", allocation: .layer, schedule: .oneShot, timing: .everyStep)
    method.training = Training(learningRate: 0.1, weightDecay: 1e-4, decay: .cosine, initialization: .signedKaiming)
    method.example = "--sparsity 0.5"
    return method
  }()
}
