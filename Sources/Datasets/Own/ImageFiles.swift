internal import CImages
internal import Files
internal import Foundation
internal import Torch

/// Images in JPEG and PNG files, decoded to bytes [channels, height, width]: scaled until they just cover that, and cut to its middle.
struct ImageFiles: ExampleReader {
  /// Paths of the files.
  let paths: [String]
  /// Channels, height and width: what the network takes, or more for crops.
  let shape: [Int]
  /// Whether the channels of colour are blue, green and red, in this order.
  var isReversed = false

  var elementType: ElementType { .uint8 }
  var count: Int { paths.count }

  /// The most bytes of a file: far above any photograph, so that no file takes more memory than that.
  static let largest = 1 << 28

  func read(_ index: Int, into elements: UnsafeMutableRawBufferPointer) throws {
    defer { if isReversed, shape[0] == 3 { Self.swapChannels(elements) } }
    let file = try file(index)
    try calling(index) { message in
      file.withUnsafeBytes { bytes in
        guard let start = bytes.baseAddress, let out = elements.baseAddress else { return empty(message) }
        return ci_decode(
          start.assumingMemoryBound(to: UInt8.self), bytes.count, UInt32(shape[0]), UInt32(shape[1]), UInt32(shape[2]),
          out.assumingMemoryBound(to: UInt8.self), message)
      }
    }
  }

  /// Exchanges the first and the last of three channels.
  private static func swapChannels(_ elements: UnsafeMutableRawBufferPointer) {
    let size = elements.count / 3
    for index in 0..<size {
      let first = elements[index]
      elements[index] = elements[index + 2 * size]
      elements[index + 2 * size] = first
    }
  }

  /// Checks the head of a file, without decoding the image.
  ///
  /// - Throws: `DatasetError.badFile`.
  func check(_ index: Int) throws {
    let file = try file(index)
    var (width, height): (UInt32, UInt32) = (0, 0)
    try calling(index) { message in
      file.withUnsafeBytes { bytes in
        guard let start = bytes.baseAddress else { return empty(message) }
        return ci_inspect(start.assumingMemoryBound(to: UInt8.self), bytes.count, &width, &height, message)
      }
    }
  }

  func content(_ index: Int) throws -> [UInt8] { [UInt8](try file(index)) }

  private func file(_ index: Int) throws -> Data {
    do { return try RegularFile.read(paths[index], limit: Self.largest) } catch {
      throw DatasetError.badFile(path: paths[index], problem: error.problem)
    }
  }

  private func calling(_ index: Int, _ body: (UnsafeMutablePointer<CChar>) -> Int32) throws {
    var message = [CChar](repeating: 0, count: Int(CI_MESSAGE))
    let status = message.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.map(body) ?? 1 }
    guard status == 0 else {
      let words = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      throw DatasetError.badFile(path: paths[index], problem: words)
    }
  }

  private func empty(_ message: UnsafeMutablePointer<CChar>) -> Int32 {
    for (index, byte) in "it is empty".utf8.enumerated() { message[index] = CChar(bitPattern: byte) }
    return 1
  }
}
