internal import Torch

/// Writes any batch of any epoch into memory, for loaders with and without prefetching.
///
/// Calls nothing in libtorch. Keeps its working arrays from batch to batch and is used by one thread at a time.
final class BatchAssembler {
  let set: ExampleSet
  let batchSize: Int
  let seed: UInt64
  let shuffle: Bool
  let augmentation: Augmentation
  private let assembly: ImageAssembly

  private var epoch: Int?
  private var epochOrder: [Int] = []
  private var indices: [Int64] = []
  private var placement = ImageAssembly.Placement(dy: [], dx: [], mirrored: [])

  init(set: ExampleSet, batchSize: Int, seed: UInt64, shuffle: Bool, augmentation: Augmentation, assembly: ImageAssembly) {
    self.set = set
    self.batchSize = batchSize
    self.seed = seed
    self.shuffle = shuffle
    self.augmentation = augmentation
    self.assembly = assembly
    indices.reserveCapacity(batchSize)
    placement.dy.reserveCapacity(batchSize)
    placement.dx.reserveCapacity(batchSize)
    placement.mirrored.reserveCapacity(batchSize)
  }

  /// Returns the indices of the examples in the order of an epoch.
  static func order(count: Int, seed: UInt64, epoch: Int, shuffle: Bool) -> [Int] {
    var order = Array(0..<count)
    if shuffle {
      var generator = SeededGenerator(seed: seed, .order, UInt64(bitPattern: Int64(epoch)))
      generator.shuffle(&order)
    }
    return order
  }

  /// Writes examples from `batchSize`·index on, as many as `labels` has room for.
  func assemble(
    epoch: Int, index: Int, pixels: UnsafeMutableBufferPointer<Float>, labels: UnsafeMutableBufferPointer<Int64>
  ) throws {
    if self.epoch != epoch {
      epochOrder = Self.order(count: set.count, seed: seed, epoch: epoch, shuffle: shuffle)
      self.epoch = epoch
    }
    let start = index * batchSize
    indices.removeAll(keepingCapacity: true)
    for offset in 0..<labels.count {
      let example = epochOrder[start + offset]
      indices.append(set.positions[example])
      labels[offset] = set.labels[example]
    }
    guard !augmentation.isNone else {
      return try set.storage.assemble(assembly, indices, nil, into: pixels)
    }
    let room = (set.storedHeight - set.height, set.storedWidth - set.width)
    placement.dy.removeAll(keepingCapacity: true)
    placement.dx.removeAll(keepingCapacity: true)
    placement.mirrored.removeAll(keepingCapacity: true)
    for offset in 0..<labels.count {
      let (dy, dx, mirrored) = augmentation.placement(seed: seed, epoch: epoch, position: start + offset, room: room)
      placement.dy.append(dy)
      placement.dx.append(dx)
      placement.mirrored.append(mirrored)
    }
    try set.storage.assemble(assembly, indices, placement, into: pixels)
  }
}
