internal import Foundation

/// How places on an axis are measured.
public enum AxisScale: String, Codable, Hashable, Sendable, CaseIterable {
  /// By differences.
  case linear
  /// By quotients.
  case logarithmic

  /// Returns the place of a value; nil if the axis has none for it.
  func position(_ value: Double) -> Double? {
    let position = self == .linear ? value : value > 0 ? log(value) : .nan
    return position.isFinite ? position : nil
  }
}

extension Statistics {
  /// Returns the area under a curve, e.g. of accuracy over density, divided by its width: the mean height, by the trapezoidal rule
  /// Σ(xᵢ₊₁ − xᵢ)(yᵢ + yᵢ₊₁)/2 / (x₍ₙ₎ − x₍₁₎), with log x for x on a logarithmic scale.
  ///
  /// Only curves over the same range may be compared. The points may come in any order; of several with one x, e.g. of several seeds, the
  /// mean y counts. Nil with fewer than two different x, if a number is not finite, and on a logarithmic scale for x ≤ 0.
  public static func areaUnderCurve(_ points: [(x: Double, y: Double)], scale: AxisScale) -> Double? {
    let heights = Dictionary(grouping: points, by: \.x).mapValues { mean($0.map(\.y)) ?? .nan }
    let curve = heights.sorted { $0.key < $1.key }.compactMap { x, y in scale.position(x).map { (x: $0, y: y) } }
    guard curve.count == heights.count, curve.allSatisfy(\.y.isFinite), let first = curve.first, let last = curve.last, first.x < last.x
    else { return nil }
    let doubled = zip(curve, curve.dropFirst()).reduce(0) { $0 + ($1.1.x - $1.0.x) * ($1.0.y + $1.1.y) }
    return doubled / 2 / (last.x - first.x)
  }
}
