/// Bounds that keep sizes from untrusted files inside 64-bit arithmetic.
enum Limits {
  /// The largest single size: some of libtorch's kernels index with 32 bits.
  static let size = Int(Int32.max)
  /// The most nodes of a network: far more than any real network has, and few enough that every command finishes in seconds.
  static let nodes = 1 << 15
  /// The most elements of one tensor or of one example's features.
  static let elements = 1 << 36

  /// - Throws: ``NetworkError/tooLarge(_:)`` for more nodes than a network may have.
  static func check(nodes count: Int) throws {
    guard count <= nodes else { throw NetworkError.tooLarge("a network of \(count) nodes is too long, at most \(nodes) are allowed") }
  }
}

extension Int {
  /// The product of the factors, or nil where it exceeds 64 bits.
  static func product(_ factors: some Sequence<Int>) -> Int? {
    var result = 1
    for factor in factors {
      let (partial, overflow) = result.multipliedReportingOverflow(by: factor)
      if overflow { return nil }
      result = partial
    }
    return result
  }

  /// The sum of the terms, or nil where it exceeds 64 bits.
  static func sum(_ terms: some Sequence<Int>) -> Int? {
    var result = 0
    for term in terms {
      let (partial, overflow) = result.addingReportingOverflow(term)
      if overflow { return nil }
      result = partial
    }
    return result
  }
}
