internal import Torch

extension ExampleSet {
  /// SHA-256 of the examples as loaded: sizes, elements and labels in order, and the number of classes.
  ///
  /// Sets with the same fingerprint are the same data, whatever their files are called. Computing it reads every byte once; of examples
  /// that are read as they are needed, every byte of their files.
  ///
  /// - Throws: errors of reading examples.
  public var fingerprint: String {
    get throws {
      var checksum = RunningChecksum()
      if elementType != .uint8 { checksum.update(elementType.rawValue) }
      if storedShape != shape { for number in storedShape { checksum.update(number) } }
      for number in shape + [classes, count] { checksum.update(number) }
      if case .read(let examples) = storage {
        for position in positions {
          let content = try examples.reader.content(Int(position))
          checksum.update(content.count)
          content.withUnsafeBytes { checksum.update($0) }
        }
      } else {
        try storage.withElements(of: []) { elements, _ in
          let bytes =
            switch elements {
            case .bytes(let bytes): UnsafeRawBufferPointer(bytes)
            case .floats(let values): UnsafeRawBufferPointer(values)
            }
          let size = storedSize * elementType.size
          for position in positions {
            let start = Int(position) * size
            checksum.update(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + size)]))
          }
        }
      }
      if !isLabelled { checksum.update("no labels") }
      labels.withUnsafeBytes { checksum.update($0) }
      return checksum.digits
    }
  }
}
