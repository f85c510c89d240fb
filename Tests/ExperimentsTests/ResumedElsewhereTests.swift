import Experiments
import Foundation
import Networks
import Pruning
import Results
import TestSupport
import Testing
import Torch
import Training

/// Runs that are taken up again with other threads, kernels or images.
@Suite(.serialized) struct ResumedElsewhereTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func experiment(_ data: DataPlan) -> Experiment {
    Experiment(
      start: .network("mlp:784-12-10", weights: nil), data: data,
      training: TrainingPlan(length: .iterations(6), batchSize: 10, learningRate: .init(base: 1e-3), seed: 3))
  }

  /// Forty images and ten to test on, of which one pixel may be another.
  private func writeMNIST(_ folder: String, changing pixel: UInt8 = 0) throws {
    try FileManager.default.createDirectory(atPath: folder + "/mnist", withIntermediateDirectories: true)
    func number(_ value: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }
    for (name, count) in [("train", 40), ("t10k", 10)] {
      var pixels = (0..<count * 784).map { UInt8(truncatingIfNeeded: $0 * 31 % 251) }
      pixels[5] ^= name == "train" ? pixel : 0
      let images = number(0x803) + number(count) + number(28) + number(28) + pixels
      let labels = number(0x801) + number(count) + (0..<count).map { UInt8($0 % 10) }
      try Data(images).write(to: URL(fileURLWithPath: "\(folder)/mnist/\(name)-images-idx3-ubyte"))
      try Data(labels).write(to: URL(fileURLWithPath: "\(folder)/mnist/\(name)-labels-idx1-ubyte"))
    }
  }

  private func interrupt(_ experiment: Experiment, _ path: String) throws {
    var count = 0
    let runner = try Runner(
      experiment,
      options: .init(
        checkpoint: path,
        interrupted: {
          count += 1
          return count == 3
        }))
    #expect(throws: TrainingError.self) { try runner.run() }
  }

  @Test func otherImagesUnderTheSameNameAreRefused() throws {
    try withTemporaryDirectory { folder in
      try writeMNIST(folder + "/a")
      try writeMNIST(folder + "/b", changing: 1)
      let path = folder + "/run.checkpoint"
      func experiment(_ directory: String) -> Experiment {
        self.experiment(DataPlan(dataset: "mnist", directory: folder + directory, validation: 0, seed: 3))
      }
      try interrupt(experiment("/a"), path)
      let words =
        "\(path) was computed with other training images than are given now: give the same ones (--data-dir), or remove it to start anew"
      #expect(throws: RecordError(words)) { try Runner(experiment("/b"), options: .init(checkpoint: path, resume: true)) }
      try FileManager.default.moveItem(atPath: folder + "/a", toPath: folder + "/c")
      let runner = try Runner(experiment("/c"), options: .init(checkpoint: path, resume: true))
      try runner.run()
      #expect(runner.state.changes == nil && runner.state.trainings.map(\.iterations) == [6])
    }
  }

  @Test func otherThreadsAndKernelsAreToldAndStandInTheRow() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/run.checkpoint"
      var plan = experiment(DataPlan(dataset: "digits", seed: 3))
      plan.start = .network("mlp:64-12-10", weights: nil)
      try interrupt(plan, path)
      try TorchRuntime.configure(threads: 2)
      defer { try? TorchRuntime.configure(threads: 1) }
      var notes: [String] = []
      let runner = try Runner(plan, options: .init(checkpoint: path, resume: true, kernels: .libtorch, note: { notes.append($0) }))
      let words =
        "was computed with 1 thread, --kernels automatic, and continues with 2, libtorch: its last bits may differ from those of an "
        + "unbroken run"
      #expect(notes == ["\(path) \(words)"])
      try runner.run()
      let row = try runner.row(command: ["espalier"], version: "test", file: nil, latencyBatches: [])
      #expect(row.notes?.map { "\($0.subject): \($0.words)" } == ["resumed: it \(words)"])
    }
  }

  /// A dense convolutional network is libtorch's, whose results do not depend on kernels of ours.
  @Test(arguments: [("mlp:784-12-10", true), ("lenet-5", false)]) func kernelsOfAnotherGenerationAreTold(_ network: String, isTold: Bool)
    throws
  {
    try withTemporaryDirectory { folder in
      let path = folder + "/run.checkpoint"
      try writeMNIST(folder)
      var plan = experiment(DataPlan(dataset: "mnist", directory: folder, validation: 0, seed: 3))
      plan.start = .network(network, weights: nil)
      try interrupt(plan, path)
      var checkpoint = try Checkpoint(contentsOf: path)
      #expect(checkpoint.surroundings?.generation == TrainingKernels.generation)
      for (generation, words) in [(nil, "an earlier generation"), (1, "generation 1"), (TrainingKernels.generation, nil)] {
        checkpoint.surroundings?.generation = generation
        try checkpoint.write(to: path)
        var notes: [String] = []
        let runner = try Runner(plan, options: .init(checkpoint: path, resume: true, note: { notes.append($0) }))
        let told =
          words.map {
            "was computed with kernels of \($0), and continues with generation \(TrainingKernels.generation): its last bits may differ "
              + "from those of an unbroken run"
          }
        #expect(notes == (isTold ? told.map { ["\(path) \($0)"] } ?? [] : []))
        #expect(runner.state.changes == (isTold ? told.map { [$0] } : nil))
      }
    }
  }

  /// Rounds of one seed are of the same images, also where no checkpoint is left between them.
  @Test func aStudyStaysWithItsImages() throws {
    try withTemporaryDirectory { folder in
      try writeMNIST(folder + "/a")
      try writeMNIST(folder + "/b", changing: 1)
      func study(_ directory: String, rounds: Int) throws {
        let plan = TicketPlan(
          network: "mlp:784-12-10", data: DataPlan(dataset: "mnist", directory: folder + directory, validation: 10),
          training: TrainingPlan(length: .iterations(2), batchSize: 10, learningRate: .init(base: 1e-3)), rounds: rounds,
          rates: LayerRates(fraction: 0.2))
        try TicketStudy(plan, in: folder + "/tickets").run(seeds: [1])
      }
      try study("/a", rounds: 0)
      let error = #expect(throws: RecordError.self) { try study("/b", rounds: 1) }
      #expect(
        error?.description.hasPrefix("\(folder)/tickets/seed-1 was computed with other training") ?? false, "\(String(describing: error))")
      #expect(!FileManager.default.fileExists(atPath: folder + "/tickets/seed-1/trunk/round-01.json"))
      try study("/a", rounds: 1)
    }
  }

  /// The model that is pruned, or the weights that are trained, have been replaced since.
  @Test(arguments: [true, false]) func otherFirstWeightsAreRefused(isModel: Bool) throws {
    try withTemporaryDirectory { folder in
      let (file, path) = (folder + "/m.st", folder + "/run.checkpoint")
      func write(seed: UInt64) throws {
        let model = try Model(Architecture.parse("mlp:64-12-10", input: .image(channels: 1, height: 8, width: 8), classes: 10), seed: seed)
        try ModelFile(model: model).write(to: file)
      }
      var plan = experiment(DataPlan(dataset: "digits", seed: 3))
      plan.start = isModel ? .file(file) : .network("mlp:64-12-10", weights: GivenWeights(file))
      try write(seed: 1)
      try interrupt(plan, path)
      try write(seed: 2)
      let words = "\(path) was begun with other weights than \(file) holds now: put those back, or remove it to start anew"
      #expect(throws: RecordError(words)) { try Runner(plan, options: .init(checkpoint: path, resume: true)) }
      try write(seed: 1)
      try Runner(plan, options: .init(checkpoint: path, resume: true)).run()
    }
  }
}
