internal import CTorch

/// Turns stored bytes into normalised float batches without calling libtorch, so that a loader's own thread may run it.
///
/// Each output pixel is table[channel][byte] of the image shifted by (dy, dx) and possibly mirrored; outside the image it is `fill`.
public struct ImageAssembly: Sendable {
  /// Channels, height and width of one image.
  public let channels: Int, height: Int, width: Int
  /// The float value of each byte per channel, [channels × 256].
  public let table: [Float]
  /// The value outside the image, per channel.
  public let fill: [Float]
  /// Whether the output's memory order is batch, height, width, channels.
  public let channelsLast: Bool

  /// Creates a table that maps bytes to (byte/255 − mean)/deviation per channel; outside the image lies a zero byte, as in torchvision's
  /// padding.
  public init(channels: Int, height: Int, width: Int, mean: [Float], deviation: [Float], channelsLast: Bool) {
    self.channels = channels
    self.height = height
    self.width = width
    self.channelsLast = channelsLast
    table = (0..<channels).flatMap { c in (0..<256).map { (Float($0) / 255 - mean[c]) / deviation[c] } }
    fill = (0..<channels).map { (0 - mean[$0]) / deviation[$0] }
  }

  /// The shift and mirroring of each image of a batch.
  public struct Placement: Sendable {
    /// First row of each crop, counted from the image's top; negative values lie outside.
    public var dy: [Int32]
    /// First column of each crop, counted from the image's left edge; negative values lie outside.
    public var dx: [Int32]
    /// 1 where the image is mirrored left to right, otherwise 0.
    public var mirrored: [UInt8]
    /// Creates placements; each array has one element per image of the batch.
    public init(dy: [Int32], dx: [Int32], mirrored: [UInt8]) {
      self.dy = dy
      self.dx = dx
      self.mirrored = mirrored
    }
  }

  /// Writes the images at `indices` to `out`, which needs room for indices.count × channels × height × width elements.
  ///
  /// - Throws: ``TorchError`` if an index lies outside `images`, or `out` is too small.
  public func assemble(
    _ images: UnsafeBufferPointer<UInt8>, indices: [Int64], placement: Placement? = nil, into out: UnsafeMutableBufferPointer<Float>
  ) throws {
    let size = channels * height * width
    guard out.count >= indices.count * size, size > 0 else { throw TorchError("assemble_images: the output is too small") }
    if let placement {
      guard placement.dy.count == indices.count, placement.dx.count == indices.count, placement.mirrored.count == indices.count else {
        throw TorchError("assemble_images: one placement per image is needed")
      }
    }
    let status = table.withUnsafeBufferPointer { table in
      fill.withUnsafeBufferPointer { fill in
        var source = ct_image_source(
          images: images.baseAddress, count: Int64(images.count / size), channels: Int32(channels), height: Int32(height),
          width: Int32(width), table: table.baseAddress, fill: fill.baseAddress, channels_last: channelsLast ? 1 : 0)
        guard let placement else {
          return ct_image_assemble(&source, indices, Int64(indices.count), nil, nil, nil, out.baseAddress)
        }
        return ct_image_assemble(
          &source, indices, Int64(indices.count), placement.dy, placement.dx, placement.mirrored, out.baseAddress)
      }
    }
    try checked(status)
  }
}
