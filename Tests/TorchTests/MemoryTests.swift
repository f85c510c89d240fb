import Files
import TestSupport
import Testing
import Torch

/// Nothing leaks: not a step's tensors, not its graph, not what an error left behind.
@Suite(.serialized) struct MemoryTests {
  /// The least growth of the resident set over parts of `count`/5 repetitions, after a warm-up: what leaks grows in each of them,
  /// while other tests of the process grow it in some. Five parts; up to 20 while every one of them grew.
  private func growth(_ count: Int, _ body: () throws -> Void) throws -> Int {
    for _ in 0..<(count / 10) { try body() }
    var least = Int.max
    for part in 1...20 {
      let before = residentBytes() ?? 0
      for _ in 0..<(count / 5) { try body() }
      least = min(least, (residentBytes() ?? 0) - before)
      if part >= 5, least < 1 << 20 { break }
    }
    return least
  }

  @Test func tenThousandTrainingSteps() throws {
    // Tests run side by side; threads that wait for each other would make this one slow.
    try TorchRuntime.configure(threads: 1)
    let generator = try Generator(seed: 1)
    let x = try Tensor.normal([8, 1, 6, 6], generator: generator)
    let labels = try Tensor((0..<8).map { Int64($0 % 3) })
    let parameters = [
      try Tensor.normal([4, 1, 3, 3], deviation: 0.2, generator: generator), try .zeros([4]),
      try .normal([3, 64], deviation: 0.1, generator: generator), try .zeros([3]),
    ]
    for parameter in parameters { try parameter.requireGradient() }
    let fused = try FusedParameters(parameters, moments: 2)
    try fused.setMask(Tensor.uniform([3, 64], generator: generator).greater(0.5), at: 2)
    var step = 0
    var last = 0.0
    let bytes = try growth(10_000) {
      step += 1
      let features = try x.convolution(parameters[0], parameters[1]).relu().flattened(from: 1).dropout(0.1, generator: generator)
      let loss = try features.linear(parameters[2], parameters[3]).crossEntropy(labels)
      try loss.backward()
      try fused.stepAdam(learningRate: 1e-3, step: step)
      if step % 100 == 0 { last = try loss.item() }
    }
    #expect(last.isFinite && last < 1)
    #expect(bytes < 1 << 20, "the resident set grew by \(bytes) bytes in every part")
  }

  @Test func errorsAndSecondOrder() throws {
    let x = try Tensor.ones([64, 64])
    try x.requireGradient()
    let bytes = try growth(1000) {
      let first = try Tensor.gradients(of: [x.power(3).sum()], by: [x], createGraph: true)
      _ = try first[0].map { try Tensor.gradients(of: [$0.sum()], by: [x]) }
      #expect(throws: TorchError.self) { try x.matmul(Tensor.zeros([63, 1])) }
      _ = try x.top(3)
    }
    #expect(bytes < 1 << 20, "the resident set grew by \(bytes) bytes in every part")
  }

  @Test func archives() throws {
    try withTemporaryDirectory { folder throws in
      let archive = TensorArchive(tensors: ["x": try .ones([10_000])])
      let bytes = try growth(100) {
        try archive.write(to: folder + "/a")
        _ = try TensorArchive(contentsOf: folder + "/a")
        #expect(throws: FileError.self) { try archive.write(to: folder + "/none/a") }
      }
      #expect(bytes < 1 << 20, "the resident set grew by \(bytes) bytes in every part")
    }
  }
}
