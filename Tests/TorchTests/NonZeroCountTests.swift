import Testing
import Torch

/// Counts of what is not exactly 0, by hand.
@Suite struct NonZeroCountTests {
  private let mask = [true, false, true, false, true, false, false]

  /// Both zeros are 0; the least denormal, infinities and NaN are not.
  @Test func floats() throws {
    let values: [Float] = [0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .infinity, .nan, 1]
    let (tensor, mask) = (try Tensor(values, shape: [7]), try Tensor(mask, shape: [7]))
    #expect(try tensor.nonZeroCount() == 5 && tensor.nonZeroCount(outside: mask) == 3)
    try tensor.requireGradient()
    #expect(try tensor.nonZeroCount() == 5)
  }

  @Test func doubles() throws {
    let values: [Double] = [0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .infinity, .nan, 1]
    let (tensor, mask) = (try Tensor(values, shape: [7]), try Tensor(mask, shape: [7]))
    #expect(try tensor.nonZeroCount() == 5 && tensor.nonZeroCount(outside: mask) == 3)
  }

  @Test func othersThanFloats() throws {
    let mask = try Tensor(mask, shape: [7])
    #expect(try mask.nonZeroCount() == 3 && mask.nonZeroCount(outside: mask) == 0)
    #expect(try mask.cast(to: .int64).nonZeroCount() == 3 && mask.cast(to: .uint8).nonZeroCount(outside: mask.logicalNot()) == 3)
  }

  /// More than one block, with the same elements counted however they lie in memory.
  @Test func layouts() throws {
    let count = 6 * 150 * 151
    let values: [Float] = (0..<count).map { $0 % 5 == 0 ? 0 : Float($0) }
    let tensor = try Tensor(values, shape: [2, 3, 150, 151])
    let expected = values.count { $0 != 0 }
    let mask = try Tensor(values.indices.map { $0 % 3 == 0 }, shape: tensor.shape)
    let outside = values.indices.count { values[$0] != 0 && $0 % 3 != 0 }
    for (tensor, mask) in [(tensor, mask), (try tensor.channelsLast(), mask), (tensor, try mask.channelsLast())] {
      #expect(try tensor.nonZeroCount() == expected && tensor.nonZeroCount(outside: mask) == outside)
    }
    // Two columns of 151, with gaps between them.
    let columns = values.indices.count { [1, 2].contains($0 % 151) && values[$0] != 0 }
    #expect(try tensor.narrowed(3, from: 1, length: 2).nonZeroCount() == columns)
    #expect(try Tensor([Float](), shape: [0, 3]).nonZeroCount() == 0)
  }

  @Test func masksThatDoNotFit() throws {
    let tensor = try Tensor([1, 2, 3, 4] as [Float], shape: [4])
    #expect(throws: TorchError.self) { try tensor.nonZeroCount(outside: Tensor([true, false], shape: [2])) }
    #expect(throws: TorchError.self) { try tensor.nonZeroCount(outside: tensor) }
  }
}
