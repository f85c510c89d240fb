internal import CSparse
internal import Datasets

/// A set's examples in their own order as panels for the kernels, for repeated evaluation.
///
/// The panels are assembled when first used and kept if all fit into the memory limit; otherwise they must be gathered anew each time.
final class EvaluationPanels {
  let set: ImageSet
  private let isKept: Bool
  private var panels: [Block<Float>] = []
  private var pointers: Block<UnsafePointer<Float>>?

  /// - Parameter memoryLimit: bytes up to which the panels are kept.
  init(_ set: ImageSet, memoryLimit: Int = 256 << 20) {
    self.set = set
    isKept = set.count <= memoryLimit / (set.imageSize * 4)
  }

  /// Number of panels.
  var count: Int { (set.count + panelSize - 1) / panelSize }

  /// Returns the panels of all inputs; nil if they are not kept.
  ///
  /// - Parameter values: the values of bytes; always the same ones.
  func assembled(by kernels: cs_kernels, _ values: ByteValues) -> UnsafePointer<UnsafePointer<Float>>? {
    guard isKept else { return nil }
    if pointers == nil {
      panels = set.withStoredExamples { examples in
        guard let bytes = examples.images.baseAddress, let positions = examples.positions.baseAddress else { return [] }
        var images = values.images(bytes)
        let groups = Block((0..<(set.imageSize + 15) / 16).map(UInt16.init))
        return stride(from: 0, to: examples.count, by: panelSize).map { start in
          let panel = Block<Float>(count: set.imageSize * panelSize, repeating: 0)
          kernels.gather(
            &images, positions + start, UInt32(min(panelSize, examples.count - start)), groups.pointer, UInt32(groups.count), panel.pointer)
          return panel
        }
      }
      pointers = Block(panels.map { UnsafePointer($0.pointer) })
    }
    return pointers.map { UnsafePointer($0.pointer) }
  }
}

/// The value of a byte at each place of an image, as the kernels compute it: scale·byte + offset.
final class ByteValues {
  private let scale: Block<Float>
  private let offset: Block<Float>
  private let size: Int

  /// - Throws: `DatasetError` if the normalisation does not fit the images.
  init(_ set: ImageSet, _ normalization: Normalization) throws {
    let channels = try set.byteScaling(normalization)
    size = set.imageSize
    scale = Block(count: size, repeating: 0)
    offset = Block(count: size, repeating: 0)
    for place in 0..<size { (scale.pointer[place], offset.pointer[place]) = channels[place / (set.height * set.width)] }
  }

  /// Returns the images of a storage with their values.
  func images(_ bytes: UnsafePointer<UInt8>) -> cs_images {
    cs_images(bytes: bytes, size: size, scale: scale.pointer, offset: offset.pointer)
  }
}
