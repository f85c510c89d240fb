public import Torch

/// The largest |x − y| over the largest |y|; infinite where shapes differ or a number is not finite.
public func relativeError(_ x: [Double], _ y: [Double]) -> Double {
  guard x.count == y.count else { return .infinity }
  let scale = y.map(abs).max() ?? 0
  let difference = zip(x, y).map { abs($0 - $1) }.reduce(0) { $0 >= $1 ? $0 : $1.isNaN ? .infinity : $1 }
  return difference == 0 ? 0 : scale == 0 ? .infinity : difference / scale
}

/// The largest |x − y| over the largest |y|; infinite where shapes differ or a number is not finite.
public func relativeError(_ x: Tensor, _ y: Tensor) throws -> Double {
  guard x.shape == y.shape else { return .infinity }
  return relativeError(try x.doubles(), try y.doubles())
}

extension Tensor {
  /// The elements in row-major order, whatever their type.
  public func doubles() throws -> [Double] { try detached().cast(to: .float64).array(Double.self) }
}

/// Random numbers of known origin for tests that mutate and draw (SplitMix64).
public struct RandomStream: RandomNumberGenerator {
  private var state: UInt64

  /// The stream of this seed.
  public init(seed: UInt64) { state = seed }

  /// The next number.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
