/// How many weights of a network's first layer still read each pixel of an image: the picture of its mask.
public struct InputReads: Codable, Hashable, Sendable {
  /// Name of the layer.
  public var layer: String
  /// By row and column of the image, the weights that are not 0 and read that pixel, those of all channels together.
  public var counts: [[Int]]

  /// Creates counts; every parameter sets the property of the same name.
  public init(layer: String, counts: [[Int]]) { (self.layer, self.counts) = (layer, counts) }

  /// Creates the counts of a layer that reads an image.
  ///
  /// - Parameter elements: a count for each element of the image, in the order of channels × height × width.
  public init(layer: String, elements: [Int], height: Int, width: Int) {
    self.layer = layer
    let pixels = height * width
    counts = (0..<height).map { y in
      (0..<width).map { x in stride(from: y * width + x, to: elements.count, by: max(pixels, 1)).reduce(0) { $0 + elements[$1] } }
    }
  }

  /// Number of pixels of the image.
  public var pixels: Int { counts.reduce(0) { $0 + $1.count } }
  /// Number of pixels that at least one weight reads.
  public var read: Int { counts.reduce(0) { $0 + $1.count { $0 > 0 } } }

  private enum CodingKeys: String, CodingKey { case layer, counts }

  /// Decodes counts, a text with the numbers of each row of the image.
  ///
  /// - Throws: `DecodingError` for rows of different lengths, and for what is no count.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    layer = try container.decode(String.self, forKey: .layer)
    counts = try container.decode([String].self, forKey: .counts).map { line in
      try line.split(separator: " ").map { word in
        guard let count = Int(word), (0...Self.most).contains(count) else {
          throw DecodingError.dataCorruptedError(forKey: .counts, in: container, debugDescription: "no count of weights")
        }
        return count
      }
    }
    guard counts.allSatisfy({ $0.count == counts.first?.count }) else {
      throw DecodingError.dataCorruptedError(forKey: .counts, in: container, debugDescription: "rows of different lengths")
    }
  }

  /// More weights than any layer has.
  private static let most = 1 << 40

  /// Encodes each row of the image as one line of text, as numbers by themselves would take a line of JSON each.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(layer, forKey: .layer)
    try container.encode(counts.map { $0.map(String.init).joined(separator: " ") }, forKey: .counts)
  }
}
