/// What a test holds against its null hypothesis.
public enum Alternative: String, Codable, Hashable, Sendable, CaseIterable {
  /// The values lie elsewhere, on either side.
  case twoSided = "two-sided"
  /// The values lie below.
  case less
  /// The values lie above.
  case greater

  /// Returns the p value from the probabilities of at most and of at least what was seen; twice the smaller one if two-sided.
  func p(atMost: Double, atLeast: Double) -> Double {
    switch self {
    case .twoSided: min(2 * min(atMost, atLeast), 1)
    case .less: atMost
    case .greater: atLeast
    }
  }
}
