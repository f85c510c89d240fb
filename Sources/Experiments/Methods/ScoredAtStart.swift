internal import Pruning

extension PruningMethod {
  /// SNIP: one removal before training, of the weights to which the loss of a batch is least sensitive.
  public static let snip = PruningMethod(
    name: "snip", summary: "removes weights before training by |w·∂L/∂w| of one batch, all at once", paper: "Lee, Ajanthan & Torr 2019",
    criterion: "snip", timing: .atStart(rounds: 1))

  /// GraSP: one removal before training that preserves the gradient flow.
  public static let grasp = PruningMethod(
    name: "grasp", summary: "removes weights before training that hinder the gradient flow, all at once",
    paper: "Wang, Zhang & Grosse 2020", criterion: "grasp", timing: .atStart(rounds: 1))

  /// SynFlow: a hundred removals before training, each keeping the same fraction of the remaining weights.
  public static let synflow = PruningMethod(
    name: "synflow", summary: "removes weights before training by the flow through them, in 100 removals, without data",
    paper: "Tanaka et al. 2020", criterion: "synflow", timing: .atStart(rounds: 100))
}
