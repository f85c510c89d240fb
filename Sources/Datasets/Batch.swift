public import Torch

/// Some examples as tensors.
public struct Batch {
  /// float32 [batch, channels, height, width], normalised; in channels-last memory where that was asked for.
  public let images: Tensor
  /// int64 [batch]: the class of each image.
  public let labels: Tensor

  /// A batch of given tensors.
  public init(images: Tensor, labels: Tensor) {
    self.images = images
    self.labels = labels
  }

  /// The number of examples.
  public var count: Int { labels.count }
}

/// A batch whose elements are still to be written, and where they go.
///
/// The tensors are made by the thread that owns the run; another thread may write through the pointers, which touches nothing
/// of libtorch. The pointers hold as long as ``batch`` does.
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
  /// These examples as one batch, in this order, without augmentation.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if there is no such example, or the normalisation does not fit.
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
