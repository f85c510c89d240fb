extension Statistics {
  /// Returns p values adjusted for there being several, in the same order (Holm 1979): with p₍₁₎ ≤ … ≤ p₍ₘ₎, the adjusted p₍ᵢ₎ is the largest
  /// of (m + 1 − j)·p₍ⱼ₎ over j ≤ i, and at most 1.
  ///
  /// What stays below α rejects with a chance of at most α that any rejection is wrong, however the tests depend on each other. Equal
  /// values stay equal. Nil if one is outside 0…1 or not a number.
  public static func holm(_ p: [Double]) -> [Double]? {
    guard p.allSatisfy((0...1).contains) else { return nil }
    var adjusted = p
    var largest = 0.0
    for (rank, index) in p.indices.sorted(by: { p[$0] < p[$1] }).enumerated() {
      largest = max(largest, min(Double(p.count - rank) * p[index], 1))
      adjusted[index] = largest
    }
    return adjusted
  }
}
