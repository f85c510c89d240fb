internal import Datasets
internal import Pruning
public import Results
internal import Training

/// What a sequence of data sets has come to so far.
public struct SequenceOutcome: StageOutcome {
  /// Key of the outcome in checkpoints, `sequence`.
  public static let key = "sequence"
  /// The data sets, in order, as they were loaded.
  public var datasets: [SequenceDataset]
  /// The trainings and removals so far.
  public var changes: [SequenceChange] = []
  /// The votes so far.
  public var votes: [RemovalVote] = []
  /// The fits of last layers at the end.
  public var fits: [HeadOnlyFit?] = []
  /// The accuracies on test images at the end.
  public var tests: [Accuracy?] = []

  init(_ run: Runner) {
    let plans = run.experiment.sequence?.datasets ?? []
    datasets = zip(plans, run.sequence).map { plan, data in
      SequenceDataset(
        name: plan.dataset, classes: data.training.classes, training: run.experiment.sequence?.resample ?? data.training.count,
        validation: data.validation?.count ?? 0, test: data.test?.count ?? 0, adaptation: data.training.adaptation)
    }
  }

  private var summary: SequenceSummary {
    SequenceSummary(words: "", things: "", datasets: datasets, changes: changes, votes: votes, headSteps: 0)
  }

  /// Accuracy on a data set when training on it last ended.
  func accuracyAfterTraining(on index: Int) -> Double? { summary.afterTraining(on: index).last?.fraction }

  /// The accuracies after the last change, in one line.
  var lastWords: String {
    guard let change = changes.last else { return "" }
    let all = zip(datasets, change.accuracies).compactMap { dataset, accuracy in
      accuracy.map { "\(dataset.name) \(Format.percent($0.fraction))" }
    }
    return "accuracy now: " + all.joined(separator: ", ")
  }

  /// Sets ``Results/RunRecord/sequence``.
  public func fill(_ row: inout RunRecord, of run: Runner) {
    guard let sequence = run.experiment.sequence, let plan = run.experiment.pruning else { return }
    var datasets = datasets
    for index in datasets.indices {
      if fits.indices.contains(index) { datasets[index].fit = fits[index] }
      if tests.indices.contains(index) { datasets[index].testAtEnd = tests[index] }
    }
    row.sequence = SequenceSummary(
      words: sequence.words, things: plan.granularity.plural, datasets: datasets, changes: changes, votes: votes,
      headSteps: sequence.headFit.steps)
  }
}
