internal import CTorch

extension Tensor {
  @inline(__always)
  private func unary(_ operation: Int) throws -> Tensor { try checked(ct_math_unary(Int32(operation), handle)) }

  @inline(__always)
  private static func binary(_ operation: Int, _ x: Tensor, _ y: Tensor) throws -> Tensor {
    try checked(ct_math_binary(Int32(operation), x.handle, y.handle))
  }

  @inline(__always)
  private static func scalar(_ operation: Int, _ x: Tensor, _ y: Double) throws -> Tensor {
    try checked(ct_math_scalar(Int32(operation), x.handle, y))
  }

  /// Returns x + y, broadcasting.
  public static func + (x: Tensor, y: Tensor) throws -> Tensor { try binary(CT_ADD, x, y) }
  /// Returns x − y, broadcasting.
  public static func - (x: Tensor, y: Tensor) throws -> Tensor { try binary(CT_SUBTRACT, x, y) }
  /// Returns x·y element by element, broadcasting.
  public static func * (x: Tensor, y: Tensor) throws -> Tensor { try binary(CT_MULTIPLY, x, y) }
  /// Returns x/y element by element, broadcasting.
  public static func / (x: Tensor, y: Tensor) throws -> Tensor { try binary(CT_DIVIDE, x, y) }
  /// Returns x + y for a number y.
  public static func + (x: Tensor, y: Double) throws -> Tensor { try scalar(CT_ADD, x, y) }
  /// Returns x − y for a number y.
  public static func - (x: Tensor, y: Double) throws -> Tensor { try scalar(CT_SUBTRACT, x, y) }
  /// Returns x·y for a number y.
  public static func * (x: Tensor, y: Double) throws -> Tensor { try scalar(CT_MULTIPLY, x, y) }
  /// Returns x/y for a number y.
  public static func / (x: Tensor, y: Double) throws -> Tensor { try scalar(CT_DIVIDE, x, y) }
  /// Returns x + scale·y, in one pass; gradients flow to both.
  public func adding(_ other: Tensor, scale: Double) throws -> Tensor { try checked(ct_math_add_scaled(handle, other.handle, scale)) }
  /// Returns −x.
  public static prefix func - (x: Tensor) throws -> Tensor { try x.unary(CT_NEG) }

  /// Returns |x|.
  public func absolute() throws -> Tensor { try unary(CT_ABS) }
  /// Returns eˣ.
  public func exponential() throws -> Tensor { try unary(CT_EXP) }
  /// Returns ln x, the natural logarithm.
  public func logarithm() throws -> Tensor { try unary(CT_LOG) }
  /// Returns √x.
  public func squareRoot() throws -> Tensor { try unary(CT_SQRT) }
  /// Returns x².
  public func squared() throws -> Tensor { try unary(CT_SQUARE) }
  /// Returns 1/x.
  public func reciprocal() throws -> Tensor { try unary(CT_RECIPROCAL) }
  /// Returns the sign of each element: −1, 0 or 1.
  public func sign() throws -> Tensor { try unary(CT_SIGN) }
  /// Returns 1/(1 + e⁻ˣ).
  public func sigmoid() throws -> Tensor { try unary(CT_SIGMOID) }
  /// Returns tanh x.
  public func tanh() throws -> Tensor { try unary(CT_TANH) }
  /// Returns max(x, 0).
  public func relu() throws -> Tensor { try unary(CT_RELU) }
  /// Returns min(max(x, 0), 6); the gradient is 0 at both bounds, as in PyTorch's ReLU6.
  public func relu6() throws -> Tensor { try unary(CT_RELU6) }
  /// Returns x·Φ(x), exact (by the error function).
  public func gelu() throws -> Tensor { try unary(CT_GELU) }
  /// Returns x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))).
  public func tanhGELU() throws -> Tensor { try unary(CT_TANH_GELU) }
  /// Returns x·σ(x).
  public func silu() throws -> Tensor { try unary(CT_SILU) }
  /// Returns min(max(x/6 + ½, 0), 1).
  public func hardSigmoid() throws -> Tensor { try unary(CT_HARD_SIGMOID) }
  /// Returns x·min(max(x/6 + ½, 0), 1).
  public func hardSwish() throws -> Tensor { try unary(CT_HARD_SWISH) }
  /// Returns ln(1 + eˣ), and x itself above 20.
  public func softplus() throws -> Tensor { try unary(CT_SOFTPLUS) }
  /// Returns x·tanh(ln(1 + eˣ)).
  public func mish() throws -> Tensor { try unary(CT_MISH) }
  /// Returns x above 0 and slope·x below.
  public func leakyReLU(slope: Double) throws -> Tensor { try checked(ct_layer_leaky_relu(handle, slope)) }
  /// Returns x above 0 and α·(eˣ − 1) below.
  public func elu(alpha: Double) throws -> Tensor { try checked(ct_layer_elu(handle, alpha)) }
  /// Returns ⌊x⌋, the largest integer not above each element.
  public func floor() throws -> Tensor { try unary(CT_FLOOR) }
  /// Returns the nearest integer of each element; ties go to the even one.
  public func rounded() throws -> Tensor { try unary(CT_ROUND) }
  /// Returns ⌈x⌉, the smallest integer not below each element.
  public func ceiling() throws -> Tensor { try unary(CT_CEIL) }
  /// Returns sin x, of radians.
  public func sine() throws -> Tensor { try unary(CT_SIN) }
  /// Returns cos x, of radians.
  public func cosine() throws -> Tensor { try unary(CT_COS) }
  /// Returns tan x, of radians.
  public func tangent() throws -> Tensor { try unary(CT_TAN) }
  /// Returns arcsin x, in radians; NaN beyond ±1.
  public func arcSine() throws -> Tensor { try unary(CT_ASIN) }
  /// Returns arccos x, in radians; NaN beyond ±1.
  public func arcCosine() throws -> Tensor { try unary(CT_ACOS) }
  /// Returns arctan x, in radians.
  public func arcTangent() throws -> Tensor { try unary(CT_ATAN) }
  /// Returns (eˣ − e⁻ˣ)/2.
  public func sinh() throws -> Tensor { try unary(CT_SINH) }
  /// Returns (eˣ + e⁻ˣ)/2.
  public func cosh() throws -> Tensor { try unary(CT_COSH) }
  /// Returns ln(x + √(x² + 1)).
  public func asinh() throws -> Tensor { try unary(CT_ASINH) }
  /// Returns ln(x + √(x² − 1)); NaN below 1.
  public func acosh() throws -> Tensor { try unary(CT_ACOSH) }
  /// Returns ½·ln((1 + x)/(1 − x)); NaN beyond ±1.
  public func atanh() throws -> Tensor { try unary(CT_ATANH) }
  /// Returns the error function, 2/√π·∫₀ˣ e^(−t²) dt.
  public func errorFunction() throws -> Tensor { try unary(CT_ERF) }
  /// Returns a mask of the elements that are neither infinite nor NaN.
  public func isFinite() throws -> Tensor { try unary(CT_IS_FINITE) }
  /// Returns the negation of a mask.
  public func logicalNot() throws -> Tensor { try unary(CT_LOGICAL_NOT) }

  /// Returns each element raised to the given power.
  public func power(_ exponent: Double) throws -> Tensor { try Self.scalar(CT_POWER, self, exponent) }
  /// Returns each element raised to the power of the other's, broadcasting.
  public func power(_ exponents: Tensor) throws -> Tensor { try Self.binary(CT_POWER, self, exponents) }
  /// Returns the larger element of each pair, broadcasting.
  public func maximum(_ other: Tensor) throws -> Tensor { try Self.binary(CT_MAXIMUM, self, other) }
  /// Returns the smaller element of each pair, broadcasting.
  public func minimum(_ other: Tensor) throws -> Tensor { try Self.binary(CT_MINIMUM, self, other) }
  /// Returns each element limited to the range from `low` to `high`.
  public func clamped(_ low: Double, _ high: Double) throws -> Tensor { try checked(ct_math_clamp(handle, low, high)) }
  /// Returns the matrix product; batch dimensions broadcast.
  public func matmul(_ other: Tensor) throws -> Tensor { try Self.binary(CT_MATMUL, self, other) }

  /// Returns X with A·X = B, where this tensor is A [n, n], symmetric and positive definite, and `right` is B [n, k]; by Cholesky
  /// decomposition.
  ///
  /// - Throws: ``TorchError`` if A is not positive definite.
  public func solving(_ right: Tensor) throws -> Tensor { try checked(ct_math_solve(handle, right.handle)) }

  /// Returns a mask of the elements that equal those of the other tensor, broadcasting.
  public func equal(_ other: Tensor) throws -> Tensor { try Self.binary(CT_EQUAL, self, other) }
  /// Returns a mask of the elements that equal a number. Comparison with 0 finds exact zeros only, even while denormals are flushed.
  public func equal(_ other: Double) throws -> Tensor { try Self.scalar(CT_EQUAL, self, other) }
  /// Returns a mask of the elements that differ from a number. Denormal elements differ from 0, even while denormals are flushed.
  public func notEqual(_ other: Double) throws -> Tensor { try Self.scalar(CT_NOT_EQUAL, self, other) }
  /// Returns a mask of the elements below a number.
  public func less(_ other: Double) throws -> Tensor { try Self.scalar(CT_LESS, self, other) }
  /// Returns a mask of the elements above a number.
  public func greater(_ other: Double) throws -> Tensor { try Self.scalar(CT_GREATER, self, other) }
  /// Returns a mask of the elements that are at least a number.
  public func greaterOrEqual(_ other: Double) throws -> Tensor { try Self.scalar(CT_GREATER_EQUAL, self, other) }
  /// Returns x where this mask is true and y elsewhere, broadcasting.
  public func select(_ x: Tensor, else y: Tensor) throws -> Tensor { try checked(ct_math_where(handle, x.handle, y.handle)) }
}
