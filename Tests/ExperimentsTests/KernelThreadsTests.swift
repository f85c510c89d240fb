import Datasets
import Experiments
import Networks
import Results
import TestSupport
import Testing
import Torch
import Training

/// The numbers of threads that a run takes if none is given, and the note on kernels that cannot be had.
@Suite struct KernelThreadsTests {
  private func run(_ kernels: TrainingKernels.Choice, l1: Double? = nil) throws -> (libtorch: Int, row: Int, notes: [String]) {
    let before = TorchRuntime.threads
    defer { try? TorchRuntime.configure(threads: before) }
    var notes: [String] = []
    let plan = TrainingPlan(length: .iterations(2), batchSize: 64, optimizer: .adam(), learningRate: .init(base: 1e-3), seed: 1)
    let runner = try Runner(
      Experiment(
        start: .network("mlp:64-600-600-10", weights: nil), data: DataPlan(dataset: "digits", subset: 100), training: plan, l1: l1),
      options: .init(kernels: TrainingKernels(kernels), mostThreads: 8, note: { notes.append($0) }))
    try runner.run()
    return (TorchRuntime.threads, try runner.row(command: [], version: "", file: nil, latencyBatches: []).machine.threads, notes)
  }

  /// 404,400 multiply-adds an image: 25.9 million a batch, six threads of libtorch or eight of our own.
  @Test func libtorchAndOurKernelsTakeThreadsByTheirOwnRules() throws {
    #expect(try run(.automatic) == (6, 8, []))
    #expect(try run(.libtorch) == (6, 6, []))
    // Gradients for the penalty come from libtorch.
    #expect(try run(.automatic, l1: 1e-4) == (6, 6, []))
  }

  @Test func kernelsThatCannotTrainAreToldOnce() throws {
    #expect(
      try run(.dense, l1: 1e-4).notes == [
        "--kernels dense: libtorch trains this network; our own kernels are for chains of linear layers and ReLUs, without augmentation, "
          + "penalties and teachers"
      ])
    #expect(try run(.dense).notes == [])
  }
}
