/// Random augmentation of training images: a crop from the zero-padded image, and a horizontal flip with probability 1/2.
///
/// Of images that are stored larger than the network's input, the crop is from the whole of what is stored.
///
/// The crop and flip of an example are a pure function of (seed, epoch, position in the epoch's order), so a resumed run sees the same
/// images. Written `none`, `crop:4`, `flip` or `crop:4+flip`.
public struct Augmentation: Codable, Equatable, Sendable, CustomStringConvertible {
  /// Zero pixels added on each side before an image-sized crop is taken; 0 for no crop.
  public var padding: Int
  /// Whether each image is flipped left to right with probability 1/2.
  public var mirrors: Bool

  /// Creates an augmentation; by default one that changes nothing.
  public init(padding: Int = 0, mirrors: Bool = false) {
    self.padding = padding
    self.mirrors = mirrors
  }

  /// No augmentation.
  public static let none = Augmentation()
  /// A crop with padding 4 and a flip, the usual augmentation for CIFAR (He et al. 2016, §4.2).
  public static let cropAndFlip = Augmentation(padding: 4, mirrors: true)

  /// Whether images stay unchanged.
  public var isNone: Bool { padding == 0 && !mirrors }

  /// The augmentation in the command line's spelling.
  public var description: String {
    let parts = (padding > 0 ? ["crop:\(padding)"] : []) + (mirrors ? ["flip"] : [])
    return parts.isEmpty ? "none" : parts.joined(separator: "+")
  }

  /// Parses a spelling such as `crop:4+flip`.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` for any other spelling.
  public init(_ spelling: String) throws {
    self.init()
    if spelling == "none" { return }
    for part in spelling.split(separator: "+", omittingEmptySubsequences: false) {
      if part == "flip", !mirrors {
        mirrors = true
      } else if part.hasPrefix("crop:"), padding == 0, let pixels = Int(part.dropFirst(5)), (1...64).contains(pixels) {
        padding = pixels
      } else {
        throw DatasetError.badRequest("unknown augmentation \"\(spelling)\". Possible: none, crop:N (N pixels, 1…64), flip, crop:N+flip")
      }
    }
  }

  /// Returns the offset of one example's crop, and 1 if the example is flipped.
  ///
  /// - Parameter room: pixels by which stored images are higher and wider than the crop; of smaller ones, negative, and the offset moves
  ///   about their middle.
  func placement(
    seed: UInt64, epoch: Int, position: Int, room: (y: Int, x: Int) = (0, 0)
  ) -> (dy: Int32, dx: Int32, mirrored: UInt8) {
    var generator = SeededGenerator(seed: seed, .augmentation, UInt64(bitPattern: Int64(epoch)), UInt64(bitPattern: Int64(position)))
    var dy: Int32 = 0
    var dx: Int32 = 0
    if padding > 0 || room != (0, 0) {
      func offset(_ room: Int) -> Int32 {
        Int32(generator.next(below: UInt64(2 * padding + max(room, 0)) + 1)) - Int32(padding) + Int32(min(room, 0) / 2)
      }
      dy = offset(room.y)
      dx = offset(room.x)
    }
    let mirrored: UInt8 = mirrors && generator.next() >> 63 == 1 ? 1 : 0
    return (dy, dx, mirrored)
  }
}
