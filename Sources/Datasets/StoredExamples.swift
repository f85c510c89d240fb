internal import Torch

/// Pointers to the stored elements of examples, for code that assembles its own batches and reads only the elements it needs.
///
/// The pointers are valid during the call that passes them.
public struct StoredExamples {
  /// All elements of the storage.
  public enum Elements {
    /// Bytes, `exampleSize` of each example.
    case bytes(UnsafeBufferPointer<UInt8>)
    /// float32 values, `exampleSize` of each example.
    case floats(UnsafeBufferPointer<Float>)

    init(_ bytes: UnsafeRawBufferPointer, _ type: ElementType) {
      switch type {
      case .float32: self = .floats(bytes.assumingMemoryBound(to: Float.self))
      default: self = .bytes(bytes.assumingMemoryBound(to: UInt8.self))
      }
    }
  }

  /// The elements of all examples of the storage.
  public let elements: Elements
  /// Index in `elements` of each example.
  public let positions: UnsafeBufferPointer<Int64>
  /// Class of each example.
  public let labels: UnsafeBufferPointer<Int64>
  /// Number of positions that follow those of the examples in memory: the next ones to be asked for.
  public let following: Int
  /// Number of examples.
  public var count: Int { labels.count }
}

extension ExampleSet {
  /// Calls `body` with pointers to all stored examples, in the set's own order.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if the examples are not in memory (``isResident``); what `body` throws.
  public func withStoredExamples<Result>(_ body: (StoredExamples) throws -> Result) throws -> Result {
    try withElements { elements in
      try positions.withUnsafeBufferPointer { positions in
        try labels.withUnsafeBufferPointer { labels in
          try body(StoredExamples(elements: elements, positions: positions, labels: labels, following: 0))
        }
      }
    }
  }

  /// Calls `body` with all elements of the storage.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if the examples are not in memory; what `body` throws.
  func withElements<Result>(_ body: (StoredExamples.Elements) throws -> Result) throws -> Result {
    guard isResident else { throw DatasetError.badRequest("the examples of \(name) are not in memory as they go into a batch") }
    return try storage.withElements(of: []) { elements, _ in try body(elements) }
  }

  /// Returns what turns an element x of each channel into its normalised value, scale·x + offset: (x/255 − mean)/deviation for a byte,
  /// (x − mean)/deviation for float32.
  ///
  /// The product and sum, rounded once each or together, differ from the values of assembled batches by rounding alone.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if the normalisation does not fit the channels.
  public func scaling(_ normalization: Normalization) throws -> [(scale: Float, offset: Float)] {
    try normalization.validate(channels: channels)
    let unit: Double = elementType == .uint8 ? 255 : 1
    return zip(normalization.mean, normalization.deviation).map { mean, deviation in
      (Float(1 / (unit * Double(deviation))), Float(-Double(mean) / Double(deviation)))
    }
  }
}
