internal import ArgumentParser
internal import Experiments
internal import Foundation
internal import Results
internal import Torch
internal import Training

/// Checkpoints and reports of a long run; shared by `train` and `prune`.
struct CheckpointOptions: ParsableArguments {
  @Flag(help: "Go on from the checkpoint of an earlier, broken-off run with the same options; from the start if there is none.")
  var resume = false

  @Option(help: ArgumentHelp("Where checkpoints go; beside the output unless given.", valueName: "file"))
  var checkpoint: String?

  @Option(help: ArgumentHelp("How often one is written; each epoch, but at most every 5 s, unless given.", valueName: "step"))
  var checkpointEvery: String?

  @Option(help: ArgumentHelp("Write the row as JSON to this file as well.", valueName: "file"))
  var report: String?

  func path(for output: String) -> String { checkpoint ?? output + ".checkpoint" }
}

/// Runs an experiment for a command: progress, Ctrl-C, the model file, the row.
struct ExperimentRun {
  var experiment: Experiment
  var run: RunOptions
  var output: OutputOptions
  var checkpoints: CheckpointOptions
  /// Where the model file goes.
  var path: String
  /// Whether trainings compute with the kept weights only.
  var sparse: SparseTraining.Choice = .automatic
  /// Whether surgeries are proved.
  var proves = true
  /// Whether the row shows what is kept of each layer's weights.
  var showsLayers = false

  func callAsFunction() throws {
    let checkpointEvery = try checkpoints.checkpointEvery.map { try Step($0, option: "--checkpoint-every") }
    try requireWritable(path)
    try run.apply()
    let display = ProgressDisplay(quiet: output.quiet)
    defer { display.finish() }
    let checkpoint = checkpoints.path(for: path)
    Interrupt.install()
    let runner = try Runner(
      experiment,
      options: Runner.Options(
        checkpoint: checkpoint, checkpointEvery: checkpointEvery, resume: checkpoints.resume,
        device: run.torchDevice, sparse: SparseTraining(sparse), proves: proves, memory: run.memory,
        interrupted: { Interrupt.isRequested }, report: { display.report($0.moment) }, note: { display.note($0) }))
    do { try runner.run() } catch let error as TrainingError {
      display.finish()
      if case .interrupted = error {
        // Also when quiet: without it the work would seem lost.
        Console.note("the checkpoint is \(checkpoint); the same command with --resume goes on from it\n")
      }
      throw error
    }
    try runner.file().write(to: path)
    display.finish()
    let row = try runner.row(command: CommandLine.arguments, version: Espalier.version, file: path)
    if let report = checkpoints.report { try Console.write(row.json(), to: report) }
    try? FileManager.default.removeItem(atPath: checkpoint)
    try output.print(row, showsLayers: showsLayers)
    display.note("wrote \(path)")
  }

  /// Hours of training must not end at a folder that was never there.
  private func requireWritable(_ path: String) throws {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
      throw UnwritableOutput("cannot write \(path): there is no folder \(folder)")
    }
    guard FileManager.default.isWritableFile(atPath: folder) else {
      throw UnwritableOutput("cannot write \(path): the folder \(folder) is not writable")
    }
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      throw UnwritableOutput("cannot write \(path): it is a folder")
    }
  }
}

/// An output that could not be made, known before any work is done.
struct UnwritableOutput: ReportedError, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
  var exitStatus: ExitStatus { .cannotCreate }
}

extension RunProgress {
  var moment: ProgressDisplay.Moment {
    ProgressDisplay.Moment(
      phase: phase, done: training.iteration, total: training.total, perEpoch: training.iterationsPerEpoch, loss: training.loss,
      accuracy: training.evaluation?.validation?.accuracy, isMilestone: training.evaluation != nil)
  }
}
