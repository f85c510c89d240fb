public import ArgumentParser
internal import Datasets
public import Experiments
internal import Pruning
public import Training

/// Options of `--method meta-pruning` alone.
struct MetaPruningOptions: MethodOptionGroup {
  @Option(
    help: ArgumentHelp(
      """
      What lasts beyond a removal of meta-pruning: weights, architecture (weights are drawn afresh), or masks (weights, and gates learn \
      which of them leave); weights by default.
      """, valueName: "part"))
  var meta: MetaPruningPlan.Kept?

  @Option(
    help: ArgumentHelp(
      "Outer update: reptile, fomaml (first order), maml (second order) or mldg (with a pseudo-test); reptile by default.",
      valueName: "name"))
  var outer: OuterUpdate?

  @Option(help: ArgumentHelp("Classes of a task; 5 by default.", valueName: "count"))
  var ways: Int?

  @Option(help: ArgumentHelp("Examples of each class that a task is learned from; 5 by default.", valueName: "count"))
  var shots: Int?

  @Option(help: ArgumentHelp("Further examples of each class, by which a task is judged; 15 by default.", valueName: "count"))
  var queries: Int?

  @Option(help: ArgumentHelp("Tasks of each outer step; 4 by default.", valueName: "count"))
  var tasks: Int?

  @Option(help: ArgumentHelp("SGD steps on each task; 5 by default, for mldg always 1.", valueName: "count"))
  var innerSteps: Int?

  @Option(help: ArgumentHelp("Learning rate of these steps; 0.1 by default.", valueName: "rate"))
  var innerRate: Double?

  @Option(help: ArgumentHelp("Weight of mldg's pseudo-test, a task of other classes; 1 by default.", valueName: "weight"))
  var pseudoTest: Double?

  @Option(
    help: ArgumentHelp(
      "Steps that learn, before each removal of meta-pruning, how it is spread over the layers; without it --scope says so.",
      valueName: "count"))
  var learnFractions: Int?

  @Option(
    help: ArgumentHelp(
      "Gradient of removed weights: recomputed (none), or straight-through (they move on, and may return); recomputed by default.",
      valueName: "rule"))
  var pruneGradient: PruneGradient?

  @Option(
    help: ArgumentHelp(
      "Networks learned beside the pruned one, to compare with: full, random, one-dataset, or none; by default all three.",
      valueName: "names"))
  var controls: String?

  @Option(help: ArgumentHelp("Tasks of each kind that networks are judged by; 100 by default.", valueName: "count"))
  var judgingTasks: Int?

  @Option(help: ArgumentHelp("Steps of the last layer's fit alone, to such a task or data set; 50 by default.", valueName: "count"))
  var headSteps: Int?

  static let methods: KeyValuePairs = [
    "--meta": [name], "--outer": [name], "--ways": [name], "--shots": [name], "--queries": [name], "--tasks": [name],
    "--inner-steps": [name], "--inner-rate": [name], "--pseudo-test": [name], "--prune-gradient": [name], "--learn-fractions": [name],
    "--controls": [name], "--judging-tasks": [name],
    "--head-steps": [name, IntersectionOptions.name],
  ]

  static let name = "meta-pruning"

  /// Options of `prune` that do not go with tasks.
  static let foreign = [
    "--threshold", "--deviations", "--at-start", "--every", "--until", "--slimming", "--l1", "--batch-size", "--evaluate-every",
    "--label-smoothing", "--augment", "--no-augment", "--classes", "--kernels", "--flatness", "--distill",
  ]

  /// Returns the plan that the options describe; nil for another method.
  ///
  /// - Throws: `PlanError` for impossible values.
  func plan(for method: PruningMethod?, keepIf: KeepRule?) throws -> MetaPruningPlan? {
    guard method?.name == Self.name else { return nil }
    var plan = MetaPruningPlan()
    plan.keeps = meta ?? plan.keeps
    plan.learning.update = outer ?? plan.learning.update
    plan.learning.tasks = tasks ?? plan.learning.tasks
    plan.learning.innerRate = innerRate ?? plan.learning.innerRate
    plan.learning.pseudoTest = pseudoTest ?? plan.learning.pseudoTest
    plan.learning.pruneGradient = pruneGradient ?? plan.learning.pruneGradient
    plan.fractionSteps = learnFractions
    plan.keepIf = keepIf
    let isMLDG = plan.learning.update == .mldg
    if isMLDG, let innerSteps, innerSteps != 1 {
      throw PlanError("--inner-steps \(innerSteps) does not go with --outer mldg, which takes one")
    }
    if !isMLDG, pseudoTest != nil { throw PlanError("--pseudo-test goes with --outer mldg, not \(plan.learning.update.rawValue)") }
    plan.learning.innerSteps = isMLDG ? 1 : innerSteps ?? plan.learning.innerSteps
    plan.form = TaskSampler.Form(ways: ways ?? plan.form.ways, shots: shots ?? plan.form.shots, queries: queries ?? plan.form.queries)
    plan.judgingTasks = judgingTasks ?? plan.judgingTasks
    plan.headFit.steps = headSteps ?? plan.headFit.steps
    plan.controls = try parsedControls() ?? (isMLDG ? [.full, .random] : plan.controls)
    try plan.validate()
    return plan
  }

  private func parsedControls() throws -> [MetaPruningPlan.Control]? {
    guard let controls else { return nil }
    if controls == "none" { return [] }
    let found = try controls.split(separator: ",", omittingEmptySubsequences: false).map { name in
      guard let control = MetaPruningPlan.Control(rawValue: String(name)) else {
        throw PlanError(
          "unknown control \(String(name.prefix(80)).debugDescription) in --controls: choose from "
            + MetaPruningPlan.Control.allCases.map(\.rawValue).joined(separator: ", ") + ", or none")
      }
      return control
    }
    if let twice = found.indices.first(where: { found[..<$0].contains(found[$0]) }) {
      throw PlanError("--controls names \(found[twice].rawValue) twice")
    }
    return MetaPruningPlan.Control.allCases.filter(found.contains)
  }
}

extension MetaPruningPlan.Kept: ExpressibleByArgument {}
extension OuterUpdate: ExpressibleByArgument {}
extension PruneGradient: ExpressibleByArgument {}
