/// What a network is worth to new tasks, after the last layer alone was fitted to each.
public struct HeadAccuracy: Codable, Hashable, Sendable {
  /// Number of classes of a task.
  public var ways: Int
  /// Number of tasks.
  public var tasks: Int
  /// Mean accuracy over the tasks.
  public var accuracy: Double
  /// Standard error of that mean, from the spread over tasks; nil for a single task.
  public var standardError: Double?
  /// Number of steps after which 95 % of the final accuracy was reached.
  public var steps: Int

  /// Creates an accuracy; every parameter sets the property of the same name.
  public init(ways: Int, tasks: Int, accuracy: Double, standardError: Double?, steps: Int) {
    self.ways = ways
    self.tasks = tasks
    self.accuracy = accuracy
    self.standardError = tasks > 1 ? standardError : nil
    self.steps = steps
  }

  fileprivate var words: String { Format.percent(accuracy, standardError: standardError) }
}

/// One of the networks that a meta-pruning compares: the pruned one or a control.
public struct MetaArm: Codable, Hashable, Sendable {
  /// Name of the arm: `pruned`, or that of a control.
  public var name: String
  /// Weights that it keeps.
  public var weights: Int
  /// Accuracy on new tasks of the classes that it learned from.
  public var training: HeadAccuracy
  /// Accuracy on tasks of classes that it has never seen.
  public var unseen: HeadAccuracy
  /// Seconds that it was trained and judged.
  public var seconds: Double

  /// Creates an arm; every parameter sets the property of the same name.
  public init(name: String, weights: Int, training: HeadAccuracy, unseen: HeadAccuracy, seconds: Double) {
    self.name = name
    self.weights = weights
    self.training = training
    self.unseen = unseen
    self.seconds = seconds
  }
}

/// A meta-pruning beside its controls, all judged on the same tasks.
public struct MetaSummary: Codable, Hashable, Sendable {
  /// How the weights were learned, in words.
  public var learning: String
  /// Number of classes that tasks were learned from, that accompanied the training, and that were unseen.
  public var classes: [Int]
  /// Number of steps of the last layer's fit.
  public var headSteps: Int
  /// The networks that are compared.
  public var arms: [MetaArm]

  /// Creates a summary; every parameter sets the property of the same name.
  public init(learning: String, classes: [Int], headSteps: Int, arms: [MetaArm]) {
    self.learning = learning
    self.classes = classes
    self.headSteps = headSteps
    self.arms = arms
  }

  /// A table of the networks × their accuracies on training and on unseen classes.
  public var text: String {
    var table = TextTable(
      alignments: [.left, .right, .right, .right, .right, .right, .right],
      header: ["last layer fitted alone", "weights", "training classes", "steps", "unseen classes", "steps", "training"])
    for arm in arms {
      table.append([
        arm.name, Format.count(arm.weights), arm.training.words, Format.count(arm.training.steps), arm.unseen.words,
        Format.count(arm.unseen.steps), Format.duration(arm.seconds),
      ])
    }
    return table.text
  }

  /// What the table's numbers are, in one line.
  var words: String {
    guard let arm = arms.last else { return learning }
    let unseen = arm.unseen.ways == arm.training.ways ? "" : " (\(arm.unseen.ways)-way)"
    let counts = classes.map { Format.count($0) }
    let split = counts.count == 3 ? "\(counts[0]) classes to learn from, \(counts[1]) for validation, \(counts[2]) unseen\(unseen); " : ""
    return "\(learning); \(split)mean of \(Format.count(arm.unseen.tasks)) tasks ± standard error; steps of \(Format.count(headSteps)) to "
      + "95 % of the final accuracy"
  }
}
