public import Pruning
public import Results

/// Exchanges of weights in a training, as the row reports them.
extension RegrowthReport: StageOutcome {
  /// Key of the outcome in checkpoints, `regrowth`.
  public static var key: String { "regrowth" }

  /// Sets ``Results/RunRecord/regrowth``, including the number of steps trained at the final density.
  public func fill(_ row: inout RunRecord, of run: Runner) {
    guard let training = run.state.trainings.last else { return }
    row.regrowth = RegrowthSummary(
      method: method, exchanges: exchanges, exchanged: exchanged, explored: explored, kept: kept, of: prunable,
      stepsAtDensity: training.iterations - (settled ?? run.state.events.last?.iteration ?? 0))
  }
}
