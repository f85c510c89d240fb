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
  /// Number of positions that follow those of the examples in memory: the next ones to be asked for.
  public let following: Int
  /// Number of examples.
  public var count: Int { labels.count }
}

extension ImageSet {
  /// Calls `body` with pointers to all stored examples, in the set's own order.
  public func withStoredExamples<Result>(_ body: (StoredExamples) throws -> Result) rethrows -> Result {
    try storage.withBytes { images in
      try positions.withUnsafeBufferPointer { positions in
        try labels.withUnsafeBufferPointer { labels in
          try body(StoredExamples(images: images, positions: positions, labels: labels, following: 0))
        }
      }
    }
  }

  /// Returns what turns a byte b of each channel into its normalised value, (b/255 − mean)/deviation = scale·b + offset.
  ///
  /// The product and sum, rounded once each or together, differ from the values of assembled batches by rounding alone.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if the normalisation does not fit the channels.
  public func byteScaling(_ normalization: Normalization) throws -> [(scale: Float, offset: Float)] {
    try normalization.validate(channels: channels)
    return zip(normalization.mean, normalization.deviation).map { mean, deviation in
      (Float(1 / (255 * Double(deviation))), Float(-Double(mean) / Double(deviation)))
    }
  }
}
