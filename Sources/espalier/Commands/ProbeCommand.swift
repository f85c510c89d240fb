internal import ArgumentParser
internal import Experiments
internal import Files
internal import Foundation
internal import Interchange
internal import Pruning
internal import Results
internal import Training

/// `espalier probe`: pruning penalties of a model, or during a training.
struct ProbeCommand: CheckedCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe",
    abstract: "Measure what pruning would cost, by several scorers, with mean replacement.",
    discussion: """
      A penalty is the loss after units were removed minus the loss before. Six
      scorers choose units in copies of the model; each choice is measured as it
      is, and with the means of the removed units moved into the biases of the
      layers after them (Mean Replacement Pruning, 2019).

      A given model:
        espalier probe dense.safetensors --fractions 0.1,0.5
        espalier probe dense.safetensors --counts 1 --layers all,lastConv \\
          --rows penalties.csv

      A training from scratch, probed at regular steps, which does not affect
      it; then shares, profiles and curves over all seeds:
        espalier probe --network small-conv --dataset cifar-10 --steps 25000it \\
          --every 1000it --fractions 0.1,0.2,0.5 --seeds 3 --output study \\
          --mean-at output,consumer
        espalier probe --analyse study --json

      After an interruption the same command continues. Rows are in
      study/seed-N.csv, one penalty per line. With --retrain, copies are also
      trained on the batches that come next before they are measured:
        espalier probe --network small-conv --dataset cifar-10 --steps 25000it \\
          --every 5000it --fractions 0.2 --retrain 10,100,500 \\
          --retrain-at 5000it,25000it --output retrained
      """)

  /// The help texts of the options that choose a model.
  enum Words: ModelWords {
    static let network = "A network of the catalogue, trained from scratch or probed with --weights; or an ONNX model."
  }

  @OptionGroup var given: ModelOptions<Words>

  @Option(
    help: ArgumentHelp("Analyse the rows in this folder, without training; may be repeated.", valueName: "folder"), completion: .directory)
  var analyse: [String] = []

  @OptionGroup(title: "Probe") var probe: ProbeOptions
  @OptionGroup(title: "Training with probes") var training: ProbedTrainingOptions
  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Run") var running: RunOptions

  @Option(help: ArgumentHelp("Write the rows of a model's probe to this file.", valueName: "file"), completion: .file())
  var rows: String?

  @Option(
    help: ArgumentHelp("Write the row of a training, with what its probes say, as JSON to this file.", valueName: "file"),
    completion: .file())
  var report: String?

  @Flag(help: "Show no progress.")
  var quiet = false

  @Flag(help: "Print rows (of a model) or analyses (of trainings) as JSON.")
  var json = false

  func check() throws {
    guard [given.model != nil, given.network != nil, !analyse.isEmpty].count(where: \.self) == 1 else {
      throw ValidationError("give a model file, --network, or --analyse with a folder")
    }
    if given.weights != nil, given.network == nil { throw ValidationError("--weights needs --network") }
    try given.checkWeights()
    if running.device != .cpu { throw ValidationError("--device \(running.device) does not go with probes, which run on the CPU") }
    let trains = given.network != nil && !given.hasWeights
    if trains, training.output == nil { throw ValidationError("a training with probes needs --output with a folder for its rows") }
    if trains, rows != nil { throw ValidationError("--rows is for the probe of a model: a training writes its rows to --output") }
    if !trains, report != nil { throw ValidationError("--report is for a training with probes: give --network without --weights") }
    if report != nil, training.seeds != 1 { throw ValidationError("--report is for one training: leave --seeds out") }
    if !trains, probe.retrain != nil { throw ValidationError("--retrain needs a training: give --network without --weights") }
  }

  func run() throws {
    if let twice = analyse.indices.first(where: { index in
      analyse[..<index].contains { FileIdentity($0) == FileIdentity(analyse[index]) }
    }) {
      throw ValidationError("--analyse \(analyse[twice]) is given twice: its rows would count twice")
    }
    if !analyse.isEmpty { return try show(ProbeStudy.analysis(of: analyse, lateStart: probe.lateStart)) }
    try running.apply()
    do {
      if let network = given.network, !given.hasWeights { try train(network) } else { try look() }
    } catch let error as PruningError {
      // Unlike in `prune`, layers are chosen here by --layers, not by --ignore.
      throw PlanError(error.words { _ in "name others with --layers" })
    }
  }

  private func look() throws {
    // Before any file is read, so that errors in what was typed come first.
    let probes = try probe.probes(seed: running.seed)
    var outputs = Outputs()
    outputs.add("--rows", rows, as: .text)
    outputs.keep("the model", given.model)
    outputs.keep("--weights", given.weights)
    try outputs.check()
    defer { withExtendedLifetime(outputs) {} }
    let plan = try data.plan(seed: running.seed, fallback: given.trainingDataset())
    plan.files.forEach { outputs.keep("a file of \(plan.dataset)", $0) }
    try outputs.checkApart()
    let result = try Experiment.probe(
      given.start, on: plan, probes: probes, memory: running.memory, reader: .files,
      note: { if !quiet { Console.note($0) } })
    if let rows { try Console.write(PenaltyTable.text(result.rows), to: rows) }
    if json { try printJSON(result.rows) } else { try Console.print(PenaltyTable.summary(result.rows)) }
  }

  /// Returns the training with probes that the options describe.
  ///
  /// - Throws: `PlanError` and `PruningError` for an impossible study.
  func study(_ network: String) throws -> ProbeStudy {
    // Each run replaces the seed: a folder can take further seeds of the same study.
    var plan = try data.plan(seed: 0)
    // The paper trains on all images, and nothing is selected by validation.
    plan.validation = data.validation ?? 0
    return ProbeStudy(
      network: network, data: plan, training: try training.plan(), probes: try probe.probes(seed: 0),
      every: try training.interval(), atStart: training.atStart)
  }

  private func train(_ network: String) throws {
    guard let folder = training.output else { return }
    let study = try study(network)
    let seeds = try running.seeds(training.seeds)
    try Outputs.checkFolder(folder)
    var outputs = Outputs()
    outputs.add("--report", report, as: .text)
    study.data.files.forEach { outputs.keep("a file of \(study.data.dataset)", $0) }
    try outputs.check()
    defer { withExtendedLifetime(outputs) {} }
    if let report, let seed = seeds.first, study.isFinished(seed: seed, in: folder), !FileManager.default.fileExists(atPath: report) {
      throw PlanError("seed \(seed) is finished in \(folder), and --report is written when a training ends: give another --output")
    }
    let display = ProgressDisplay(quiet: quiet)
    defer { display.finish() }
    do {
      try study.run(
        seeds: seeds, into: folder,
        options: .init(
          memory: running.memory, report: { display.report($0.moment) }, note: { display.note($0) },
          didBegin: { Interrupt.outcome = "repeat the command to continue from what is in \(folder)" },
          row: report.map { path in
            .init(command: CommandLine.arguments, version: Espalier.version) { try Console.write($0.json(), to: path) }
          }))
    } catch let error as CocoaError {
      throw OutputError(path: folder, underlying: error)
    }
    display.finish()
    try show(ProbeStudy.analysis(of: [folder], lateStart: probe.lateStart))
  }

  private func show(_ analysis: PenaltyAnalysis) throws {
    if json { try printJSON(analysis) } else { try Console.print(analysis.text) }
  }

  private func printJSON(_ value: some Encodable) throws {
    try Console.print(Format.json(value))
  }
}
