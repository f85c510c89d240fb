internal import Foundation

/// The hard-concrete distribution (Louizos, Welling & Kingma 2018): a gate between 0 and 1 that is exactly 0 or 1 with a probability above
/// 0, and of which samples can be differentiated by the one parameter ln α.
///
///     s = σ((ln u − ln(1 − u) + ln α)/β)      s̄ = s·(ζ − γ) + γ      z = min(max(s̄, 0), 1)      u ~ U(0, 1)
///
/// with the paper's β = 2/3, γ = −0.1 and ζ = 1.1. A gate is open, z > 0, with probability σ(ln α − β·ln(−γ/ζ)); once training is over its
/// value is ẑ = min(max(σ(ln α)·(ζ − γ) + γ, 0), 1), which is 0 for ln α ≤ ln(−γ/ζ) ≈ −2.40.
public enum HardConcrete {
  /// Temperature β.
  public static let beta = 2.0 / 3
  /// Lower end γ of the stretched interval.
  public static let gamma = -0.1
  /// Upper end ζ of the stretched interval.
  public static let zeta = 1.1
  /// Least distance of u from 0 and 1.
  public static let margin = 1e-6
  /// The ln α up to which ẑ is 0, ln(−γ/ζ).
  public static let closedBelow = log(-gamma / zeta)

  /// Returns the ln α of a gate that dropout of the given rate would leave, ln((1 − p)/p).
  public static func logAlpha(dropRate: Double) -> Double { log(1 - dropRate) - log(dropRate) }

  /// Returns a gate z for a number u, which is first brought to [10⁻⁶, 1 − 10⁻⁶], and its slope dz/d(ln α), 0 where z is 0 or 1.
  public static func sample<Number: GateNumber>(_ logAlpha: Number, _ u: Number) -> (gate: Number, slope: Number) {
    let u = min(max(u, Number(margin)), 1 - Number(margin))
    let s = sigmoid((u.logarithm - (1 - u).logarithm + logAlpha) / Number(beta))
    let stretched = s * Number(zeta - gamma) + Number(gamma)
    if stretched <= 0 { return (0, 0) }
    if stretched >= 1 { return (1, 0) }
    return (stretched, s * (1 - s) * Number((zeta - gamma) / beta))
  }

  /// Returns the probability p that a gate is open; dp/d(ln α) is p·(1 − p).
  @inline(__always)
  public static func openness<Number: GateNumber>(_ logAlpha: Number) -> Number { sigmoid(logAlpha - Number(beta * closedBelow)) }

  /// Returns ẑ, the gate's value after training.
  public static func value<Number: GateNumber>(_ logAlpha: Number) -> Number {
    min(max(sigmoid(logAlpha) * Number(zeta - gamma) + Number(gamma), 0), 1)
  }

  /// Returns the mean of z over 64 equally likely values of u.
  static func mean<Number: GateNumber>(_ logAlpha: Number) -> Number {
    (0..<64).reduce(Number(0)) { $0 + sample(logAlpha, (Number($1) + 0.5) / 64).gate } / 64
  }

  @inline(__always)
  private static func sigmoid<Number: GateNumber>(_ x: Number) -> Number { 1 / (1 + (-x).exponential) }
}

/// The numbers that gates compute with.
public protocol GateNumber: BinaryFloatingPoint {
  /// Natural logarithm.
  var logarithm: Self { get }
  /// The exponential function, eˣ.
  var exponential: Self { get }
}

extension Float: GateNumber {
  /// Natural logarithm.
  public var logarithm: Float { log(self) }
  /// The exponential function, eˣ.
  public var exponential: Float { exp(self) }
}

extension Double: GateNumber {
  /// Natural logarithm.
  public var logarithm: Double { log(self) }
  /// The exponential function, eˣ.
  public var exponential: Double { exp(self) }
}

/// Numbers of U(0, 1) that are a pure function of seed, step and index, so that no state has to be kept (SplitMix64; Steele, Lea & Flood
/// 2014).
struct GateNoise {
  private var state: UInt64

  /// The numbers of a step.
  init(seed: UInt64, step: Int) { state = Self.mixed(seed &+ Self.golden &* UInt64(truncatingIfNeeded: step)) }

  private static let golden: UInt64 = 0x9E37_79B9_7F4A_7C15

  @inline(__always)
  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Returns the next number, the middle of one of 2²³ equal parts of (0, 1).
  @inline(__always)
  mutating func next() -> Float {
    state &+= Self.golden
    return (Float(Self.mixed(state) >> 41) + 0.5) * 0x1p-23
  }
}
