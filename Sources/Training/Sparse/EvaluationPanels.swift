internal import CSparse
internal import Datasets

/// A set's examples in their own order as panels for the sparse kernels, for repeated evaluation.
///
/// Each panel is assembled when first used and kept if all fit into the memory limit; otherwise panels must be gathered anew each time.
final class EvaluationPanels {
  let set: ImageSet
  private let isKept: Bool
  // Evaluated only where kernels run, for networks within reach of 16-bit indices.
  private lazy var inputs = Block((0..<set.imageSize).map(UInt16.init), padding: 0)
  private var panels: [Block<Float>] = []

  /// - Parameter memoryLimit: bytes up to which the panels are kept.
  init(_ set: ImageSet, memoryLimit: Int = 256 << 20) {
    self.set = set
    isKept = set.count <= memoryLimit / (set.imageSize * 4)
  }

  /// Returns a panel of all inputs; nil if panels are not kept.
  func panel(_ index: Int, assembledBy kernels: cs_kernels, _ byteValues: UnsafePointer<Float>) -> UnsafeMutablePointer<Float>? {
    guard isKept else { return nil }
    while panels.count <= index {
      let panel = Block<Float>(count: set.imageSize * panelSize, repeating: 0)
      let start = panels.count * panelSize
      set.withStoredExamples { examples in
        guard let images = examples.images.baseAddress, let positions = examples.positions.baseAddress else { return }
        kernels.gather(
          images, set.imageSize, positions + start, UInt32(min(panelSize, examples.count - start)), inputs.pointer,
          UInt32(set.imageSize), set.height * set.width, byteValues, panel.pointer)
      }
      panels.append(panel)
    }
    return panels[index].pointer
  }
}
