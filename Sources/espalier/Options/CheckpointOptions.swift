internal import ArgumentParser
internal import Files
internal import Training

/// Options for checkpoints and reports of a long run; shared by `train` and `prune`.
struct CheckpointOptions: ParsableArguments {
  @Flag(help: "Resume from the checkpoint of an interrupted run with the same options; start anew if there is none.")
  var resume = false

  @Option(help: ArgumentHelp("Path of the checkpoint; by default beside the output.", valueName: "file"), completion: .file())
  var checkpoint: String?

  @Option(help: ArgumentHelp("Interval between checkpoints; by default each epoch, but at most every 5 s.", valueName: "step"))
  var checkpointEvery: String?

  @Option(
    help: ArgumentHelp("Also write the row: .json, or as a page or tables of espalier report, .html, .md or .tex.", valueName: "file"),
    completion: .file())
  var report: String?

  @Option(
    help: ArgumentHelp("Also write evaluations and removals to this file as they happen, a line of JSON each.", valueName: "file"),
    completion: .file(extensions: ["jsonl"]))
  var metrics: String?

  @Option(
    help: ArgumentHelp("Also write event files for TensorBoard to this folder, one run in each.", valueName: "folder"),
    completion: .directory)
  var tensorboard: String?

  /// Returns the path of the checkpoint for a run with the given output; nil if the output is a stream and no path was given.
  ///
  /// - Throws: `PlanError` if the run is to resume and there is no such path.
  func path(for output: String) throws -> String? {
    if let checkpoint { return checkpoint }
    guard AtomicFile.isStream(output) else { return output + ".checkpoint" }
    if resume { throw PlanError("--resume needs --checkpoint: \(output) is not a file that it could lie beside") }
    return nil
  }

  /// Returns the value of --checkpoint-every; nil if it was not given.
  ///
  /// - Throws: `PlanError` for an impossible interval.
  func interval() throws -> Step? {
    let interval = try checkpointEvery.map { try Step($0, option: "--checkpoint-every") }
    if let interval, interval.iterations(perEpoch: 1) < 1 {
      throw PlanError("--checkpoint-every \(interval) is impossible: give at least 1ep or 1it")
    }
    return interval
  }
}
