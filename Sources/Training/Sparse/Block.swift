/// Elements at a fixed address, aligned for the widest vectors, that the kernels' pointers refer to.
final class Block<Element: BitwiseCopyable> {
  let pointer: UnsafeMutablePointer<Element>
  let count: Int

  /// Allocates `count` elements with the given value.
  init(count: Int, repeating value: Element) {
    self.count = count
    // At least one, so that an empty block has an address too.
    let bytes = max(count, 1) * MemoryLayout<Element>.stride
    pointer = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64).bindMemory(to: Element.self, capacity: max(count, 1))
    pointer.initialize(repeating: value, count: max(count, 1))
  }

  /// Copies an array.
  convenience init(_ elements: [Element], padding: Element) {
    self.init(count: elements.count, repeating: padding)
    for (i, element) in elements.enumerated() { pointer[i] = element }
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }
}
