/// How the weights of a plan's layers lie in its file. In memory kernels read float32 and 16-bit places, whatever the file has.
public enum WeightForm: UInt32, CaseIterable, Hashable, Sendable {
  /// As the kernels read them, 6 bytes for each weight that is kept: the file is mapped and used where it lies.
  case float32
  /// The same numbers, places in a byte or a bit: unpacked when the plan is loaded, to the same bits.
  case compact
  /// IEEE 754's half precision, rounded to the nearest, of two to the even one; small places.
  case float16
  /// A byte for each weight, times a float32 for each output: the layer's largest weight of that output is 127; small places.
  case int8

  /// Bytes of a weight's value.
  var valueSize: Int {
    switch self {
    case .float32, .compact: 4
    case .float16: 2
    case .int8: 1
    }
  }
}

/// IEEE 754's half precision, by its bits: not every machine that Swift knows has `Float16`.
enum Half {
  /// The largest number that has an end.
  static let largest: Float = 65504

  /// Returns the nearest half, of two the even one.
  static func bits(of value: Float) -> UInt16 {
    let sign = UInt16(truncatingIfNeeded: value.bitPattern >> 16) & 0x8000
    let magnitude = value.bitPattern & 0x7fff_ffff
    func rounded(_ bits: UInt32, dropping count: UInt32) -> UInt16 {
      UInt16(truncatingIfNeeded: (bits + (1 << (count - 1)) - 1 + (bits >> count & 1)) >> count)
    }
    if magnitude > 0x7f80_0000 { return sign | 0x7e00 | UInt16(truncatingIfNeeded: magnitude >> 13 & 0x1ff) }
    if magnitude >= 0x4780_0000 { return sign | 0x7c00 }
    if magnitude >= 0x3880_0000 { return sign | rounded(magnitude - 0x3800_0000, dropping: 13) }
    // Below 2⁻¹⁴ halves are multiples of 2⁻²⁴.
    let exponent = magnitude >> 23
    guard exponent >= 102 else { return sign }
    return sign | rounded(magnitude & 0x7f_ffff | 0x80_0000, dropping: 126 - exponent)
  }

  /// Returns the number of a half's bits, exactly.
  static func value(of bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let (exponent, fraction) = (UInt32(bits >> 10 & 0x1f), UInt32(bits & 0x3ff))
    switch exponent {
    case 0: return Float(bitPattern: sign | (Float(fraction) * 0x1p-24).bitPattern)
    case 31: return Float(bitPattern: sign | 0x7f80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }
}
