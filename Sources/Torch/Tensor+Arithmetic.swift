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

  /// x + y, broadcasting.
  public static func + (x: Tensor, y: Tensor) throws -> Tensor { try binary(CT_ADD, x, y) }
  /// x − y, broadcasting.
  public static func - (x: Tensor, y: Tensor) throws -> Tensor { try binary(CT_SUBTRACT, x, y) }
  /// x·y element by element, broadcasting.
  public static func * (x: Tensor, y: Tensor) throws -> Tensor { try binary(CT_MULTIPLY, x, y) }
  /// x/y element by element, broadcasting.
  public static func / (x: Tensor, y: Tensor) throws -> Tensor { try binary(CT_DIVIDE, x, y) }
  /// x + y.
  public static func + (x: Tensor, y: Double) throws -> Tensor { try scalar(CT_ADD, x, y) }
  /// x − y.
  public static func - (x: Tensor, y: Double) throws -> Tensor { try scalar(CT_SUBTRACT, x, y) }
  /// x·y.
  public static func * (x: Tensor, y: Double) throws -> Tensor { try scalar(CT_MULTIPLY, x, y) }
  /// x/y.
  public static func / (x: Tensor, y: Double) throws -> Tensor { try scalar(CT_DIVIDE, x, y) }
  /// −x.
  public static prefix func - (x: Tensor) throws -> Tensor { try x.unary(CT_NEG) }

  /// |x|.
  public func absolute() throws -> Tensor { try unary(CT_ABS) }
  /// eˣ.
  public func exponential() throws -> Tensor { try unary(CT_EXP) }
  /// The natural logarithm.
  public func logarithm() throws -> Tensor { try unary(CT_LOG) }
  /// √x.
  public func squareRoot() throws -> Tensor { try unary(CT_SQRT) }
  /// x².
  public func squared() throws -> Tensor { try unary(CT_SQUARE) }
  /// 1/x.
  public func reciprocal() throws -> Tensor { try unary(CT_RECIPROCAL) }
  /// −1, 0 or 1.
  public func sign() throws -> Tensor { try unary(CT_SIGN) }
  /// 1/(1 + e⁻ˣ).
  public func sigmoid() throws -> Tensor { try unary(CT_SIGMOID) }
  /// tanh x.
  public func tanh() throws -> Tensor { try unary(CT_TANH) }
  /// max(x, 0).
  public func relu() throws -> Tensor { try unary(CT_RELU) }
  /// min(max(x, 0), 6); the gradient is 0 at both bounds, as PyTorch's ReLU6 has it.
  public func relu6() throws -> Tensor { try unary(CT_RELU6) }
  /// x·Φ(x).
  public func gelu() throws -> Tensor { try unary(CT_GELU) }
  /// x·σ(x).
  public func silu() throws -> Tensor { try unary(CT_SILU) }
  /// The integer below.
  public func floor() throws -> Tensor { try unary(CT_FLOOR) }
  /// The nearest integer, halves to even.
  public func rounded() throws -> Tensor { try unary(CT_ROUND) }
  /// Whether each element is neither infinite nor NaN.
  public func isFinite() throws -> Tensor { try unary(CT_IS_FINITE) }
  /// The opposite truth.
  public func logicalNot() throws -> Tensor { try unary(CT_LOGICAL_NOT) }

  /// x to this power.
  public func power(_ exponent: Double) throws -> Tensor { try Self.scalar(CT_POWER, self, exponent) }
  /// The larger of each pair.
  public func maximum(_ other: Tensor) throws -> Tensor { try Self.binary(CT_MAXIMUM, self, other) }
  /// The smaller of each pair.
  public func minimum(_ other: Tensor) throws -> Tensor { try Self.binary(CT_MINIMUM, self, other) }
  /// Each element brought into low … high.
  public func clamped(_ low: Double, _ high: Double) throws -> Tensor { try checked(ct_math_clamp(handle, low, high)) }
  /// Matrix product; batches broadcast.
  public func matmul(_ other: Tensor) throws -> Tensor { try Self.binary(CT_MATMUL, self, other) }

  /// X of A·X = B, for this symmetric positive definite A [n, n] and B [n, k]; by Cholesky's decomposition.
  ///
  /// - Throws: ``TorchError`` if A is not positive definite.
  public func solving(_ right: Tensor) throws -> Tensor { try checked(ct_math_solve(handle, right.handle)) }

  /// Where elements are equal.
  public func equal(_ other: Tensor) throws -> Tensor { try Self.binary(CT_EQUAL, self, other) }
  /// Where elements equal a number; 0 only where they are exactly 0, also while denormals are flushed.
  public func equal(_ other: Double) throws -> Tensor { try Self.scalar(CT_EQUAL, self, other) }
  /// Where elements differ from a number; from 0 also where they are denormal, even while those are flushed.
  public func notEqual(_ other: Double) throws -> Tensor { try Self.scalar(CT_NOT_EQUAL, self, other) }
  /// Where elements are below a number.
  public func less(_ other: Double) throws -> Tensor { try Self.scalar(CT_LESS, self, other) }
  /// Where elements are above a number.
  public func greater(_ other: Double) throws -> Tensor { try Self.scalar(CT_GREATER, self, other) }
  /// Where elements are at least a number.
  public func greaterOrEqual(_ other: Double) throws -> Tensor { try Self.scalar(CT_GREATER_EQUAL, self, other) }
  /// x where this tensor is true, y elsewhere.
  public func select(_ x: Tensor, else y: Tensor) throws -> Tensor { try checked(ct_math_where(handle, x.handle, y.handle)) }
}
