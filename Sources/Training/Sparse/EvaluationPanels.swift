internal import CSparse
internal import Datasets

/// A set's examples in their own order as the sparse kernels take them: for evaluating again and again.
///
/// Assembled once, when first taken, if they fit into the memory limit; else they are to be gathered anew each time.
final class EvaluationPanels {
  let set: ImageSet
  private let isKept: Bool
  // Only where kernels run, whose networks 16-bit indices can reach.
  private lazy var inputs = Block((0..<set.imageSize).map(UInt16.init), padding: 0)
  private var panels: [Block<Float>] = []

  /// - Parameter memoryLimit: bytes up to which the panels are kept.
  init(_ set: ImageSet, memoryLimit: Int = 256 << 20) {
    self.set = set
    isKept = set.count <= memoryLimit / (set.imageSize * 4)
  }

  /// A panel of all inputs; nil if it is not kept.
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
