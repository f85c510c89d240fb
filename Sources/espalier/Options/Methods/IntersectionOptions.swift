public import ArgumentParser
internal import Datasets
public import Experiments
internal import Pruning
internal import Training

/// Options of `--method intersection` alone.
struct IntersectionOptions: MethodOptionGroup {
  @Option(
    help: ArgumentHelp(
      "Data sets that one network is trained on in turn, in this order, e.g. mnist,kmnist; each has a last layer of its own.",
      valueName: "names"))
  var datasets: String?

  @Option(help: ArgumentHelp("Number of times that each data set is trained on for --epochs; 2 by default.", valueName: "count"))
  var passes: Int?

  @Option(
    help: ArgumentHelp(
      "What becomes of a data set's last layer until it comes again: remembered, or fresh (drawn anew); remembered by default.",
      valueName: "rule"))
  var heads: DataSequence.Heads?

  @Option(
    help: ArgumentHelp(
      """
      Whose word counts: all (each removal is decided by the data set just trained on), or majority or a number (before each pass every \
      data set trains a branch and votes, and what fewer keep leaves first); all by default. For meta-pruning: how many of --tasks tasks \
      must keep a thing after their inner steps: all, majority or a number; by default none votes.
      """, valueName: "rule"))
  var keepIf: KeepRule?

  @Option(
    help: ArgumentHelp("Draw this many training examples anew, with replacement, for each training.", valueName: "examples"))
  var resample: Int?

  static let methods: KeyValuePairs = [
    "--datasets": [name], "--passes": [name], "--heads": [name], "--keep-if": [name, MetaPruningOptions.name], "--resample": [name],
  ]

  static let name = "intersection"

  /// Options of `prune` that do not go with a sequence of data sets.
  static let foreign = ["--rounds", "--recovery", "--every", "--until", "--at-start", "--classes", "--flatness", "--distill"]

  /// Returns the sequence that the options describe; nil for another method.
  ///
  /// - Parameters:
  ///   - data: the plan of one data set by its name.
  ///   - headSteps: number of steps of the last layers' fits; nil for the default.
  /// - Throws: `PlanError` for impossible values.
  func plan(for method: PruningMethod?, dataset: String?, headSteps: Int?, data: (String) throws -> DataPlan) throws -> DataSequence? {
    guard method?.name == Self.name else { return nil }
    guard (datasets == nil) != (dataset == nil) else {
      throw PlanError(
        datasets == nil
          ? "which data sets? give --datasets, e.g. --datasets mnist,kmnist, or one --dataset to --resample"
          : "--datasets and --dataset both name data: give one of them")
    }
    let names = datasets.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? [dataset ?? ""]
    guard !names.contains("") else { throw PlanError("--datasets \(datasets ?? "") has an empty name: separate names by single commas") }
    var sequence = DataSequence(datasets: try names.map(data))
    sequence.passes = passes ?? sequence.passes
    sequence.heads = heads ?? sequence.heads
    sequence.keepIf = keepIf ?? sequence.keepIf
    sequence.resample = resample
    sequence.headFit.steps = headSteps ?? sequence.headFit.steps
    try sequence.validate()
    return sequence
  }
}

extension DataSequence.Heads: ExpressibleByArgument {}

extension KeepRule: ExpressibleByArgument {
  /// Parses `all`, `majority` or a number from 1.
  public init?(argument: String) { self.init(argument) }
}
