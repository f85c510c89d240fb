internal import ArgumentParser
internal import Experiments
internal import Interchange
internal import Pruning
internal import Results
internal import Training

/// `espalier sensitivity`: the accuracy with each layer pruned alone.
struct SensitivityCommand: CheckedCommand {
  static let configuration = CommandConfiguration(
    commandName: "sensitivity",
    abstract: "Measure how much accuracy is lost if each layer is pruned alone.",
    discussion: """
      For every layer and fraction, the lowest scores of that layer alone are
      removed from a copy of the model, which is evaluated on the validation
      images without retraining (Li et al. 2017, figure 2). Layers whose curve
      stays flat can be pruned hard.

        espalier sensitivity dense.safetensors --granularity filter --criterion l1
        espalier sensitivity --network resnet-20 --weights resnet20.safetensors \\
          --dataset cifar-10 --granularity unit --fractions 0.25,0.5 --json
      """)

  @OptionGroup var given: ModelOptions<TrainedModelWords>

  @Option(help: ArgumentHelp("What is removed: weight, unit or filter.", valueName: "kind"))
  var granularity: Granularity = .unit

  @Option(help: ArgumentHelp("The score; by default magnitude for weights and l1 for units and filters.", valueName: "name"))
  var criterion: String?

  @Option(help: ArgumentHelp("Fractions of each layer to remove, e.g. 0.1,0.5,0.9.", valueName: "fractions"))
  var fractions = "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9"

  @Option(help: ArgumentHelp("How a fraction becomes a count: round, floor or ceil.", valueName: "mode"))
  var rounding: Rounding = .round

  @Option(help: ArgumentHelp("Layer to leave out; * and ? are wildcards; may be repeated.", valueName: "layer"))
  var ignore: [String] = []

  @Option(help: ArgumentHelp("Training images for data-driven criteria.", valueName: "images"))
  var examples = 1000

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Run") var running: RunOptions

  @Flag(help: "Show no progress.")
  var quiet = false

  @Flag(help: "Print the points as JSON.")
  var json = false

  func check() throws { try given.requireTrained("untrained weights say nothing") }

  /// Returns the data plan, by default with the data set that the model file was trained on.
  func plan() throws -> DataPlan { try data.plan(seed: running.seed, fallback: given.trainingDataset()) }

  /// Returns the criterion, granularity and fractions to scan.
  ///
  /// - Throws: `PlanError` and `PruningError` for an impossible scan.
  func scan() throws -> SensitivityScan {
    guard examples >= 1 else { throw PlanError("--examples \(examples) is impossible: give at least 1") }
    return SensitivityScan(
      try Criterion(named: criterion ?? (granularity == .weight ? "magnitude" : "l1")), granularity: granularity,
      fractions: try fractions.split(separator: ",").map { try Fraction.parse(String($0), option: "--fractions") }, rounding: rounding)
  }

  func run() throws {
    let (scan, plan) = (try scan(), try plan())
    try running.apply()
    let display = ProgressDisplay(quiet: quiet)
    defer { display.finish() }
    let result = try Experiment.sensitivity(
      given.start, on: plan, scan: scan, ignoring: ignore, examples: examples, device: running.torchDevice, memory: running.memory,
      reader: .files, note: { display.note($0) }
    ) { point in
      display.note("\(point.layer): \(point.removed) of \(point.total) removed, accuracy \(Format.percent(point.accuracy))")
    }
    display.finish()
    try Console.print(json ? Format.json(result) : result.text)
  }
}
