internal import Pruning

// Methods that regrow from a sparse start begin with random masks by the Erdős–Rényi kernel; those that start dense remove the lowest |w|
// of all layers by the cubic schedule, until three quarters of the steps.

extension PruningMethod {
  /// Removes random weights before training for good: the control for sparse training with regrowth.
  public static let `static` = PruningMethod(
    name: "static", summary: "removes random weights before training; none return", paper: "control for rigl and set",
    criterion: "random", allocation: .erk, timing: .atStart(rounds: 1), regrowth: RegrowthPlan(StaticMask()))

  /// RigL: at intervals, the smallest weights are exchanged for the pruned ones with the largest gradients.
  public static let rigl = PruningMethod(
    name: "rigl", summary: "sparse from the start; exchanges small weights for pruned ones with large gradients", paper: "Evci et al. 2020",
    criterion: "random", allocation: .erk, timing: .atStart(rounds: 1), regrowth: RegrowthPlan(RigL()))

  /// Sparse evolutionary training: each epoch, the smallest weights are exchanged for random ones.
  public static let set = PruningMethod(
    name: "set", summary: "sparse from the start; exchanges small weights for random ones each epoch", paper: "Mocanu et al. 2018",
    criterion: "random", allocation: .erk, timing: .atStart(rounds: 1), regrowth: RegrowthPlan(SparseEvolution()))

  /// Dense-sparse-dense training: all pruned weights return after the sparse phase.
  public static let dsd = PruningMethod(
    name: "dsd", summary: "dense, sparse, dense again; the result is dense", paper: "Han et al. 2017",
    schedule: .cubic, timing: .during(removals: 1, until: 1.0 / 3), regrowth: RegrowthPlan(DenseSparseDense()))

  /// Dense-sparse-dense training, pruned to the requested sparsity after the last step.
  public static let dsdPrune = PruningMethod(
    name: "dsd+prune", summary: "dsd, pruned to the requested sparsity after the last step", paper: "Han et al. 2017",
    schedule: .cubic, timing: .during(removals: 1, until: 1.0 / 3), regrowth: RegrowthPlan(DenseSparseDense(prune: true)))

  /// Dynamic network surgery: pruned weights keep training unused, and return when they have grown.
  public static let splicing = PruningMethod(
    name: "splicing", summary: "pruned weights train on, unused, and return when they have grown", paper: "Guo et al. 2016",
    schedule: .cubic, timing: .during(removals: 15, until: 0.75), regrowth: RegrowthPlan(Splicing()))

  /// Gradual magnitude pruning during training, without regrowth: the control for methods that regrow from a dense start.
  public static let gradual = PruningMethod(
    name: "gradual", summary: "removes the smallest weights during training; none return", paper: "Zhu & Gupta 2017",
    schedule: .cubic, timing: .during(removals: 15, until: 0.75), regrowth: RegrowthPlan(NoRegrowth()))

  /// Scored pruning: all weights, kept or pruned, keep scores of their usefulness; the best pruned ones return.
  public static let scoredPruning = PruningMethod(
    name: "scored-pruning", summary: "scores how useful each weight would be; the best pruned ones return", paper: "ours",
    schedule: .cubic, timing: .during(removals: 15, until: 0.75), regrowth: RegrowthPlan(ScoredPruning()))

  /// Double pruning: the kept and the pruned part of the network train alternately; the best pruned weights return.
  public static let doublePruning = PruningMethod(
    name: "double-pruning", summary: "trains the kept and the pruned network alternately; the best pruned weights return", paper: "ours",
    schedule: .cubic, timing: .during(removals: 15, until: 0.75), regrowth: RegrowthPlan(DoublePruning()))
}
