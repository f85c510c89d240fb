public import Torch

/// Inputs and labels of a batch of examples as tensors.
public struct Batch {
  /// Normalised examples, float32 [batch, channels, height, width], in channels-last memory if requested, or [batch, features].
  public let inputs: Tensor
  /// The class of each example, int64 [batch].
  public let labels: Tensor

  /// Creates a batch from existing tensors.
  public init(inputs: Tensor, labels: Tensor) {
    self.inputs = inputs
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

  init(count: Int, shape: [Int], channelsLast: Bool) throws {
    let isTurned = channelsLast && shape.count == 3
    let stored = try Tensor.empty([count] + (isTurned ? [shape[1], shape[2], shape[0]] : shape))
    let labelTensor = try Tensor.empty([count], type: .int64)
    pixels = try stored.withElements(Float.self) { $0 }
    labels = try labelTensor.withElements(Int64.self) { $0 }
    batch = Batch(inputs: isTurned ? try stored.permuted([0, 3, 1, 2]) : stored, labels: labelTensor)
  }
}

extension ExampleSet {
  /// Returns the given examples as one batch, in the given order, without augmentation.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if there is no such example, or the normalisation does not fit the channels.
  public func batch(of examples: some Sequence<Int>, normalization: Normalization, channelsLast: Bool = false) throws -> Batch {
    let chosen = try selecting(examples)
    guard chosen.count > 0 else { throw DatasetError.badRequest("a batch of no examples of \(name)") }
    let assembly = try chosen.assembly(normalization, channelsLast: channelsLast)
    let target = try UnfilledBatch(count: chosen.count, shape: shape, channelsLast: channelsLast)
    try storage.assemble(assembly, chosen.positions, nil, into: target.pixels)
    _ = target.labels.update(fromContentsOf: chosen.labels)
    return target.batch
  }

  func assembly(_ normalization: Normalization, channelsLast: Bool) throws -> ImageAssembly {
    try normalization.validate(channels: channels)
    return ImageAssembly(
      channels: channels, height: height, width: width, storedChannels: shape.count == 3 ? storedShape.first : nil,
      storedHeight: storedHeight,
      storedWidth: storedWidth, elements: elementType, mean: normalization.mean, deviation: normalization.deviation,
      channelsLast: channelsLast && shape.count == 3)
  }

  var storedHeight: Int { storedShape.count == 3 ? storedShape[1] : 1 }
  var storedWidth: Int { storedShape.count == 3 ? storedShape[2] : 1 }
}
