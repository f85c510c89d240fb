import Testing

@testable import Training

@Suite struct WorkerTeamTests {
  @Test func ownKernelsMayHaveOtherThreadsThanLibtorch() throws {
    try withThreads(1) {
      let (model, data) = (try sparsePerceptron(density: 0.4, seed: 11), try sparseData())
      for (kernels, threads) in [(TrainingKernels(.dense, threads: 3), 3), (.dense, 1)] {
        #expect(try Trainer(sparsePlan(), model: model, data: data, kernels: kernels).team?.threads == threads)
      }
    }
  }
}
