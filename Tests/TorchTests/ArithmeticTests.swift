import Foundation
import TestSupport
import Testing
import Torch

@Suite struct ArithmeticTests {
  private let x = [-2, -0.5, 0, 1.5] as [Double]

  @Test func pairs() throws {
    let (a, b) = (try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]), try Tensor([10, 20] as [Float]))
    #expect(try (a + b).array() == [11, 22, 13, 24] as [Float])
    #expect(try (b - a).array() == [9, 18, 7, 16] as [Float])
    #expect(try (a * b).array() == [10, 40, 30, 80] as [Float])
    #expect(try (b / a).array() == [10, 10, 10 / 3, 5] as [Float])
    #expect(try a.maximum(Tensor([3, 3] as [Float])).array() == [3, 3, 3, 4] as [Float])
    #expect(try a.minimum(Tensor([3, 3] as [Float])).array() == [1, 2, 3, 3] as [Float])
    #expect(try a.matmul(a).array() == [7, 10, 15, 22] as [Float])
    #expect(try a.equal(Tensor([1, 4] as [Float])).array() == [true, false, false, true])
  }

  @Test func numbers() throws {
    let a = try Tensor(x)
    #expect(try (a + 1).array() == [-1, 0.5, 1, 2.5])
    #expect(try (a - 1).array() == [-3, -1.5, -1, 0.5])
    #expect(try (a * 4).array() == [-8, -2, 0, 6])
    #expect(try (a / 4).array() == [-0.5, -0.125, 0, 0.375])
    #expect(try (-a).array() == [2, 0.5, 0, -1.5])
    #expect(try a.power(2).array() == [4, 0.25, 0, 2.25])
    #expect(try a.clamped(-1, 1).array() == [-1, -0.5, 0, 1])
    #expect(try a.equal(0).array() == [false, false, true, false])
    #expect(try a.notEqual(0).array() == [true, true, false, true])
    #expect(try a.less(0).array() == [true, true, false, false])
    #expect(try a.greater(0).array() == [false, false, false, true])
    #expect(try a.greaterOrEqual(0).array() == [false, false, true, true])
    #expect(try a.greater(0).select(a, else: a.zerosLike()).array() == [0, 0, 0, 1.5])
  }

  @Test func single() throws {
    let a = try Tensor(x)
    #expect(try a.absolute().array() == [2, 0.5, 0, 1.5])
    #expect(try a.squared().array() == [4, 0.25, 0, 2.25])
    #expect(try a.sign().array() == [-1, -1, 0, 1])
    #expect(try a.relu().array() == [0, 0, 0, 1.5])
    #expect(try a.floor().array() == [-2, -1, 0, 1])
    #expect(try Tensor([0.5, 1.5, 2.5, -1.2]).rounded().array() == [0, 2, 2, -1])
    #expect(try Tensor([4, 0.25] as [Double]).squareRoot().array() == [2, 0.5])
    #expect(try Tensor([4, 0.25] as [Double]).reciprocal().array() == [0.25, 4])
    #expect(try Tensor([1, .infinity, .nan] as [Double]).isFinite().array() == [true, false, false])
    #expect(try Tensor([true, false]).logicalNot().array() == [false, true])
    for (found, expected) in [
      (try a.exponential(), x.map(Foundation.exp)), (try a.tanh(), x.map(Foundation.tanh)),
      (try a.sigmoid(), x.map { 1 / (1 + Foundation.exp(-$0)) }), (try a.silu(), x.map { $0 / (1 + Foundation.exp(-$0)) }),
      (try a.gelu(), x.map { $0 * (1 + erf($0 / 2.squareRoot())) / 2 }), (try a.exponential().logarithm(), x),
    ] { #expect(relativeError(try found.array(), expected) < 1e-15) }
  }

  @Test func batchedProducts() throws {
    let (a, b) = (try Tensor.range(12, type: .float64).reshaped([2, 2, 3]), try Tensor.ones([3, 1], type: .float64))
    #expect(try a.matmul(b).array() == [3, 12, 21, 30] as [Double])
    #expect(try a.matmul(b).shape == [2, 2, 1])
  }
}

@Suite struct ReductionTests {
  private let x = [3, -1, 2, 0, 5, 5] as [Double]
  private func tensor() throws -> Tensor { try Tensor(x, shape: [2, 3]) }

  @Test func overEverything() throws {
    let a = try tensor()
    #expect(try a.sum().item() == 14 && a.sum().shape == [])
    #expect(try a.mean().item() == 14.0 / 6)
    #expect(try a.max().item() == 5 && a.min().item() == -1)
    #expect(try a.product().item() == 0)
    #expect(try a.norm().item() == 64.0.squareRoot() && a.l1Norm().item() == 16)
    #expect(relativeError([try a.variance().item()], [(64 - 196.0 / 6) / 5]) < 1e-15)
    #expect(relativeError([try a.logSumExp().item()], [log(x.map(exp).reduce(0, +))]) < 1e-15)
    #expect(try a.argmax().item() == 4 && a.argmin().item() == 1)
    #expect(try a.nonZeroCount() == 5)
    let scalar = try Tensor.scalar(3)
    #expect(try scalar.sum().item() == 3 && scalar.max().item() == 3 && scalar.logSumExp().item() == 3 && scalar.mean().item() == 3)
  }

  @Test func overDimensions() throws {
    let a = try tensor()
    #expect(try a.sum(0).array() == [3, 4, 7] as [Double])
    #expect(try a.sum(1).array() == [4, 10] as [Double])
    #expect(try a.sum(0, 1).item() == 14)
    #expect(try a.sum(-1, keep: true).shape == [2, 1])
    #expect(try a.mean(0).array() == [1.5, 2, 3.5] as [Double])
    #expect(try a.max(1).array() == [3, 5] as [Double] && a.min(0).array() == [0, -1, 2] as [Double])
    #expect(try a.product(1).array() == [-6, 0] as [Double])
    #expect(try a.norm(0).array() == [3, 26.0.squareRoot(), 29.0.squareRoot()] as [Double])
    #expect(try a.l1Norm(1).array() == [6, 10] as [Double])
    #expect(try a.variance(0).array() == [4.5, 18, 4.5] as [Double])
    #expect(try a.argmax(1).array(Int64.self)[0] == 0 && a.argmin(1).array(Int64.self) == [1, 0])
    #expect(try a.cumulativeSum(1).array() == [3, 2, 4, 0, 5, 10] as [Double])
    #expect(relativeError(try a.logSumExp(1).array(), [log(exp(3) + exp(-1) + exp(2)), log(1 + 2 * exp(5))]) < 1e-15)
  }

  @Test func order() throws {
    // Equal elements keep their order both ways: exact selection is built on this.
    let a = try Tensor([2, 1, 2, 1, 0] as [Float])
    #expect(try a.argsort().array() == [4, 1, 3, 0, 2] as [Int64])
    #expect(try a.argsort(descending: true).array() == [0, 2, 1, 3, 4] as [Int64])
    let many = try Tensor((0..<10_000).map { Float($0 % 7) })
    let expected = (0..<10_000).sorted { ($0 % 7, $0) < ($1 % 7, $1) }.map(Int64.init)
    #expect(try many.argsort().array() == expected)
    let (values, indices) = try tensor().top(2)
    #expect(try values.array() == [3, 2, 5, 5] as [Double] && indices.shape == [2, 2])
    #expect(try tensor().top(1, 0, largest: false).values.array() == [0, -1, 2] as [Double])
  }
}
