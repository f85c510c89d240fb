internal import ArgumentParser
internal import Experiments
internal import Foundation
internal import Interchange
internal import Results
internal import Torch
internal import Training

/// Runs an experiment for a command, with progress, Ctrl-C, model file and row.
struct ExperimentRun {
  var experiment: Experiment
  var run: RunOptions
  var output: OutputOptions
  var checkpoints: CheckpointOptions
  /// Path of the model file to write.
  var path: String
  /// The kernels that train fully connected networks.
  var kernels: TrainingKernels.Choice = .automatic
  /// Whether every surgery is proved.
  var proves = true
  /// Batch sizes whose latency the row shows; empty for none, nil for the usual ones.
  var latencyBatches: [Int]?
  /// Whether the row shows the kept weights of each layer.
  var showsLayers = false
  /// Whether the model file is packed.
  var packs = false
  /// Whether an ONNX file is written in place of a model file.
  private var isONNX: Bool { path.hasONNXEnding }

  /// Returns the options of the runner that the command's options describe.
  func options() throws -> Runner.Options {
    Runner.Options(
      checkpoint: try checkpoints.path(for: path), output: path, checkpointEvery: try checkpoints.interval(), resume: checkpoints.resume,
      device: run.torchDevice, kernels: TrainingKernels(kernels), mostThreads: run.threads == nil ? Machine.physicalCores : nil,
      proves: proves, reader: .files,
      memory: run.memory)
  }

  func callAsFunction() throws {
    var options = try options()
    let outputs = try checkedOutputs()
    let report = try checkpoints.report.map { try RowReport($0) }
    defer { withExtendedLifetime(outputs) {} }
    try run.apply()
    let display = ProgressDisplay(quiet: output.quiet)
    defer { display.finish() }
    options.report = { display.report($0.moment) }
    options.note = { display.note($0) }
    options.observers = observers { display.note($0) }
    let checkpoint = options.checkpoint ?? ""
    options.didCheckpoint = { Interrupt.outcome = "the checkpoint is \(checkpoint); repeat the command with --resume to continue from it" }
    Interrupt.outcome = "nothing was written"
    let runner = try Runner(experiment, options: options)
    if isONNX { try ONNXExport.check(runner.model.network) }
    do { try runner.run() } catch let error as TrainingError {
      display.finish()
      if error.isNonFinite, runner.hasCheckpoint { Console.note("the last checkpoint is kept: \(checkpoint)") }
      throw error
    }
    if isONNX { try runner.file().writeONNX(to: path) } else { try runner.file().write(to: path, form: packs ? .packed : .plain) }
    let again = runner.hasCheckpoint ? "repeat the command with --resume to measure it" : "the same command starts anew"
    Interrupt.outcome = "\(path) was written, but its row was not measured; \(again)"
    display.finish()
    var row = try runner.row(command: CommandLine.arguments, version: Espalier.version, file: path, latencyBatches: latencyBatches)
    if packs { row.pruned?.gzipBytes = try runner.file().gzipByteCount() }
    try report?.write(row)
    try output.print(row, showsLayers: showsLayers)
    // Until here --resume could still measure and show the row again.
    runner.removeCheckpoint()
    display.note("wrote \(path)")
  }

  /// What shall learn the moments of the run.
  private func observers(note: @escaping (String) -> Void) -> [any RunObserver] {
    let metrics = checkpoints.metrics.map { MetricsFile($0, note: note) as any RunObserver }
    let board = checkpoints.tensorboard.map { TensorBoardLog($0, command: CommandLine.arguments, note: note) as any RunObserver }
    return [metrics, board].compactMap(\.self)
  }

  private func checkedOutputs() throws -> Outputs {
    var outputs = Outputs()
    outputs.add("--output", path, as: isONNX ? .file : .model)
    outputs.add("the checkpoint", try checkpoints.path(for: path), as: .file)
    outputs.add("--report", checkpoints.report, as: .text)
    outputs.add("--metrics", checkpoints.metrics, as: .file)
    if let folder = checkpoints.tensorboard { try Outputs.checkFolder(folder) }
    switch experiment.start {
    case .file(let model): outputs.keep("the model", model, isModel: true)
    case .imported(let model): outputs.keep("the model", model)
    case .network(_, let weights): outputs.keep("--weights", weights?.path, isModel: true)
    }
    outputs.keep("--teacher", experiment.distillation?.teacher)
    experiment.data?.files.forEach { outputs.keep("a file of \(experiment.data?.dataset ?? "")", $0) }
    try outputs.check()
    return outputs
  }
}

extension RunProgress {
  var moment: ProgressDisplay.Moment {
    ProgressDisplay.Moment(
      phase: phase, done: training.iteration, total: training.total, perEpoch: training.iterationsPerEpoch, loss: training.loss,
      accuracy: training.evaluation?.validation?.accuracy, isMilestone: training.evaluation != nil)
  }
}
