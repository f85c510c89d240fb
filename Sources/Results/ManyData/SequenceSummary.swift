internal import Words

/// A data set of a sequence that one network was trained on.
public struct SequenceDataset: Codable, Hashable, Sendable {
  /// Name of the data set.
  public var name: String
  /// Number of classes, and of examples to train on, to judge by, and to test on.
  public var classes: Int, training: Int, validation: Int, test: Int
  /// How its images were brought to the shape that all share; nil if they have it.
  public var adaptation: String?
  /// What a fresh last layer alone, everything before it frozen, comes to at the end; nil if it was not fitted.
  public var fit: HeadOnlyFit?
  /// Accuracy on test images at the end, with the last layer that is kept; nil without test images.
  public var testAtEnd: Accuracy?

  /// Creates a data set; every parameter sets the property of the same name.
  public init(
    name: String, classes: Int, training: Int, validation: Int, test: Int, adaptation: String? = nil, fit: HeadOnlyFit? = nil,
    testAtEnd: Accuracy? = nil
  ) {
    self.name = name
    self.classes = classes
    self.training = training
    self.validation = validation
    self.test = test
    self.adaptation = adaptation
    self.fit = fit
    self.testAtEnd = testAtEnd
  }
}

/// What fitting a fresh last layer alone comes to.
public struct HeadOnlyFit: Codable, Hashable, Sendable {
  /// Accuracy on the examples to judge by, before any step and after the last.
  public var start: Double, accuracy: Double
  /// The first number of steps after which the accuracy is at least 95 % of that when the data set was last trained on; nil if it never is.
  public var steps: Int?
  /// Number of examples that it was fitted to.
  public var examples: Int

  /// Creates a fit; every parameter sets the property of the same name.
  public init(accuracy: Double, start: Double, steps: Int?, examples: Int) {
    self.accuracy = accuracy
    self.start = start
    self.steps = steps
    self.examples = examples
  }
}

/// A training or a removal, and what the network is worth to each data set after it.
public struct SequenceChange: Codable, Hashable, Sendable {
  /// Index of the data set that was trained on; nil for a removal.
  public var dataset: Int?
  /// Number of the pass, from 1.
  public var pass: Int
  /// Number of training steps so far.
  public var step: Int
  /// Number of units or weights that are left.
  public var left: Int
  /// Accuracy on each data set's examples to judge by, with its own last layer; nil for those that have none yet.
  public var accuracies: [Accuracy?]
  /// Accuracy on the examples just trained on, at most 5,000 of them, without dropout and augmentation; nil for a removal.
  public var training: Accuracy?

  /// Creates a change; every parameter sets the property of the same name.
  public init(dataset: Int?, pass: Int, step: Int, left: Int, accuracies: [Accuracy?], training: Accuracy? = nil) {
    self.training = training
    self.dataset = dataset
    self.pass = pass
    self.step = step
    self.left = left
    self.accuracies = accuracies
  }
}

/// One network on a sequence of data sets: accuracy on each of them after each training and removal.
public struct SequenceSummary: Codable, Hashable, Sendable {
  /// The sequence in words.
  public var words: String
  /// What is counted as left: `filters`, `units` or `weights`.
  public var things: String
  /// The data sets, in order.
  public var datasets: [SequenceDataset]
  /// The trainings and removals, in order.
  public var changes: [SequenceChange]
  /// The votes, one for each removal; empty if each data set decided alone.
  public var votes: [RemovalVote]
  /// Number of steps of the last layers' fits.
  public var headSteps: Int

  /// Creates a summary; every parameter sets the property of the same name.
  public init(
    words: String, things: String, datasets: [SequenceDataset], changes: [SequenceChange], votes: [RemovalVote], headSteps: Int
  ) {
    self.words = words
    self.things = things
    self.datasets = datasets
    self.changes = changes
    self.votes = votes
    self.headSteps = headSteps
  }

  /// Accuracy on a data set right after each training on it, by pass.
  public func afterTraining(on dataset: Int) -> [Accuracy] {
    changes.filter { $0.dataset == dataset }.compactMap { $0.accuracies.indices.contains(dataset) ? $0.accuracies[dataset] : nil }
  }

  /// Accuracy on a data set at the end.
  public func atEnd(on dataset: Int) -> Accuracy? {
    changes.last.flatMap { $0.accuracies.indices.contains(dataset) ? $0.accuracies[dataset] : nil }
  }

  /// How much accuracy a data set has lost between the last training on it and the end.
  public func forgotten(of dataset: Int) -> Double? {
    guard let then = afterTraining(on: dataset).last, let now = atEnd(on: dataset) else { return nil }
    return then.fraction - now.fraction
  }

  /// Two tables: trainings and removals × accuracy on each data set, and the data sets × what became of them.
  public var text: String { courseTable.text + "\n" + datasetTable.text }

  private var courseTable: TextTable {
    var table = TextTable(
      alignments: [.left, .right, .right] + datasets.map { _ in .right },
      header: ["accuracy after", "\(things) left", "training"] + datasets.map(\.name.inLine))
    for change in changes {
      // Rows come from files that anyone may have written.
      let name = change.dataset.map { index in
        (datasets.indices.contains(index) ? datasets[index].name.inLine : "data set \(index)") + ", pass \(change.pass)"
      }

      table.append(
        [name ?? "  removal", Format.count(change.left)]
          + ([change.training] + change.accuracies).map { $0.map { Format.percent($0.fraction) } ?? "–" })
    }
    return table
  }

  private var datasetTable: TextTable {
    let passes = datasets.indices.map { afterTraining(on: $0).count }.max() ?? 0
    var table = TextTable(
      alignments: [.left, .right] + (0..<(passes + 6)).map { _ in .right },
      header: ["data set", "examples"] + (0..<passes).map { "pass \($0 + 1)" } + [
        "at end", "forgotten", "test", "head alone", "from", "steps",
      ])
    for (index, dataset) in datasets.enumerated() {
      let after = afterTraining(on: index)
      func percent(_ fraction: Double?) -> String { fraction.map { Format.percent($0) } ?? "–" }
      let examples = "\(Format.count(dataset.training)) + \(Format.count(dataset.validation))"
      let trained = (0..<passes).map { $0 < after.count ? percent(after[$0].fraction) : "–" }
      let steps = dataset.fit.map { $0.steps.map { Format.count($0) } ?? "never" } ?? "–"
      table.append(
        [dataset.name.inLine, examples] + trained + [
          percent(atEnd(on: index)?.fraction), forgotten(of: index).map { Format.points($0) } ?? "–", percent(dataset.testAtEnd?.fraction),
          percent(dataset.fit?.accuracy), percent(dataset.fit?.start), steps,
        ])
    }
    return table
  }

  /// What the data sets are judged by, e.g. `validation images (of mnist on test images)`.
  private var judges: String {
    let others = datasets.filter { $0.validation == 0 }
    guard others.count < datasets.count else { return "test images" }
    return "validation images"
      + (others.isEmpty ? "" : " (of \(others.map(\.name.inLine).joined(separator: ", ")) on test images)")
  }

  /// What the tables' numbers are.
  var facts: [(label: String, words: String)] {
    let last = datasets.last.map { "; the model has the last layer of \($0.name.inLine), on which its test accuracy is" } ?? ""
    var facts = [
      ("data sets", words + "; accuracy on \(judges), each with its own last layer; training: on those just trained on" + last)
    ]
    let adapted = datasets.compactMap { dataset in dataset.adaptation.map { "\(dataset.name.inLine): \($0)" } }
    if !adapted.isEmpty { facts.append(("adapted", adapted.joined(separator: "; "))) }
    if !votes.isEmpty {
      facts.append(("votes", votes.map(\.words).joined(separator: "; ")))
    }
    if datasets.contains(where: { $0.fit != nil }) {
      facts.append(
        (
          "head alone",
          "a last layer drawn afresh, everything before it frozen, after \(Format.count(headSteps)) steps; steps to 95 % of the accuracy "
            + "after the last training on the data set"
        ))
    }
    return facts
  }
}
