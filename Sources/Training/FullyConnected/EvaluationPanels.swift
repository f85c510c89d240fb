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
  /// - Parameter byteValues: the values of the bytes; always the same ones.
  func assembled(by kernels: cs_kernels, _ byteValues: UnsafePointer<Float>) -> UnsafePointer<UnsafePointer<Float>>? {
    guard isKept else { return nil }
    if pointers == nil {
      panels = set.withStoredExamples { examples in
        guard let bytes = examples.images.baseAddress, let positions = examples.positions.baseAddress else { return [] }
        var images = cs_images(bytes: bytes, size: set.imageSize, area: set.height * set.width, table: byteValues)
        return stride(from: 0, to: examples.count, by: panelSize).map { start in
          let panel = Block<Float>(count: set.imageSize * panelSize, repeating: 0)
          kernels.gather(
            &images, positions + start, UInt32(min(panelSize, examples.count - start)), nil, cs_share(from: 0, to: UInt32(set.imageSize)),
            panel.pointer)
          return panel
        }
      }
      pointers = Block(panels.map { UnsafePointer($0.pointer) })
    }
    return pointers.map { UnsafePointer($0.pointer) }
  }
}
