import Experiments
import Files
import Foundation
import Pruning
import Results
import TestSupport
import Testing
import Torch
import Training

/// What lies where a run's checkpoint goes, and runs whose model replaces what it was made of.
@Suite(.serialized) struct SavedRunTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private let network = Experiment.Start.network("mlp:64-20-10", weights: nil)

  private func experiment(_ start: Experiment.Start, _ granularity: Granularity = .weight) -> Experiment {
    Experiment(
      start: start, data: nil, training: nil,
      pruning: PruningPlan(
        criterion: granularity == .weight ? .magnitude : .l2, granularity: granularity, scope: .layer, amount: .perEvent(0.5),
        timing: .rounds(1, recovery: .iterations(0)), seed: 3))
  }

  private func options(_ path: String, resume: Bool = false) -> Runner.Options {
    .init(checkpoint: path + ".checkpoint", output: path, resume: resume)
  }

  private func write(_ path: String) throws {
    let runner = try Runner(Experiment(start: network, data: nil, training: nil))
    try runner.run()
    try runner.file().write(to: path)
  }

  /// The dense file is the one that the run began with, also where the model has taken its place since.
  @Test func theSizeOfTheFileThatTheRunBeganWith() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("m.st")
    try write(path)
    let size = try RegularFile(path).size
    let pruned = experiment(.file(path), .unit)
    for resume in [false, true, true] {
      let runner = try Runner(pruned, options: options(path, resume: resume))
      try runner.run()
      try runner.file().write(to: path)
      #expect(try RegularFile(path).size < size)
      #expect(try runner.row(command: [], version: "", file: path, latencyBatches: []).dense.fileBytes == size)
    }
  }

  /// Killed between the writing of the model and the end of its row, and taken up again: as often as that happens, nothing is pruned twice.
  @Test(arguments: ["file", "link", "weights", "units of weights", "units"])
  func inPlaceOfItsOwnInput(kind: String) throws {
    let folder = try TemporaryDirectory()
    let (path, link) = (folder.file("m.st"), folder.file("link.st"))
    try write(path)
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "m.st")
    let start: Experiment.Start =
      kind.hasSuffix("weights") ? .network("mlp:64-20-10", weights: GivenWeights(path)) : .file(kind == "link" ? link : path)
    let pruned = experiment(start, kind.hasPrefix("units") ? .unit : .weight)
    // What an unbroken run gives.
    let whole = try Runner(pruned)
    try whole.run()
    try whole.file().write(to: folder.file("whole.st"))
    let expected = try RegularFile.read(folder.file("whole.st"), limit: 1 << 20)
    let untouched = try Runner(pruned, options: options(path))
    try untouched.run()
    #expect(FileManager.default.fileExists(atPath: path + ".checkpoint"), "before the model is written")
    for _ in 0..<3 {
      let runner = try Runner(pruned, options: options(path, resume: true))
      try runner.run()
      try runner.file().write(to: path)
      #expect(try RegularFile.read(path, limit: 1 << 20) == expected)
      let (row, wholeRow) = try (
        runner.row(command: [], version: "", file: path, latencyBatches: []),
        whole.row(command: [], version: "", file: folder.file("whole.st"), latencyBatches: [])
      )
      #expect(
        row.weights == wholeRow.weights && row.units == wholeRow.units && row.pruned == wholeRow.pruned && row.dense == wholeRow.dense)
    }
    let last = try Runner(pruned, options: options(path, resume: true))
    try last.run()
    last.removeCheckpoint()
    #expect(try Folder.names(in: folder.path) == ["link.st", "m.st", "whole.st"])
  }

  /// Removals without training are repeated sooner than stored and read, unless someone wants checkpoints, or the input is replaced.
  @Test func roundsWithoutTrainingLeaveNoCheckpoints() throws {
    let folder = try TemporaryDirectory()
    let (path, output) = (folder.file("m.st"), folder.file("o.st"))
    try write(path)
    var pruned = experiment(.file(path))
    pruned.stages = [1, 2, 3].map { Prune(pruned.pruning!, round: $0, of: 3) }
    for (options, expected) in [
      (options(output), 0), (options(path), 1), (.init(checkpoint: output + ".checkpoint", output: output, checkpointEvery: .epochs(1)), 2),
    ] {
      var (options, told) = (options, 0)
      options.didCheckpoint = { told += 1 }
      let runner = try Runner(pruned, options: options)
      try runner.run()
      #expect(told == expected && runner.hasCheckpoint == (expected > 0))
    }
  }

  /// A model of its own name costs no checkpoint, and a record that claims to be at its end is damaged.
  @Test func besideItsInput() throws {
    let folder = try TemporaryDirectory()
    let (path, output) = (folder.file("m.st"), folder.file("o.st"))
    try write(path)
    let pruned = experiment(.file(path))
    try Runner(pruned, options: options(output)).run()
    #expect(try Folder.names(in: folder.path) == ["m.st"])
    try Runner(pruned, options: options(path)).run()
    let other = Runner.Options(checkpoint: path + ".checkpoint", output: output, resume: true)
    #expect(
      "\(#expect(throws: RecordError.self) { try Runner(pruned, options: other) }.map { "\($0)" } ?? "")"
        == "\(path).checkpoint is a damaged checkpoint: its record is impossible: phase 1 of 1")
  }

  @Test func whatIsNoCheckpointIsRefusedAndStays() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("m.st")
    try write(path)
    try AtomicFile.write(Data("mine".utf8), to: folder.file("notes"))
    try Folder.make(folder.file("folder"))
    try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: "notes")
    #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
    let (none, noFile) = (
      "it exists and is not a checkpoint: remove it, or give another --checkpoint", "it is not a file: give another --checkpoint"
    )
    for (name, words) in [("notes", none), ("folder", noFile), ("link", none), ("pipe", noFile), ("m.st", none)] {
      let place = folder.file(name)
      #expect(
        throws: FileError(.write, place, words), "\(name)"
      ) { try Runner(experiment(.file(path)), options: .init(checkpoint: place)) }
      #expect(!Checkpoint.remove(place))
    }
    #expect(try Folder.names(in: folder.path) == ["folder", "link", "m.st", "notes", "pipe"])
  }

  /// Another run's checkpoint stays where this one neither wrote nor read one, and where another has written there since.
  @Test func onlyItsOwnCheckpointIsRemoved() throws {
    let folder = try TemporaryDirectory()
    let (path, output, checkpoint) = (folder.file("m.st"), folder.file("o.st"), folder.file("c"))
    try write(path)
    func run(output: String) throws -> Runner {
      let runner = try Runner(experiment(.file(path)), options: .init(checkpoint: checkpoint, output: output))
      try runner.run()
      return runner
    }
    let first = try run(output: path)
    try run(output: output).removeCheckpoint()
    #expect(FileManager.default.fileExists(atPath: checkpoint), "of another run")
    let second = try run(output: path)
    first.removeCheckpoint()
    #expect(FileManager.default.fileExists(atPath: checkpoint), "of a later run")
    second.removeCheckpoint()
    #expect(!FileManager.default.fileExists(atPath: checkpoint))
  }
}
