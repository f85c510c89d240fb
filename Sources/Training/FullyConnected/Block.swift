/// Elements at a fixed address, aligned for the widest vectors, that the kernels' pointers refer to.
final class Block<Element: BitwiseCopyable> {
  let pointer: UnsafeMutablePointer<Element>
  let count: Int

  /// Allocates `count` elements with the given value.
  init(count: Int, repeating value: Element) {
    self.count = count
    pointer = Self.allocate(count)
    pointer.initialize(repeating: value, count: count)
  }

  /// Copies an array.
  init(_ elements: [Element]) {
    count = elements.count
    pointer = Self.allocate(count)
    for (i, element) in elements.enumerated() { (pointer + i).initialize(to: element) }
  }

  private static func allocate(_ count: Int) -> UnsafeMutablePointer<Element> {
    // At least one, so that an empty block has an address too.
    let capacity = max(count, 1)
    return UnsafeMutableRawPointer.allocate(byteCount: capacity * MemoryLayout<Element>.stride, alignment: 64)
      .bindMemory(to: Element.self, capacity: capacity)
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }
}
