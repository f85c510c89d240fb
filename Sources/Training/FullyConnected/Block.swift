internal import Foundation

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
    let capacity = max(count, 1), bytes = capacity * MemoryLayout<Element>.stride
    let isLarge = bytes >= hugePage / 4
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: isLarge ? hugePage : 64)
    // A step touches every page of weights and moments: with pages of 4 KB, finding them takes a few per cent of it.
    if isLarge { preferHugePages(memory, bytes) }
    return memory.bindMemory(to: Element.self, capacity: capacity)
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }
}

private let hugePage = 2 << 20

private func preferHugePages(_ memory: UnsafeMutableRawPointer, _ bytes: Int) {
  #if os(Linux)
    // Merely advice: whether the system follows it changes nothing else.
    _ = madvise(memory, bytes, Int32(MADV_HUGEPAGE))
  #endif
}
