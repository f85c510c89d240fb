internal import Interruptions
internal import Torch

/// A set's examples in their own order, in batches without augmentation, for repeated evaluation.
///
/// If all batches together fit into the memory limit, each is assembled when first taken and kept.
public final class EvaluationBatches {
  /// Number of batches; the last may be smaller.
  public let count: Int
  /// Examples per batch.
  public let batchSize: Int
  /// The examples that batches are taken from.
  public let set: ExampleSet

  private let normalization: Normalization
  private let channelsLast: Bool
  private var kept: [Batch?]?

  /// Creates batches of a set.
  ///
  /// - Parameter memoryLimit: bytes of tensors up to which all batches are kept.
  /// - Throws: ``DatasetError/badRequest(_:)`` if the set is empty or the normalisation does not fit.
  public init(
    _ set: ExampleSet, batchSize: Int = 500, normalization: Normalization, channelsLast: Bool = false, memoryLimit: Int = 256 << 20
  ) throws {
    guard batchSize >= 1 else { throw DatasetError.badRequest("a batch size of \(batchSize): it must be at least 1") }
    guard set.count > 0 else { throw DatasetError.badRequest("\(set.name) has no examples") }
    try normalization.validate(channels: set.channels)
    self.set = set
    self.batchSize = min(batchSize, set.count)
    self.normalization = normalization
    self.channelsLast = channelsLast
    count = (set.count - 1) / self.batchSize + 1
    let bytes = set.count * (set.exampleSize * 4 + 8)
    kept = bytes <= memoryLimit ? Array(repeating: nil, count: count) : nil
  }

  /// Returns the batch of examples from `batchSize`·index on.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if there is no such batch.
  public func batch(_ index: Int) throws -> Batch {
    guard (0..<count).contains(index) else { throw DatasetError.badRequest("batch \(index): there are \(count), from 0") }
    if let batch = kept?[index] { return batch }
    let start = index * batchSize
    let batch = try set.batch(
      of: start..<min(start + batchSize, set.count), normalization: normalization, channelsLast: channelsLast)
    kept?[index] = batch
    return batch
  }

  /// Calls `body` with each batch in order; throws `Interrupted` between two batches on request.
  public func forEach(_ body: (Batch) throws -> Void) throws {
    for index in 0..<count {
      try Interruption.check()
      try body(batch(index))
    }
  }

  /// Calls `body` with the same examples in as many batches, in order, whose sizes differ by at most one: a last batch of only a few
  /// examples would have poor batch statistics.
  public func forEachEvenly(_ body: (Batch) throws -> Void) throws {
    if set.count % batchSize == 0 { return try forEach(body) }
    for index in 0..<count {
      try Interruption.check()
      let range = set.count * index / count..<set.count * (index + 1) / count
      try body(set.batch(of: range, normalization: normalization, channelsLast: channelsLast))
    }
  }
}

extension ExampleSet {
  /// Returns this set's examples in their own order, in batches of `size`.
  public func batches(of size: Int, normalization: Normalization, channelsLast: Bool = false) throws -> EvaluationBatches {
    try EvaluationBatches(self, batchSize: size, normalization: normalization, channelsLast: channelsLast)
  }
}
