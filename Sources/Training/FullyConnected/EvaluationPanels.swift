internal import CSparse
internal import Datasets

/// A set's examples in their own order as panels for the kernels, for repeated evaluation.
///
/// The panels are assembled when first used and kept if all fit into the memory limit; otherwise they must be gathered anew each time.
final class EvaluationPanels {
  let set: ExampleSet
  private let isKept: Bool
  private var panels: [Block<Float>] = []
  private var pointers: Block<UnsafePointer<Float>>?

  /// - Parameter memoryLimit: bytes up to which the panels are kept.
  init(_ set: ExampleSet, memoryLimit: Int = 256 << 20) {
    self.set = set
    isKept = set.count <= memoryLimit / (set.exampleSize * 4)
  }

  /// Number of panels.
  var count: Int { (set.count + panelSize - 1) / panelSize }

  /// Returns the panels of all inputs; nil if they are not kept.
  ///
  /// - Parameters:
  ///   - examples: those of the set, all of them.
  ///   - values: the values of elements; always the same ones.
  func assembled(
    from examples: StoredExamples, by kernels: cs_kernels, _ values: ElementValues
  ) -> UnsafePointer<UnsafePointer<Float>>? {
    guard isKept, let positions = examples.positions.baseAddress else { return nil }
    if pointers == nil {
      var images = values.images(examples.elements)
      let groups = Block((0..<(set.exampleSize + 15) / 16).map(UInt16.init))
      panels = stride(from: 0, to: examples.count, by: panelSize).map { start in
        let panel = Block<Float>(count: set.exampleSize * panelSize, repeating: 0)
        kernels.gather(
          &images, positions + start, UInt32(min(panelSize, examples.count - start)), groups.pointer, UInt32(groups.count), panel.pointer)
        return panel
      }
      pointers = Block(panels.map { UnsafePointer($0.pointer) })
    }
    return pointers.map { UnsafePointer($0.pointer) }
  }
}

/// The value of an element at each place of an example, as the kernels compute it: scale·element + offset.
final class ElementValues {
  private let scale: Block<Float>
  private let offset: Block<Float>
  private let size: Int

  /// - Throws: `DatasetError` if the normalisation does not fit the examples.
  init(_ set: ExampleSet, _ normalization: Normalization) throws {
    let channels = try set.scaling(normalization)
    size = set.exampleSize
    scale = Block(count: size, repeating: 0)
    offset = Block(count: size, repeating: 0)
    for place in 0..<size { (scale.pointer[place], offset.pointer[place]) = channels[place / (set.height * set.width)] }
  }

  /// Returns the examples of a storage with their values.
  func images(_ elements: StoredExamples.Elements) -> cs_images {
    switch elements {
    case .bytes(let bytes):
      cs_images(bytes: bytes.baseAddress, floats: nil, size: size, scale: scale.pointer, offset: offset.pointer)
    case .floats(let values):
      cs_images(bytes: nil, floats: values.baseAddress, size: size, scale: scale.pointer, offset: offset.pointer)
    }
  }
}
