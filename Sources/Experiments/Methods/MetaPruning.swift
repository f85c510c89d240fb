internal import Pruning

extension PruningMethod {
  /// Learns weights from which a few steps solve any task, prunes between such trainings, and judges by tasks of unseen classes.
  ///
  /// Algorithms 1 and 2 of Salcedo & Sharma (2019) with Reptile (Nichol, Achiam & Schulman 2018), MAML of first or second order (Finn, Abbeel & Levine
  /// 2017) or MLDG (Li et al. 2018) as the outer update.
  public static let metaPruning: PruningMethod = {
    var method = PruningMethod(
      name: "meta-pruning", summary: "learns from many small tasks, prunes in between, and is judged by tasks of unseen classes",
      paper: "Salcedo & Sharma 2019; Nichol et al. 2018; Finn et al. 2017")
    method.stages = { plans in
      guard let training = plans.training, let pruning = plans.pruning else { return plans.stagesByTiming }
      let end: [any Stage] = pruning.granularity == .weight ? [Compact(pruning)] : []
      return [MetaPrune(training, pruning, plans.meta ?? MetaPruningPlan())] + end
    }
    method.example = "--ways 3 --sparsity 0.8 --rounds 2"
    return method
  }()
}
