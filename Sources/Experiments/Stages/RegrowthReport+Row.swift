public import Pruning
public import Results

/// What came back in a training, as the row tells it.
extension RegrowthReport: StageOutcome {
  /// `regrowth`, in checkpoints.
  public static var key: String { "regrowth" }

  /// Puts the counts into ``Results/RunRecord/regrowth``, with the steps trained at the final density.
  public func fill(_ row: inout RunRecord, of run: Runner) {
    guard let training = run.state.trainings.last else { return }
    row.regrowth = RegrowthSummary(
      method: method, exchanges: exchanges, exchanged: exchanged, explored: explored, kept: kept, of: prunable,
      stepsAtDensity: training.iterations - (settled ?? run.state.events.last?.iteration ?? 0))
  }
}
