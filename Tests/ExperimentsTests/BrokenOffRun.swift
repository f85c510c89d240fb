import Experiments
import Foundation
import TestSupport
import Testing
import Torch
import Training

/// An experiment that was broken off after so many steps, taken up again from its checkpoint, as often as there are numbers, and ended.
struct BrokenOffRun {
  /// The model file's bytes.
  let file: Data
  /// The last runner.
  let runner: Runner

  init(_ experiment: Experiment, breakingAfter steps: [Int] = [], device: Device = .cpu) throws {
    let folder = try TemporaryDirectory()
    let checkpoint = folder.file("run.checkpoint")
    for limit in steps {
      var count = 0
      let runner = try Runner(
        experiment,
        options: .init(
          checkpoint: checkpoint, checkpointEvery: .iterations(5), resume: true, device: device,
          interrupted: {
            count += 1
            return count == limit
          }))
      #expect(throws: TrainingError.self) { try runner.run() }
    }
    runner = try Runner(experiment, options: .init(checkpoint: checkpoint, resume: true, device: device))
    try runner.run()
    let path = folder.file("model.safetensors")
    try runner.file().write(to: path)
    file = try Data(contentsOf: URL(fileURLWithPath: path))
  }
}
