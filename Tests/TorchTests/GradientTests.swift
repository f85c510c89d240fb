import TestSupport
import Testing
import Torch

@Suite struct GradientTests {
  private func leaf(_ values: [Double]) throws -> Tensor {
    let x = try Tensor(values)
    try x.requireGradient()
    return x
  }

  @Test func accumulatesUntilCleared() throws {
    let x = try leaf([1, 2, 3])
    #expect(x.requiresGradient && x.gradient == nil)
    try x.squared().sum().backward()
    #expect(try x.gradient?.array() == [2, 4, 6] as [Double])
    try (x * 10).sum().backward()
    #expect(try x.gradient?.array() == [12, 14, 16] as [Double])
    try x.clearGradient()
    #expect(x.gradient == nil)
  }

  @Test func aGradientServesAnotherLeaf() throws {
    let (x, y) = (try leaf([1, 2, 3]), try leaf([0, 0, 0]))
    try x.squared().sum().backward()
    try y.adoptGradient(#require(x.gradient))
    try x.clearGradient()
    #expect(try y.gradient?.array() == [2, 4, 6] as [Double])
    #expect(throws: TorchError.self) { try y.adoptGradient(Tensor([1.0, 2])) }
  }

  @Test func retainedGraphsRunTwice() throws {
    let x = try leaf([3])
    let y = try x.squared().sum()
    try y.backward(retainGraph: true)
    try y.backward()
    #expect(try x.gradient?.item() == 12)
    #expect(throws: TorchError.self) { try y.backward() }
  }

  @Test func gradientsOfSeveralOutputs() throws {
    let (x, y, unused) = (try leaf([1, 2]), try leaf([3, 4]), try leaf([5]))
    let found = try Tensor.gradients(
      of: [x * y, x], seeds: [Tensor([1, 10] as [Double]), Tensor([100, 100] as [Double])], by: [x, y, unused])
    #expect(try found[0]?.array() == [103, 140] as [Double])
    #expect(try found[1]?.array() == [1, 20] as [Double])
    #expect(found[2] == nil && x.gradient == nil)
    #expect(throws: TorchError("gradient: 1 outputs need as many seeds, not 2")) {
      try Tensor.gradients(of: [x], seeds: [x, x], by: [x])
    }
  }

  /// d²(x³)/dx² = 6x, d³ = 6.
  @Test func thirdOrder() throws {
    let x = try leaf([2])
    let first = try #require(try Tensor.gradients(of: [x.power(3).sum()], by: [x], createGraph: true)[0])
    let second = try #require(try Tensor.gradients(of: [first.sum()], by: [x], createGraph: true)[0])
    let third = try #require(try Tensor.gradients(of: [second.sum()], by: [x])[0])
    #expect(try first.item() == 12 && second.item() == 12 && third.item() == 6)
  }

  @Test func recordingIsSwitched() throws {
    let x = try leaf([1])
    #expect(try x.squared().requiresGradient)
    try withoutGradients {
      #expect(try !x.squared().requiresGradient)
      let recorded = try withGradients { try x.squared().requiresGradient }
      #expect(recorded)
      #expect(try !x.squared().requiresGradient)
    }
    #expect(throws: TorchError.self) { try withoutGradients { try x.matmul(Tensor([1, 2] as [Double])) } }
    #expect(try x.squared().requiresGradient, "an error leaves the switch as it was")
    #expect(try !x.detached().squared().requiresGradient)
  }

  @Test func dropoutScalesAndPassesGradientsWhereItKeeps() throws {
    let generator = try Generator(seed: 3)
    let x = try Tensor.ones([10_000], type: .float64)
    try x.requireGradient()
    let y = try x.dropout(0.25, generator: generator)
    let values = try y.detached().array(Double.self)
    #expect(Set(values) == [0, 1 / 0.75])
    let zeros = values.filter { $0 == 0 }.count
    // Five standard deviations, √(10,000·¼·¾) = 43.
    #expect(abs(zeros - 2500) < 217)
    try y.sum().backward()
    #expect(try x.gradient?.array(Double.self) == values)
    #expect(try x.detached().dropout(0, generator: generator).array(Double.self) == [Double](repeating: 1, count: 10_000))
  }

  /// Numerical derivatives of what has no golden values: gathers, joins, padding, reductions, over seeds.
  @Test(arguments: 0..<5) func agreesWithDifferences(seed: UInt64) throws {
    let x = try Tensor.normal([2, 3], type: .float64, generator: Generator(seed: seed))
    let functions: [(String, (Tensor) throws -> Tensor)] = [
      ("indexing", { try $0.indexed(1, [2, 0, 2]).squared().sum() }),
      ("gathering", { try $0.gathered(1, Tensor([1, 2] as [Int64], shape: [2, 1])).power(3).sum() }),
      ("joins", { try Tensor.concatenated([$0, $0 * 2], 1).squared().sum() + Tensor.stacked([$0, $0]).power(3).sum() }),
      ("padding", { try $0.padded([1, 1]).squared().sum() }), ("norms", { try $0.norm(1).sum() + $0.logSumExp() + $0.variance() }),
      ("choice", { try $0.greater(0).select($0.squared(), else: $0 * 3).sum() + $0.clamped(-0.5, 0.5).sum() }),
      ("extremes", { try $0.max(1).squared().sum() + $0.min().power(3) }),
      ("views", { try $0.transposed().sliced(0, step: 2).squared().sum() }),
    ]
    let values = try x.array(Double.self)
    for (name, function) in functions {
      let leaf = try x.copied()
      try leaf.requireGradient()
      try function(leaf).backward()
      let found = try #require(leaf.gradient).array(Double.self)
      let expected = try values.indices.map { i in
        func at(_ step: Double) throws -> Double {
          var moved = values
          moved[i] += step
          return try function(Tensor(moved, shape: [2, 3])).item()
        }
        return try (at(1e-6) - at(-1e-6)) / 2e-6
      }
      #expect(relativeError(found, expected) < 1e-6, "\(name), seed \(seed)")
    }
  }
}
