internal import Torch

/// Pointers to the stored bytes of examples, for code that assembles its own batches and reads only the pixels it needs.
///
/// The pointers are valid during the call that passes them.
public struct StoredExamples {
  /// All images of the storage, `imageSize` bytes each.
  public let images: UnsafeBufferPointer<UInt8>
  /// Index in `images` of each example.
  public let positions: UnsafeBufferPointer<Int64>
  /// Class of each example.
  public let labels: UnsafeBufferPointer<Int64>
  /// Number of examples.
  public var count: Int { labels.count }
}

extension ImageSet {
  /// Calls `body` with pointers to all stored examples, in the set's own order.
  public func withStoredExamples<Result>(_ body: (StoredExamples) throws -> Result) rethrows -> Result {
    try storage.withBytes { images in
      try positions.withUnsafeBufferPointer { positions in
        try labels.withUnsafeBufferPointer { labels in
          try body(StoredExamples(images: images, positions: positions, labels: labels))
        }
      }
    }
  }

  /// Returns the normalised value of each byte, (byte/255 − mean)/deviation, as batches hold it: [channels × 256].
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if the normalisation does not fit the channels.
  public func byteValues(_ normalization: Normalization) throws -> [Float] {
    try assembly(normalization, channelsLast: false).table
  }
}
