// Read this to learn what a run can consist of. A new stage is a file in Stages, its test, and one line here.

enum StageCatalogue {
  /// The kinds of stages that recipes can contain.
  static let all: [any Stage.Type] = [
    Train.self, PruneAtStart.self, PruneInTraining.self, TrainScores.self, TrainGates.self, Prune.self, Recover.self, Compact.self,
    MetaPrune.self, TrainOnDataset.self, VoteOnDataset.self, PruneOnDatasets.self, FitHeads.self, MeasureFlatness.self,
  ]

  /// The kinds of outcomes that stages can leave in a checkpoint's record.
  static var outcomes: [any StageOutcome.Type] { all.flatMap { $0.outcomes } }
}
