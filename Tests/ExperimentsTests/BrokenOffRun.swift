import Experiments
import Foundation
import TestSupport
import Testing
import Torch
import Training

/// An experiment that was broken off after so many steps, taken up again from its checkpoint, as often as there are numbers, and ended.
struct BrokenOffRun {
  /// The model file's bytes.
  let model: Data
  /// The model file's bytes, and behind them those of the metrics.
  let file: Data
  /// The lines of the metrics.
  let metrics: [String]
  /// The last runner.
  let runner: Runner

  init(_ experiment: Experiment, breakingAfter steps: [Int] = [], device: Device = .cpu) throws {
    let folder = try TemporaryDirectory()
    let (checkpoint, metrics) = (folder.file("run.checkpoint"), folder.file("metrics.jsonl"))
    for limit in steps {
      var count = 0
      let runner = try Runner(
        experiment,
        options: .init(
          checkpoint: checkpoint, checkpointEvery: .iterations(5), resume: true, device: device,
          interrupted: {
            count += 1
            return count == limit
          }, observers: [MetricsFile(metrics)]))
      #expect(throws: TrainingError.self) { try runner.run() }
      // What comes after the checkpoint of a run that is killed.
      let after = try FileHandle(forUpdating: URL(fileURLWithPath: metrics))
      try after.seekToEnd()
      try after.write(contentsOf: Data("{\"moment\":\"lost\"}\n{\"mom".utf8))
      try after.close()
    }
    runner = try Runner(experiment, options: .init(checkpoint: checkpoint, resume: true, device: device, observers: [MetricsFile(metrics)]))
    try runner.run()
    let path = folder.file("model.safetensors")
    try runner.file().write(to: path)
    let lines = try Data(contentsOf: URL(fileURLWithPath: metrics))
    model = try Data(contentsOf: URL(fileURLWithPath: path))
    file = model + lines
    self.metrics = String(decoding: lines, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}
