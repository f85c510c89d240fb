// Read this to learn what a run can consist of. A new stage is a file in Stages, its test, and one line here.

enum StageCatalogue {
  /// The kinds of stages that recipes can name.
  static let all: [any Stage.Type] = [
    Train.self, PruneAtStart.self, PruneInTraining.self, TrainScores.self, Prune.self, Recover.self, Compact.self,
  ]

  /// What stages can leave in a checkpoint's record besides the model, trainings and removals.
  static var outcomes: [any StageOutcome.Type] { all.flatMap { $0.outcomes } }
}
