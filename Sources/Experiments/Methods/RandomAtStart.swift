internal import Pruning

extension PruningMethod {
  /// Removes random weights before training, the same fraction of every layer: the control for every method at initialisation.
  public static let random = PruningMethod(
    name: "random", summary: "removes random weights before training, the same fraction of each layer", paper: "control",
    criterion: "random", allocation: .uniform, timing: .atStart(rounds: 1))

  /// Removes random weights before training, with layer densities by the Erdős–Rényi kernel.
  public static let erk = PruningMethod(
    name: "erk", summary: "removes random weights before training, keeping small layers denser", paper: "Evci et al. 2020",
    criterion: "random", allocation: .erk, timing: .atStart(rounds: 1))
}
