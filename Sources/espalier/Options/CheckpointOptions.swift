internal import ArgumentParser
internal import Files
internal import Training

/// Options for checkpoints and reports of a long run; shared by `train` and `prune`.
struct CheckpointOptions: ParsableArguments {
  @Flag(help: "Go on from the checkpoint of an earlier, broken-off run with the same options; from the start if there is none.")
  var resume = false

  @Option(help: ArgumentHelp("Where checkpoints go; beside the output unless given.", valueName: "file"), completion: .file())
  var checkpoint: String?

  @Option(help: ArgumentHelp("How often one is written; each epoch, but at most every 5 s, unless given.", valueName: "step"))
  var checkpointEvery: String?

  @Option(help: ArgumentHelp("Write the row as JSON to this file as well.", valueName: "file"), completion: .file())
  var report: String?

  /// Returns the path of the checkpoint for a run with the given output; nil if the output is a stream and no path was given.
  ///
  /// - Throws: `PlanError` if the run is to resume and there is no such path.
  func path(for output: String) throws -> String? {
    if let checkpoint { return checkpoint }
    guard AtomicFile.isStream(output) else { return output + ".checkpoint" }
    if resume { throw PlanError("--resume needs --checkpoint: \(output) is no file, beside which one could lie") }
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
