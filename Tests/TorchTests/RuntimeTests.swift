import TestSupport
import Testing
import Torch

@Suite struct RuntimeTests {
  @Test func versions() {
    #expect(TorchRuntime.version.hasPrefix("2."))
    #expect(!TorchRuntime.cpuCapability.isEmpty && TorchRuntime.cudaDevices == 0)
  }

  /// One thread or two: the same numbers from elementwise work, and from sums up to rounding.
  @Test func threads() throws {
    let before = TorchRuntime.threads
    defer { try? TorchRuntime.configure(threads: before) }
    let x = try Tensor.normal([200_000], type: .float64, generator: Generator(seed: 1))
    try TorchRuntime.configure(threads: 1)
    #expect(TorchRuntime.threads == 1)
    let (one, sum) = (try x.tanh().array(Double.self), try x.sum().item())
    try TorchRuntime.configure(threads: 2)
    #expect(TorchRuntime.threads == 2)
    #expect(try x.tanh().array(Double.self) == one)
    let again = try x.sum().item()
    #expect(abs(again - sum) < 1e-9)
  }

  /// On every worker thread, or late training slows down.
  @Test func denormalsAreFlushed() throws {
    let before = TorchRuntime.threads
    defer { try? TorchRuntime.configure(threads: before) }
    try TorchRuntime.configure(threads: 2)
    let tiny = try Tensor([Float](repeating: 1e-30, count: 200_000))
    #expect(try (tiny * tiny * 1e30).nonZeroCount() == 0)
    #expect(try tiny.scaledByHalves(36).nonZeroCount() == 0)
    try TorchRuntime.flushDenormals(false)
    #expect(try tiny.scaledByHalves(36).nonZeroCount() == 200_000)
  }
}

extension RuntimeTests {
  /// What is 0 is a question of bits, whether or not arithmetic flushes denormals.
  @Test(arguments: [true, false]) func denormalsAreNotZero(flushed: Bool) throws {
    try TorchRuntime.flushDenormals(flushed)
    defer { try? TorchRuntime.flushDenormals(false) }
    let single = try Tensor([0, -0.0, .leastNonzeroMagnitude, -.leastNormalMagnitude.nextDown, 1, .nan, -.infinity] as [Float])
    let double = try Tensor([0, -0.0, .leastNonzeroMagnitude, -.leastNormalMagnitude.nextDown, 1, .nan, -.infinity] as [Double])
    for x in [single, double, try single.reshaped([7, 1]).expanded([7, 3]).transposed().narrowed(0, from: 1, length: 1).flattened()] {
      #expect(try x.notEqual(0).array(Bool.self) == [false, false, true, true, true, true, true])
      #expect(try x.equal(0).array(Bool.self) == [true, true, false, false, false, false, false])
      #expect(try x.nonZeroCount() == 5)
    }
    #expect(try Tensor([0, 3, -1] as [Int64]).nonZeroCount() == 2)
    #expect(try Tensor([true, false]).nonZeroCount() == 1)
  }
}

extension Tensor {
  /// Halved that often: 1e-30 · 2^−36 is a denormal float32.
  fileprivate func scaledByHalves(_ times: Int) throws -> Tensor { try (0..<times).reduce(self) { x, _ in try x * 0.5 } }
}

@Suite struct GeneratorTests {
  private func draws(_ generator: Generator) throws -> [[Double]] {
    let x = try Tensor.zeros([100])
    try x.fillBernoulli(0.3, generator: generator)
    return [
      try Tensor.normal([100], mean: 5, deviation: 2, generator: generator).doubles(),
      try Tensor.uniform([3], low: -1, high: 1, generator: generator).doubles(), try Tensor.permutation(50, generator: generator).doubles(),
      try x.doubles(), try Tensor.ones([9]).dropout(0.5, generator: generator).doubles(),
    ]
  }

  @Test func aSeedDeterminesEverything() throws {
    #expect(try draws(Generator(seed: 7)) == draws(Generator(seed: 7)))
    #expect(try draws(Generator(seed: 7)) != draws(Generator(seed: 8)))
    #expect(try draws(Generator(seed: .max)) == draws(Generator(seed: .max)))
  }

  @Test func aStateContinuesTheStream() throws {
    let generator = try Generator(seed: 7)
    _ = try draws(generator)
    // An odd number of normal draws leaves one of a pair behind, which is part of the state.
    _ = try Tensor.normal([1], type: .float64, generator: generator)
    let state = try generator.state()
    let expected = try draws(generator)
    let other = try Generator(seed: 0)
    try other.restore(state)
    #expect(try draws(other) == expected)
    #expect(try draws(other) != expected)
  }

  @Test func streamsAreIndependent() throws {
    let (a, b) = (try Generator(seed: 1), try Generator(seed: 1))
    let expected = try draws(b)
    _ = try draws(Generator(seed: 2))
    #expect(try draws(a) == expected)
  }

  @Test func drawsAreOfTheirKind() throws {
    let generator = try Generator(seed: 1)
    let normal = try Tensor.normal([20_000], mean: 5, deviation: 2, type: .float64, generator: generator)
    let (mean, variance) = (try normal.mean().item(), try normal.variance().item())
    #expect(abs(mean - 5) < 0.08 && abs(variance - 4) < 0.2)
    let uniform = try Tensor.uniform([20_000], low: -1, high: 3, generator: generator)
    let (low, high, middle) = (try uniform.min().item(), try uniform.max().item(), try uniform.mean().item())
    #expect(low >= -1 && high < 3 && abs(middle - 1) < 0.05)
    #expect(try Tensor.permutation(1000, generator: generator).doubles().sorted() == (0..<1000).map(Double.init))
  }
}
