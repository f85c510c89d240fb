/// Reproducible random numbers: xoshiro256** (Blackman & Vigna 2021), seeded by SplitMix64 (Steele et al. 2014).
///
/// The numbers depend only on seed and stream, never on platform or Swift version. Draw them by ``next(below:)`` and ``shuffle(_:)``,
/// since the standard library's own shuffle may change.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  /// The purpose of a stream of numbers, so that different uses of one seed are independent.
  public enum Stream: UInt64, Sendable {
    /// For the caller's own purposes.
    case general = 0
    /// The order of examples in an epoch.
    case order = 1
    /// Crops and flips.
    case augmentation = 2
    /// The choice of a subset's examples.
    case subset = 3
    /// The choice of a validation part's examples.
    case split = 4
    /// The choice of a task's classes and examples.
    case tasks = 5
    /// The division of classes for meta-learning.
    case classes = 6
    /// Draws with replacement.
    case resampling = 7
  }

  private var state: (UInt64, UInt64, UInt64, UInt64)

  /// Creates the stream for a seed, a purpose, and up to two indices such as epoch and position.
  public init(seed: UInt64, _ stream: Stream = .general, _ first: UInt64 = 0, _ second: UInt64 = 0) {
    var mixed = Self.mixed(seed)
    mixed = Self.mixed(mixed ^ stream.rawValue)
    mixed = Self.mixed(mixed ^ first)
    mixed = Self.mixed(mixed ^ second)
    func word(_ i: UInt64) -> UInt64 { Self.mixed(mixed &+ i &* 0x9E37_79B9_7F4A_7C15) }
    state = (word(1), word(2), word(3), word(4))
  }

  init(state: (UInt64, UInt64, UInt64, UInt64)) { self.state = state }

  /// SplitMix64's output function after one step: a bijection of 64-bit numbers.
  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Returns the next 64 random bits.
  public mutating func next() -> UInt64 {
    let scrambled = state.1 &* 5
    let result = ((scrambled << 7) | (scrambled >> 57)) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = (state.3 << 45) | (state.3 >> 19)
    return result
  }

  /// Returns a uniformly distributed number in 0 ..< bound (Lemire 2019); 0 if the bound is 0.
  public mutating func next(below bound: UInt64) -> UInt64 {
    guard bound > 0 else { return 0 }
    var (high, low) = next().multipliedFullWidth(by: bound)
    if low < bound {
      let threshold = (0 &- bound) % bound
      while low < threshold { (high, low) = next().multipliedFullWidth(by: bound) }
    }
    return high
  }

  /// Returns a uniformly distributed number in [0, 1) with 53 random bits.
  public mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Shuffles the elements, with every order equally likely (Fisher & Yates).
  public mutating func shuffle<Element>(_ elements: inout [Element]) {
    guard elements.count > 1 else { return }
    for i in stride(from: elements.count - 1, to: 0, by: -1) {
      elements.swapAt(i, Int(next(below: UInt64(i) + 1)))
    }
  }
}
