internal import Pruning

// What regrows from a sparse start begins with random places by the Erdős–Rényi kernel, what comes down from a dense network removes the
// lowest |w| anywhere, by the cubic schedule, until three quarters of the steps.

extension PruningMethod {
  /// Random places before training, for good.
  public static let `static` = PruningMethod(
    name: "static", summary: "random weights leave before training and never return", paper: "control for rigl and set",
    criterion: "random", allocation: .erk, timing: .atStart(rounds: 1), regrowth: RegrowthPlan(StaticMask()))

  /// RigL.
  public static let rigl = PruningMethod(
    name: "rigl", summary: "sparse from the start; small weights leave, those with large gradients enter", paper: "Evci et al. 2020",
    criterion: "random", allocation: .erk, timing: .atStart(rounds: 1), regrowth: RegrowthPlan(RigL()))

  /// Sparse evolutionary training.
  public static let set = PruningMethod(
    name: "set", summary: "sparse from the start; each epoch small weights leave, random ones enter", paper: "Mocanu et al. 2018",
    criterion: "random", allocation: .erk, timing: .atStart(rounds: 1), regrowth: RegrowthPlan(SparseEvolution()))

  /// Dense, sparse, dense.
  public static let dsd = PruningMethod(
    name: "dsd", summary: "dense, sparse, dense again; the result is dense", paper: "Han et al. 2017",
    schedule: .cubic, timing: .during(removals: 1, until: 1.0 / 3), regrowth: RegrowthPlan(DenseSparseDense()))

  /// Dense, sparse, dense, and cut.
  public static let dsdPrune = PruningMethod(
    name: "dsd+prune", summary: "dsd, cut to the asked sparsity after the last step", paper: "Han et al. 2017",
    schedule: .cubic, timing: .during(removals: 1, until: 1.0 / 3), regrowth: RegrowthPlan(DenseSparseDense(prune: true)))

  /// Dynamic network surgery.
  public static let splicing = PruningMethod(
    name: "splicing", summary: "pruned weights learn on out of sight and return when they have grown", paper: "Guo et al. 2016",
    schedule: .cubic, timing: .during(removals: 15, until: 0.75), regrowth: RegrowthPlan(Splicing()))

  /// Gradual magnitude pruning: the same removals, and nothing returns.
  public static let gradual = PruningMethod(
    name: "gradual", summary: "the smallest weights leave in the course of training and never return", paper: "Zhu & Gupta 2017",
    schedule: .cubic, timing: .during(removals: 15, until: 0.75), regrowth: RegrowthPlan(NoRegrowth()))

  /// Scored pruning.
  public static let scoredPruning = PruningMethod(
    name: "scored-pruning", summary: "all weights keep scores of how well they would serve; the best pruned ones return", paper: "ours",
    schedule: .cubic, timing: .during(removals: 15, until: 0.75), regrowth: RegrowthPlan(ScoredPruning()))

  /// Double pruning.
  public static let doublePruning = PruningMethod(
    name: "double-pruning", summary: "the kept and the pruned network train in turn; the best pruned weights return", paper: "ours",
    schedule: .cubic, timing: .during(removals: 15, until: 0.75), regrowth: RegrowthPlan(DoublePruning()))
}
