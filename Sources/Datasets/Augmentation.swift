/// Random changes to training images: a crop from the zero-padded image, and a horizontal mirror at probability 1/2.
///
/// What happens to an example is a pure function of (seed, epoch, position in the epoch's order), so a resumed run sees
/// the same images. Written `none`, `crop:4`, `flip` or `crop:4+flip`.
public struct Augmentation: Codable, Equatable, Sendable, CustomStringConvertible {
  /// Zero pixels added on each side before an image-sized crop is taken; 0 for no crop.
  public var padding: Int
  /// Whether half of the images are mirrored left to right.
  public var mirrors: Bool

  /// The changes to make; `padding` 0 and no mirror make none.
  public init(padding: Int = 0, mirrors: Bool = false) {
    self.padding = padding
    self.mirrors = mirrors
  }

  /// Images as they are.
  public static let none = Augmentation()
  /// Crop with padding 4, and mirror: the usual one for CIFAR (He et al. 2016, §4.2).
  public static let cropAndFlip = Augmentation(padding: 4, mirrors: true)

  /// Whether images stay as they are.
  public var isNone: Bool { padding == 0 && !mirrors }

  /// As the command line writes it.
  public var description: String {
    let parts = (padding > 0 ? ["crop:\(padding)"] : []) + (mirrors ? ["flip"] : [])
    return parts.isEmpty ? "none" : parts.joined(separator: "+")
  }

  /// Reads what ``description`` writes.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` on another spelling.
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

  /// Where one example's crop lies, and whether it is mirrored.
  func placement(seed: UInt64, epoch: Int, position: Int) -> (dy: Int32, dx: Int32, mirrored: UInt8) {
    var generator = SeededGenerator(seed: seed, .augmentation, UInt64(bitPattern: Int64(epoch)), UInt64(bitPattern: Int64(position)))
    var dy: Int32 = 0
    var dx: Int32 = 0
    if padding > 0 {
      let span = 2 * UInt64(padding) + 1
      dy = Int32(generator.next(below: span)) - Int32(padding)
      dx = Int32(generator.next(below: span)) - Int32(padding)
    }
    let mirrored: UInt8 = mirrors && generator.next() >> 63 == 1 ? 1 : 0
    return (dy, dx, mirrored)
  }
}
