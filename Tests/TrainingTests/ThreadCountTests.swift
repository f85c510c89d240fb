import Networks
import Testing
import Training

/// The number of threads by the work, in multiply–accumulates of a batch's forward pass.
@Suite struct ThreadCountTests {
  @Test(arguments: [
    // 266,200 an image with our own kernels, a thread for each million.
    ("lenet-300-100", 3, 8, 1), ("lenet-300-100", 8, 8, 2), ("lenet-300-100", 60, 8, 8), ("lenet-300-100", 60, 2, 2),
    // 2,293,000 an image with libtorch, a thread for each four millions.
    ("lenet-5", 1, 8, 1), ("lenet-5", 4, 8, 2), ("lenet-5", 8, 8, 4), ("lenet-5", 60, 8, 8), ("lenet-5", .max, 4, 4), ("lenet-5", 0, 4, 1),
  ]) func byTheWork(network: String, batch: Int, most: Int, expected: Int) throws {
    let network = try Architecture.parse(network)
    #expect(try TrainingKernels.automatic.threads(for: network, batch: batch, most: most) == expected)
  }

  @Test func kernelsDecide() throws {
    let network = try Architecture.parse("lenet-300-100")
    #expect(try TrainingKernels.libtorch.threads(for: network, batch: 60, most: 8) == 3)
    #expect(try TrainingKernels.sparse.threads(for: network, batch: 60, most: 8) == 8)
    #expect(try TrainingKernels.automatic.threads(for: network, batch: 60, most: 0) == 1)
  }
}
