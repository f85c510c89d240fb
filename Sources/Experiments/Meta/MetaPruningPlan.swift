public import Datasets
public import Training

/// How tasks are learned while a network is pruned, and what the result is compared with.
public struct MetaPruningPlan: Codable, Hashable, Sendable {
  /// What lasts beyond a removal.
  public enum Kept: String, Codable, Hashable, Sendable, CaseIterable {
    /// The weights that are left, which learning goes on with (Algorithm 1).
    case weights
    /// Only which weights or units are left: they are initialised afresh after each removal (Algorithm 2).
    case architecture
    /// The weights that are left; which of the linear layers' leave is learned as weights are, by ln α of gates on them (`MetaGates`).
    case masks

    var words: String {
      switch self {
      case .weights: "weights kept"
      case .architecture: "weights drawn afresh after each removal"
      case .masks: "masks learned"
      }
    }
  }

  /// A network that is learned beside the pruned one, from the same initial weights by as many steps on the same tasks.
  public enum Control: String, Codable, Hashable, Sendable, CaseIterable {
    /// The full network, never pruned.
    case full
    /// A network of equal size in which chance decided what is left.
    case random
    /// The same method on one data set: all of its tasks have the same N classes.
    case oneDataset = "one-dataset"
  }

  /// What lasts beyond a removal.
  public var keeps: Kept
  /// How the weights are learned that tasks start from.
  public var learning: MetaPlan
  /// Classes and examples of a task.
  public var form: TaskSampler.Form
  /// Number of steps that learn, before each removal, how it is spread over the layers; nil to spread it as the pruning plan says.
  public var fractionSteps: Int?
  /// How many of a step's number of tasks must keep a thing after their inner steps so that it stays; nil if the weights that tasks start
  /// from decide alone.
  public var keepIf: KeepRule?
  /// The networks to compare with, in the order in which they are learned: before the pruned one.
  public var controls: [Control]
  /// Number of tasks of each kind that networks are judged by.
  public var judgingTasks: Int
  /// The fit of the last layer to these tasks.
  public var headFit: HeadFit

  /// Creates a plan; every parameter sets the property of the same name.
  public init(
    keeps: Kept = .weights, learning: MetaPlan = MetaPlan(), form: TaskSampler.Form = .init(), fractionSteps: Int? = nil,
    keepIf: KeepRule? = nil, controls: [Control] = Control.allCases, judgingTasks: Int = 100, headFit: HeadFit = HeadFit()
  ) {
    self.keeps = keeps
    self.learning = learning
    self.form = form
    self.fractionSteps = fractionSteps
    self.keepIf = keepIf
    self.controls = controls
    self.judgingTasks = judgingTasks
    self.headFit = headFit
  }

  /// Most examples that one forward pass, or the graph that is differentiated through inner steps, holds at once.
  public var examplesAtOnce: Int {
    let (shots, queries) = (form.shots, form.queries)
    let perClass =
      learning.update.isSecondOrder ? shots.multipliedReportingOverflow(by: learning.innerSteps).partialValue : max(shots, queries)
    let (sum, overflow) = perClass.addingReportingOverflow(learning.update.isSecondOrder ? queries : 0)
    let (product, overflows) = sum.multipliedReportingOverflow(by: form.ways)
    return overflow || overflows || product < 1 ? .max : product
  }

  /// Checks the plan by itself.
  ///
  /// - Throws: `PlanError` for impossible numbers.
  public func validate() throws {
    func check(_ option: String, _ count: Int, from least: Int) throws {
      guard (least...10_000).contains(count) else { throw PlanError("\(option) \(count) is impossible: give \(least) to 10000") }
    }
    try check("--ways", form.ways, from: 2)
    try check("--shots", form.shots, from: 1)
    try check("--queries", form.queries, from: 1)
    if let fractionSteps { try check("--learn-fractions", fractionSteps, from: 1) }
    try check("--judging-tasks", judgingTasks, from: 1)
    try learning.validate()
    try headFit.validate()
    if let keepIf {
      guard learning.tasks > 1, (1...learning.tasks).contains(keepIf.quorum(of: learning.tasks)) else {
        throw PlanError(
          learning.tasks > 1
            ? "--keep-if \(keepIf) is impossible: of \(learning.tasks) tasks, give 1 to \(learning.tasks)"
            : "--keep-if \(keepIf) lets tasks vote, and there is one: give --tasks 2 or more")
      }
      if keeps == .masks { throw PlanError("--keep-if does not go with --meta masks, whose gates decide what leaves") }
    }
    if keeps == .masks, fractionSteps != nil {
      throw PlanError("--learn-fractions does not go with --meta masks, whose gates decide what each layer keeps")
    }
    if keeps == .masks, learning.pruneGradient == .straightThrough {
      throw PlanError("--prune-gradient straight-through does not go with --meta masks: gates decide what may return, until it leaves")
    }
  }

  /// Description, e.g. `reptile, 4 tasks a step, 5 inner steps at 0.1, 5-way 5-shot, 15 queries; weights kept`.
  public var words: String {
    let steps = learning.update == .mldg ? 1 : learning.innerSteps
    return "\(learning.update.rawValue), \(learning.tasks) task\(learning.tasks == 1 ? "" : "s") a step, \(steps) inner "
      + "step\(steps == 1 ? "" : "s") at \(learning.innerRate), \(form.ways)-way \(form.shots)-shot, \(form.queries) queries; "
      + (fractionSteps.map { "fractions of layers learned in \($0) step\($0 == 1 ? "" : "s"); " } ?? "")
      + (keepIf.map { "kept if \($0.quorum(of: learning.tasks)) of \(learning.tasks) tasks keep it; " } ?? "")
      + (learning.pruneGradient == .straightThrough ? "prune steps passed straight through; " : "")
      + keeps.words
  }
}
