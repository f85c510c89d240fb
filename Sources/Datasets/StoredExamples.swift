internal import Torch

/// Where the bytes of some examples lie: for readers that assemble their own batches and take only the pixels they need.
///
/// The pointers hold as long as the call that hands them out.
public struct StoredExamples {
  /// All images of the storage, `imageSize` bytes each.
  public let images: UnsafeBufferPointer<UInt8>
  /// For each example, which of these images it is.
  public let positions: UnsafeBufferPointer<Int64>
  /// For each example, its class.
  public let labels: UnsafeBufferPointer<Int64>
  /// The number of examples.
  public var count: Int { labels.count }
}

extension ImageSet {
  /// Calls `body` with where all examples lie, in the set's own order.
  public func withStoredExamples<Result>(_ body: (StoredExamples) throws -> Result) rethrows -> Result {
    try storage.withBytes { images in
      try positions.withUnsafeBufferPointer { positions in
        try labels.withUnsafeBufferPointer { labels in
          try body(StoredExamples(images: images, positions: positions, labels: labels))
        }
      }
    }
  }

  /// [channels × 256]: the value of each byte, (byte/255 − mean)/deviation, as batches hold it.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if the normalisation does not fit.
  public func byteValues(_ normalization: Normalization) throws -> [Float] {
    try assembly(normalization, channelsLast: false).table
  }
}
