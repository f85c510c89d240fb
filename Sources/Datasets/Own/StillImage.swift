/// One image of a JPEG or PNG file as bytes, scaled and cut as the images of a folder are.
public struct StillImage {
  /// [channels][height][width], each 0 to 255.
  public let bytes: [UInt8]

  /// Decodes a file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - shape: channels, 1 or 3, height and width of the result.
  ///   - resize: pixels to which the shorter side is scaled before the middle is taken; nil for just what the result needs.
  ///   - isReversed: whether channels are to be blue, green and red.
  /// - Throws: `DatasetError` for what is no image, or for a shape that images cannot have.
  public init(path: String, shape: [Int], resize: Int? = nil, isReversed: Bool = false) throws {
    guard shape.count == 3, [1, 3].contains(shape[0]), shape.allSatisfy({ (1...4096).contains($0) }) else {
      throw DatasetError.badRequest(
        "\(path): an image cannot become \(shape.map(String.init).joined(separator: "×")); 1 or 3 channels, and 1 to 4096 pixels a side, can be"
      )
    }
    let side = min(shape[1], shape[2]), wanted = resize ?? side
    guard (side...2 * 4096).contains(wanted) else { throw DatasetError.badRequest("\(path): an image cannot be resized to \(wanted)") }
    let stored = [shape[0], shape[1] + wanted - side, shape[2] + wanted - side]
    let files = ImageFiles(paths: [path], shape: stored, isReversed: isReversed)
    var all = [UInt8](repeating: 0, count: stored[0] * stored[1] * stored[2])
    try all.withUnsafeMutableBytes { try files.read(0, into: $0) }
    let (top, left) = ((stored[1] - shape[1]) / 2, (stored[2] - shape[2]) / 2)
    bytes = (0..<shape[0]).flatMap { channel in
      (0..<shape[1]).flatMap { row in
        let start = (channel * stored[1] + top + row) * stored[2] + left
        return all[start..<start + shape[2]]
      }
    }
  }
}
