public import Torch

/// Images and labels of a batch of examples as tensors.
public struct Batch {
  /// Normalised images, float32 [batch, channels, height, width]; in channels-last memory if requested.
  public let images: Tensor
  /// The class of each image, int64 [batch].
  public let labels: Tensor

  /// Creates a batch from existing tensors.
  public init(images: Tensor, labels: Tensor) {
    self.images = images
    self.labels = labels
  }

  /// Number of examples.
  public var count: Int { labels.count }
}

/// A batch whose elements are still to be written, with pointers to them.
///
/// The tensors are created by the thread that owns the run; another thread may write through the pointers without touching libtorch. The
/// pointers are valid as long as ``batch`` exists.
struct UnfilledBatch {
  let batch: Batch
  let pixels: UnsafeMutableBufferPointer<Float>
  let labels: UnsafeMutableBufferPointer<Int64>

  init(count: Int, channels: Int, height: Int, width: Int, channelsLast: Bool) throws {
    let stored = try Tensor.empty(channelsLast ? [count, height, width, channels] : [count, channels, height, width])
    let labelTensor = try Tensor.empty([count], type: .int64)
    pixels = try stored.withElements(Float.self) { $0 }
    labels = try labelTensor.withElements(Int64.self) { $0 }
    batch = Batch(images: channelsLast ? try stored.permuted([0, 3, 1, 2]) : stored, labels: labelTensor)
  }
}

extension ImageSet {
  /// Returns the given examples as one batch, in the given order, without augmentation.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if there is no such example, or the normalisation does not fit the channels.
  public func batch(of examples: some Sequence<Int>, normalization: Normalization, channelsLast: Bool = false) throws -> Batch {
    let chosen = try selecting(examples)
    guard chosen.count > 0 else { throw DatasetError.badRequest("a batch of no examples of \(name)") }
    let assembly = try chosen.assembly(normalization, channelsLast: channelsLast)
    let target = try UnfilledBatch(
      count: chosen.count, channels: channels, height: height, width: width, channelsLast: channelsLast)
    try storage.withBytes { try assembly.assemble($0, indices: chosen.positions, into: target.pixels) }
    _ = target.labels.update(fromContentsOf: chosen.labels)
    return target.batch
  }

  func assembly(_ normalization: Normalization, channelsLast: Bool) throws -> ImageAssembly {
    try normalization.validate(channels: channels)
    return ImageAssembly(
      channels: channels, height: height, width: width, mean: normalization.mean, deviation: normalization.deviation,
      channelsLast: channelsLast)
  }
}
