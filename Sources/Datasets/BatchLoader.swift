internal import Torch

/// Loads training batches: any batch of any epoch, prefetched when batches are taken in order.
///
/// The order of an epoch and every augmentation are pure functions of (seed, epoch, position): a run resumed at any batch sees what the
/// unbroken run would have seen, and prefetching changes nothing. Used from one thread.
///
/// ```swift
/// let loader = try BatchLoader(train, batchSize: 60, seed: 7, normalization: description.normalization)
/// for index in 0..<loader.batchesPerEpoch { let batch = try loader.batch(epoch: 0, index: index) … }
/// ```
public final class BatchLoader {
  /// The choice of the thread that assembles batches.
  public enum Prefetch: Sendable, Equatable {
    /// A thread of the loader's own if assembling a batch takes longer than passing it between threads; otherwise the calling thread.
    case automatic
    /// The calling thread.
    case never
    /// A thread of the loader's own, up to this many batches ahead; the calling thread if the system refuses another one.
    case ahead(Int)
  }

  /// The examples that batches are taken from.
  public let set: ExampleSet
  /// Examples per batch; the last batch of an epoch may have fewer.
  public let batchSize: Int
  /// Seed of the order and the augmentation.
  public let seed: UInt64
  /// The mean and deviation that elements are normalised with.
  public let normalization: Normalization
  /// The augmentation of each image.
  public let augmentation: Augmentation
  /// Whether the images' memory order is batch, height, width, channels.
  public let channelsLast: Bool
  /// Whether each epoch has a random order of its own; otherwise all have the set's order.
  public let shuffle: Bool
  /// Batches per epoch, including a smaller last one unless it is dropped.
  public let batchesPerEpoch: Int
  /// Whether a thread of the loader's own assembles batches.
  public var isPrefetching: Bool { prefetcher != nil }

  private let assembler: BatchAssembler
  private let prefetcher: BatchPrefetcher?
  // Submitted to the prefetcher and not yet taken, oldest first.
  private var pending: [(epoch: Int, index: Int, number: Int, batch: Batch)] = []
  // An epoch's examples in its order, for callers that take batches unassembled.
  private var ordered: (epoch: Int, positions: [Int64], labels: [Int64])?

  /// Creates a loader for a set.
  ///
  /// - Parameters:
  ///   - normalization: the catalogue's (``DatasetDescription/normalization``), or the training part's ``ExampleSet/meanAndDeviation()``.
  ///   - dropLast: whether an epoch ends before a batch that would be smaller.
  /// - Throws: ``DatasetError/badRequest(_:)`` if the set is empty, an epoch has no batch, or the normalisation does not fit.
  public init(
    _ set: ExampleSet, batchSize: Int, seed: UInt64, normalization: Normalization, augmentation: Augmentation = .none,
    channelsLast: Bool = false, shuffle: Bool = true, dropLast: Bool = false, prefetch: Prefetch = .automatic
  ) throws {
    guard batchSize >= 1 else { throw DatasetError.badRequest("a batch size of \(batchSize): it must be at least 1") }
    guard set.count > 0 else { throw DatasetError.badRequest("\(set.name) has no examples") }
    guard !dropLast || batchSize <= set.count else {
      throw DatasetError.badRequest(
        "a batch size of \(batchSize) with the last partial batch dropped: \(set.name) has \(set.count) examples")
    }
    guard (0...1 << 16).contains(augmentation.padding) else {
      throw DatasetError.badRequest("a crop with padding \(augmentation.padding): it must lie in 0…65536")
    }
    self.set = set
    self.batchSize = min(batchSize, set.count)
    self.seed = seed
    self.normalization = normalization
    self.augmentation = augmentation
    self.channelsLast = channelsLast
    self.shuffle = shuffle
    let whole = set.count / self.batchSize
    batchesPerEpoch = dropLast || set.count % self.batchSize == 0 ? whole : whole + 1
    assembler = BatchAssembler(
      set: set, batchSize: self.batchSize, seed: seed, shuffle: shuffle, augmentation: augmentation,
      assembly: try set.assembly(normalization, channelsLast: channelsLast))
    let depth =
      switch prefetch {
      case .never: 0
      case .ahead(let depth): max(1, min(depth, 64))
      case .automatic:
        !set.isResident || self.batchSize * set.exampleSize * (augmentation.isNone ? 1 : Self.augmentedCost) >= Self.prefetchThreshold
          ? 3 : 0
      }
    let worker = depth > 0 ? BatchPrefetcher(assembler, depth: depth) : nil
    // If the system refuses a thread, the calling one assembles: the batches are the same.
    prefetcher = worker?.start() ?? false ? worker : nil
  }

  // Measured: taking a prefetched batch costs the calling thread 6–12 µs whatever its size, and waking threads tens of µs on a busy
  // machine; assembling costs 50–80 µs per 100,000 values, two to three times that with crops.
  private static let augmentedCost = 2
  private static let prefetchThreshold = 1 << 17

  // The tensors that the thread writes to must outlive its last write.
  deinit { prefetcher?.stop() }

  /// Returns the indices of all examples in the order of an epoch.
  public func order(epoch: Int) -> [Int] { BatchAssembler.order(count: set.count, seed: seed, epoch: epoch, shuffle: shuffle) }

  /// Returns a batch; the one after the last that was taken is prefetched.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if an epoch has no such batch.
  public func batch(epoch: Int, index: Int) throws -> Batch {
    try validate(epoch: epoch, index: index)
    guard let prefetcher else {
      let target = try unfilled(index: index)
      try assembler.assemble(epoch: epoch, index: index, pixels: target.pixels, labels: target.labels)
      return target.batch
    }
    if let first = pending.first, first.epoch != epoch || first.index != index {
      // Not the expected batch: requests in progress must finish before their tensors may be released.
      for request in pending { try? prefetcher.wait(for: request.number) }
      pending.removeAll()
    }
    var next: (epoch: Int, index: Int) = pending.last.map { following($0.epoch, $0.index) } ?? (epoch, index)
    while pending.count < prefetcher.depth {
      let target = try unfilled(index: next.index)
      let number = prefetcher.submit(epoch: next.epoch, index: next.index, into: target)
      pending.append((next.epoch, next.index, number, target.batch))
      next = following(next.epoch, next.index)
    }
    let taken = pending.removeFirst()
    try prefetcher.wait(for: taken.number)
    return taken.batch
  }

  /// Calls `body` with pointers to the stored examples of a batch, without copying or augmenting them.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if an epoch has no such batch, or the examples are not in memory
  ///   (``ExampleSet/isResident``); what `body` throws.
  public func withStoredBatch<Result>(epoch: Int, index: Int, _ body: (StoredExamples) throws -> Result) throws -> Result {
    try validate(epoch: epoch, index: index)
    if ordered?.epoch != epoch {
      let order = order(epoch: epoch)
      ordered = (epoch, order.map { set.positions[$0] }, order.map { set.labels[$0] })
    }
    let range = index * batchSize..<min((index + 1) * batchSize, set.count)
    let (positions, labels) = (ordered?.positions ?? [], ordered?.labels ?? [])
    return try set.withElements { elements in
      try positions.withUnsafeBufferPointer { positions in
        try labels.withUnsafeBufferPointer { labels in
          try body(
            StoredExamples(
              elements: elements, positions: .init(rebasing: positions[range]), labels: .init(rebasing: labels[range]),
              following: set.count - range.upperBound))
        }
      }
    }
  }

  private func validate(epoch: Int, index: Int) throws {
    guard index >= 0, index < batchesPerEpoch, epoch >= 0 else {
      throw DatasetError.badRequest("batch \(index) of epoch \(epoch): an epoch has \(batchesPerEpoch), from 0")
    }
  }

  private func following(_ epoch: Int, _ index: Int) -> (epoch: Int, index: Int) {
    index + 1 < batchesPerEpoch ? (epoch, index + 1) : (epoch + 1, 0)
  }

  private func unfilled(index: Int) throws -> UnfilledBatch {
    try UnfilledBatch(
      count: min(batchSize, set.count - index * batchSize), shape: set.shape, channelsLast: channelsLast)
  }
}
