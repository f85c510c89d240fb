internal import Foundation

extension ExampleSet {
  /// Returns a random subset of exactly `count` examples, balanced over the classes as far as possible, in the original order.
  ///
  /// Class counts differ by at most one, except that a class with too few examples contributes all of them and the others make up the
  /// difference. Which classes contribute one more is random too. With the same seed, a smaller subset is contained in a larger one as
  /// far as the counts allow.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` unless 1 ≤ count ≤ ``ExampleSet/count``.
  public func subset(_ count: Int, seed: UInt64) throws -> ExampleSet {
    guard (1...max(1, self.count)).contains(count), count <= self.count else {
      throw DatasetError.badRequest("a subset of \(count) examples: \(name) has \(self.count), so 1…\(self.count) are possible")
    }
    let available = examplesByClass()
    var generator = SeededGenerator(seed: seed, .subset)
    var order = Array(available.indices)
    generator.shuffle(&order)
    var quota = Array(repeating: 0, count: classes)
    var left = count
    // Classes with at most an even share contribute all they have, until an even share of the rest fits.
    var open = order.filter { !available[$0].isEmpty }
    while left > 0, !open.isEmpty {
      let share = left / open.count
      let exhausted = open.filter { available[$0].count <= share }
      if exhausted.isEmpty {
        for (rank, label) in open.enumerated() { quota[label] = share + (rank < left % open.count ? 1 : 0) }
        break
      }
      for label in exhausted {
        quota[label] = available[label].count
        left -= available[label].count
      }
      open.removeAll { quota[$0] > 0 }
    }
    return try selecting(draw(quota, from: available, stream: .subset, seed: seed).sorted())
  }

  /// Splits the set into a training part and a validation part of exactly `validation` examples, stratified by class, both in the
  /// original order.
  ///
  /// Each class contributes in proportion to its size, rounded up for those with the largest remainders (ties: the lower label first).
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` unless both parts have at least one example.
  public func split(validation: Int, seed: UInt64) throws -> (training: ExampleSet, validation: ExampleSet) {
    guard validation >= 1, validation < count else {
      throw DatasetError.badRequest(
        "a validation part of \(validation) examples: \(name) has \(count), so 1…\(count - 1) are possible")
    }
    let available = examplesByClass()
    // Exact: a class count times the validation count stays far below 2⁶³.
    var quota = available.map { $0.count * validation / count }
    let remainders = available.map { $0.count * validation % count }
    let byRemainder = remainders.indices.sorted { (remainders[$1], $0) < (remainders[$0], $1) }
    for label in byRemainder.prefix(validation - quota.reduce(0, +)) { quota[label] += 1 }
    let chosen = Set(draw(quota, from: available, stream: .split, seed: seed))
    return (
      try selecting((0..<count).filter { !chosen.contains($0) }), try selecting((0..<count).filter { chosen.contains($0) })
    )
  }

  /// Splits off floor(fraction·count + 0.5) examples for validation, stratified by class.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` unless 0 < fraction < 1 and both parts have at least one example.
  public func split(validationFraction fraction: Double, seed: UInt64) throws -> (training: ExampleSet, validation: ExampleSet) {
    guard fraction > 0, fraction < 1 else {
      throw DatasetError.badRequest("a validation fraction of \(fraction): it must lie between 0 and 1")
    }
    // The tolerance undoes the binary representation of decimal fractions: 0.29·50 is 14.499… and still rounds up.
    return try split(validation: Int((fraction * Double(count) + 0.5 + 1e-9).rounded(.down)), seed: seed)
  }

  /// Returns `count` examples drawn at random with replacement, in the order in which they were drawn.
  ///
  /// - Parameter draw: number of the draw; each is another one.
  /// - Throws: ``DatasetError/badRequest(_:)`` unless there is an example, and at least one is asked for.
  public func resampled(_ count: Int, seed: UInt64, draw: Int) throws -> ExampleSet {
    guard count >= 1, self.count >= 1 else {
      throw DatasetError.badRequest("a draw of \(count) examples of \(self.count) of \(name): both must be at least 1")
    }
    var generator = SeededGenerator(seed: seed, .resampling, UInt64(bitPattern: Int64(draw)))
    return try selecting((0..<count).map { _ in Int(generator.next(below: UInt64(self.count))) })
  }

  // Each class has a stream of its own, so that one class's count does not change which examples of another are drawn.
  private func draw(_ quota: [Int], from available: [[Int]], stream: SeededGenerator.Stream, seed: UInt64) -> [Int] {
    zip(quota, available).enumerated().flatMap { label, pair in
      var generator = SeededGenerator(seed: seed, stream, UInt64(label) + 1)
      var examples = pair.1
      generator.shuffle(&examples)
      return examples.prefix(pair.0)
    }
  }
}
