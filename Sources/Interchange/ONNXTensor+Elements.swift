internal import Files
internal import Foundation
package import Torch
internal import Words

extension ONNXTensor {
  /// Returns the elements as a tensor of float32; those that are float32 in a file go straight from there into it.
  package func tensor() throws -> Tensor {
    let tensor = try Tensor.empty(dimensions)
    try tensor.withElements(Float.self) { elements in
      if case .numbers(let numbers) = storage {
        for i in elements.indices { elements[i] = Float(numbers[i]) }
        return
      }
      if case .sparse(let values, let places) = storage {
        for i in elements.indices { elements[i] = 0 }
        for (place, value) in zip(places, try values.tensor().array(Float.self)) { elements[place] = value }
        return
      }
      if case .repeated(let number) = storage { return elements.update(repeating: Float(number)) }
      let file = try openFile()
      if element == .float32 { return try fill(UnsafeMutableRawBufferPointer(elements), at: 0, file) }
      // In pieces, so that they are not in memory twice.
      var piece = [UInt8](repeating: 0, count: min(1 << 16, elements.count) * element.size)
      var done = 0
      while done < elements.count {
        let count = min(1 << 16, elements.count - done)
        try piece.withUnsafeMutableBytes { bytes in
          let part = UnsafeMutableRawBufferPointer(rebasing: bytes[..<(count * element.size)])
          try fill(part, at: done * element.size, file)
          for i in 0..<count { elements[done + i] = Float(number(part, i)) }
        }
        done += count
      }
    }
    return tensor
  }

  /// The elements as numbers; nil if they are too many to be sizes or axes.
  func numbers() throws -> [Double]? {
    count <= Self.mostNumbers ? try allNumbers() : nil
  }

  /// The elements as numbers, however many they are.
  func allNumbers() throws -> [Double] {
    if case .numbers(let numbers) = storage { return numbers }
    if case .sparse(let values, let places) = storage {
      var numbers = [Double](repeating: 0, count: count)
      for (place, value) in zip(places, try values.allNumbers()) { numbers[place] = value }
      return numbers
    }
    if case .repeated(let number) = storage { return Array(repeating: number, count: count) }
    var bytes = [UInt8](repeating: 0, count: count * element.size)
    let file = try openFile()
    return try bytes.withUnsafeMutableBytes { bytes in
      try fill(bytes, at: 0, file)
      return (0..<count).map { number(UnsafeMutableRawBufferPointer(bytes), $0) }
    }
  }

  private func openFile() throws -> RegularFile? {
    switch storage {
    case .file(let file, _): file
    case .external(let path, _): try RegularFile(path, followsLinks: false)
    case .bytes, .numbers, .sparse, .repeated: nil
    }
  }

  private func fill(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int, _ file: RegularFile?) throws {
    switch storage {
    case .file(_, let start), .external(_, let start): try file?.fill(buffer, at: start + offset)
    case .bytes(let data):
      data.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<(offset + buffer.count)])) }
    case .numbers, .sparse, .repeated: break
    }
  }

  /// The element at an index of little-endian bytes.
  private func number(_ bytes: UnsafeMutableRawBufferPointer, _ index: Int) -> Double {
    func load<Value: FixedWidthInteger>(_ type: Value.Type) -> Value {
      Value(littleEndian: bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Value>.size, as: type))
    }
    return switch element {
    case .float32: Double(Float(bitPattern: load(UInt32.self)))
    case .float64: Double(bitPattern: load(UInt64.self))
    case .float16: Double(TensorArchive.float32(half: load(UInt16.self)))
    case .bfloat16: Double(Float(bitPattern: UInt32(load(UInt16.self)) << 16))
    case .uint8: Double(load(UInt8.self))
    case .int8: Double(load(Int8.self))
    case .uint16: Double(load(UInt16.self))
    case .int16: Double(load(Int16.self))
    case .int32: Double(load(Int32.self))
    case .uint32: Double(load(UInt32.self))
    case .int64: Double(load(Int64.self))
    case .bool: load(UInt8.self) == 0 ? 0 : 1
    }
  }
}
