import Datasets
import Experiments
import Networks
import Pruning
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

  private func convolutions(_ kernels: TrainingKernels.Choice, _ timing: PruningPlan.Timing?) throws -> [String] {
    try withTemporaryDirectory { folder in
      var builder = NetworkBuilder("small", input: .image(channels: 1, height: 8, width: 8))
      builder.convolution("conv", 4, kernel: 3, padding: 1)
      builder.relu("relu")
      builder.flatten()
      builder.linear("fc", 10)
      try ModelFile(model: Model(builder.network(), seed: 1)).write(to: folder + "/small.safetensors")
      return try notes(of: folder + "/small.safetensors", kernels, timing)
    }
  }

  private func notes(of path: String, _ kernels: TrainingKernels.Choice, _ timing: PruningPlan.Timing?) throws -> [String] {
    var notes: [String] = []
    let plan = TrainingPlan(length: .iterations(2), batchSize: 20, optimizer: .adam(), learningRate: .init(base: 1e-3), seed: 1)
    let pruning = timing.map {
      PruningPlan(criterion: .magnitude, granularity: .weight, scope: .global, amount: .total(0.5), timing: $0)
    }
    let runner = try Runner(
      Experiment(
        start: .file(path), data: DataPlan(dataset: "digits", subset: 100), training: plan, pruning: pruning,
        recovery: plan),
      options: .init(kernels: TrainingKernels(kernels), note: { notes.append($0) }))
    try runner.run()
    return notes.filter { $0.contains("--kernels") }
  }

  @Test func whatConvolutionsMakeOfSparseKernelsIsTold() throws {
    let during = PruningPlan.Timing.during(every: .iterations(1))
    #expect(try convolutions(.automatic, during) == [])
    #expect(try convolutions(.sparse, nil) == ["--kernels sparse: libtorch trains this network; no convolution has a mask"])
    #expect(
      try convolutions(.sparse, during) == [
        "--kernels sparse: libtorch trains this network until single weights are removed; convolutions then compute with kept weights "
          + "alone, and libtorch the rest"
      ])
    #expect(
      try convolutions(.sparse, .atStart(rounds: 1)) == [
        "--kernels sparse: convolutions with a mask compute with kept weights alone, unless a step wants the gradients of all; libtorch "
          + "computes the rest"
      ])
  }
}
