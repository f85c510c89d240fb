internal import Pruning

extension PruningMethod {
  /// Random weights leave before training, the same fraction of every layer: what every method at initialisation must beat.
  public static let random = PruningMethod(
    name: "random", summary: "random weights leave before training, as many of each layer", paper: "control",
    criterion: "random", allocation: .uniform, timing: .atStart(rounds: 1))

  /// Random weights leave before training, layers' densities by the Erdős–Rényi kernel.
  public static let erk = PruningMethod(
    name: "erk", summary: "random weights leave before training, small layers kept denser", paper: "Evci et al. 2020",
    criterion: "random", allocation: .erk, timing: .atStart(rounds: 1))
}
