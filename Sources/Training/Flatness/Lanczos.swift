internal import Foundation
public import Torch

/// The largest eigenvalues of a symmetric matrix that is known by its products with vectors alone.
///
/// Lanczos' method with full reorthogonalisation, twice at each step: in floating point a plain recurrence finds the same eigenvalue again
/// and again. Of an eigenvalue that occurs several times exactly, one is found.
public struct Lanczos {
  /// The largest eigenvalues of the projected matrix (Ritz values), in falling order; fewer than asked for if the matrix has fewer distinct
  /// ones.
  public var values: [Double]
  /// The largest ‖Av − θv‖ over the values θ and their vectors v, divided by the largest |θ|: each lies no farther from an eigenvalue than that.
  public var residual: Double
  /// Number of products taken.
  public var steps: Int

  /// Finds the `count` largest eigenvalues.
  ///
  /// Memory: one vector for each step.
  /// - Parameters:
  ///   - start: a random vector, which determines the result.
  ///   - tolerance: residual at which to stop.
  ///   - most: number of steps after which to stop in any case.
  ///   - product: returns the matrix times a vector.
  public init(_ count: Int, from start: Tensor, tolerance: Double, most: Int, product: (Tensor) throws -> Tensor) throws {
    (values, residual, steps) = ([], 0, 0)
    var (diagonal, offDiagonal): ([Double], [Double]) = ([], [])
    var basis: [Tensor] = []
    let length = try start.norm().item()
    guard count > 0, length > 0 else { return }
    var vector = try start / length
    while steps < most {
      basis.append(vector)
      var next = try product(vector)
      diagonal.append(try (next * vector).sum().item())
      for _ in 0..<2 { for earlier in basis { next = try next.adding(earlier, scale: -(next * earlier).sum().item()) } }
      let rest = try next.norm().item()
      steps += 1
      let pairs = Tridiagonal(diagonal, offDiagonal).eigenpairs()
      let (top, scale) = (pairs.prefix(count), pairs.map { abs($0.value) }.max() ?? 0)
      values = top.map(\.value)
      let largest = top.map { abs(rest * $0.last) }.max() ?? 0
      residual = scale > 0 ? largest / scale : 0
      // Nothing is left that the basis does not span, but for rounding.
      let isComplete = rest <= 1e-7 * scale || !rest.isFinite
      if isComplete || pairs.count >= count && residual <= tolerance { return }
      offDiagonal.append(rest)
      vector = try next / rest
    }
  }
}

/// A symmetric matrix with entries beside its diagonal only.
struct Tridiagonal {
  private let diagonal, offDiagonal: [Double]

  /// The matrix of n entries on the diagonal and n − 1 beside it.
  init(_ diagonal: [Double], _ offDiagonal: [Double]) { (self.diagonal, self.offDiagonal) = (diagonal, offDiagonal) }

  /// Returns the eigenvalues in falling order, each with the last component of its unit eigenvector.
  ///
  /// QR steps with Wilkinson's shift, by plane rotations that chase the bulge down the matrix; the rotations of the last row of the identity
  /// give the components.
  func eigenpairs() -> [(value: Double, last: Double)] {
    var (d, e) = (diagonal, offDiagonal)
    var row = Array(repeating: 0.0, count: d.count)
    guard !d.isEmpty else { return [] }
    row[d.count - 1] = 1
    var end = d.count - 1
    var left = 60 * d.count
    while end > 0, left > 0 {
      func isSmall(_ i: Int) -> Bool { abs(e[i]) <= 1e-16 * (abs(d[i]) + abs(d[i + 1])) }
      if isSmall(end - 1) {
        end -= 1
        continue
      }
      left -= 1
      var start = end - 1
      while start > 0, !isSmall(start - 1) { start -= 1 }
      // The eigenvalue of the last 2×2 block that lies nearer to its last entry.
      let (half, b) = ((d[end - 1] - d[end]) / 2, e[end - 1])
      let shift = d[end] - b * b / (half + (half < 0 ? -1 : 1) * hypot(half, b))
      var (x, z) = (d[start] - shift, e[start])
      for k in start..<end {
        let r = hypot(x, z)
        let (c, s) = r == 0 ? (1, 0) : (x / r, z / r)
        if k > start { e[k - 1] = r }
        let (p, q, o) = (d[k], d[k + 1], e[k])
        d[k] = c * c * p + 2 * c * s * o + s * s * q
        d[k + 1] = s * s * p - 2 * c * s * o + c * c * q
        e[k] = c * s * (q - p) + (c * c - s * s) * o
        (row[k], row[k + 1]) = (c * row[k] + s * row[k + 1], c * row[k + 1] - s * row[k])
        if k < end - 1 {
          (x, z) = (e[k], s * e[k + 1])
          e[k + 1] *= c
        }
      }
    }
    return zip(d, row).map { (value: $0, last: $1) }.sorted { $0.value > $1.value }
  }
}
