internal import Pruning

extension PruningMethod {
  /// Trains one backbone on one data set after the other, or on new draws of one, and removes in between: what no data set can do without
  /// remains (Algorithm 4 of Salcedo & Sharma 2019), or what most of them vote for.
  public static let intersection: PruningMethod = {
    var method = PruningMethod(
      name: "intersection", summary: "trains on one data set after the other and prunes in between: what matters to all of them remains",
      paper: "Salcedo & Sharma 2019", criterion: "l2", allocation: .layer)
    method.granularity = .filter
    method.stages = { plans in
      guard let training = plans.training, let pruning = plans.pruning, let sequence = plans.sequence else { return plans.stagesByTiming }
      let count = sequence.datasets.count
      let trained: [any Stage]
      if sequence.keepIf == .all {
        trained = (0..<sequence.segments).flatMap { segment -> [any Stage] in
          let train = TrainOnDataset(training, sequence, segment: segment)
          return segment == 0 ? [train] : [PruneOnDatasets(pruning, sequence, round: segment), train]
        }
      } else {
        trained = (1...max(sequence.passes, 1)).flatMap { pass -> [any Stage] in
          let votes = (0..<count).map { VoteOnDataset(training, pruning, sequence, pass: pass, dataset: $0) }
          let trainings = (0..<count).map { TrainOnDataset(training, sequence, segment: (pass - 1) * count + $0) }
          return votes + [PruneOnDatasets(pruning, sequence, round: pass)] + trainings
        }
      }
      let end: [any Stage] = pruning.granularity == .weight ? [Compact(pruning)] : []
      return trained + [FitHeads(sequence)] + end
    }
    method.exampleData = "--datasets mnist,kmnist"
    method.example = "--granularity unit --fraction 0.1"
    return method
  }()
}
