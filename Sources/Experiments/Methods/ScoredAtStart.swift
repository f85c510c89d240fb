internal import Pruning

extension PruningMethod {
  /// SNIP: one removal before training, of the weights to which the loss of a batch is least sensitive.
  public static let snip = PruningMethod(
    name: "snip", summary: "weights leave before training by |w·∂L/∂w| of one batch, in one go", paper: "Lee, Ajanthan & Torr 2019",
    criterion: "snip", timing: .atStart(rounds: 1))

  /// GraSP: one removal before training that preserves the gradient flow.
  public static let grasp = PruningMethod(
    name: "grasp", summary: "weights leave before training that hold the gradient's flow back, in one go",
    paper: "Wang, Zhang & Grosse 2020", criterion: "grasp", timing: .atStart(rounds: 1))

  /// SynFlow: a hundred removals before training, each keeping the same fraction of the remaining weights.
  public static let synflow = PruningMethod(
    name: "synflow", summary: "weights leave before training by the flow through them, in 100 removals and without data",
    paper: "Tanaka et al. 2020", criterion: "synflow", timing: .atStart(rounds: 100))
}
