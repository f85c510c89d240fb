internal import CTorch

/// Turns stored elements into normalised float batches without calling libtorch, so that a loader's own thread may run it.
///
/// Each output pixel is that of the image shifted by (dy, dx) and possibly mirrored: of bytes table[channel][byte], of float32 values x
/// (x − mean)/deviation; outside the image it is `fill`. A vector is an image of one pixel, each feature a channel.
public struct ImageAssembly: Sendable {
  /// Channels, height and width of an image in a batch.
  public let channels: Int, height: Int, width: Int
  /// Channels, height and width of a stored image; one stored channel serves all of a batch's.
  public let storedChannels: Int, storedHeight: Int, storedWidth: Int
  /// The float value of each byte per channel, [channels × 256]; empty for float32 elements.
  public let table: [Float]
  /// The value outside the image, per channel.
  public let fill: [Float]
  /// Mean and deviation per channel.
  public let mean: [Float], deviation: [Float]
  /// Whether the output's memory order is batch, height, width, channels.
  public let channelsLast: Bool

  /// Creates what maps bytes to (byte/255 − mean)/deviation per channel, and float32 values x to (x − mean)/deviation; outside the image
  /// lies a zero, as in torchvision's padding.
  ///
  /// - Parameters:
  ///   - storedChannels: channels of a stored image, 1 or that of the output; nil for that of the output.
  ///   - storedHeight: height of a stored image; nil for that of the output.
  ///   - storedWidth: width of a stored image; nil for that of the output.
  ///   - elements: type of the stored elements, `uint8` or `float32`.
  public init(
    channels: Int, height: Int, width: Int, storedChannels: Int? = nil, storedHeight: Int? = nil, storedWidth: Int? = nil,
    elements: ElementType = .uint8,
    mean: [Float], deviation: [Float], channelsLast: Bool
  ) {
    self.channels = channels
    self.height = height
    self.width = width
    self.storedChannels = storedChannels ?? channels
    self.storedHeight = storedHeight ?? height
    self.storedWidth = storedWidth ?? width
    self.mean = mean
    self.deviation = deviation
    self.channelsLast = channelsLast
    table = elements == .uint8 ? (0..<channels).flatMap { c in (0..<256).map { (Float($0) / 255 - mean[c]) / deviation[c] } } : []
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
  /// - Parameter placement: the part of each image; nil for its middle.
  /// - Throws: ``TorchError`` if an index lies outside `images`, or `out` is too small.
  public func assemble(
    _ images: UnsafeBufferPointer<UInt8>, indices: [Int64], placement: Placement? = nil, into out: UnsafeMutableBufferPointer<Float>
  ) throws {
    try assemble(bytes: images, floats: nil, count: images.count, indices, placement, out)
  }

  /// Writes the examples of float32 elements at `indices` to `out`, as for bytes.
  ///
  /// - Throws: ``TorchError`` if an index lies outside `images`, or `out` is too small.
  public func assemble(
    _ images: UnsafeBufferPointer<Float>, indices: [Int64], placement: Placement? = nil, into out: UnsafeMutableBufferPointer<Float>
  ) throws {
    try assemble(bytes: nil, floats: images, count: images.count, indices, placement, out)
  }

  private func assemble(
    bytes: UnsafeBufferPointer<UInt8>?, floats: UnsafeBufferPointer<Float>?, count: Int, _ indices: [Int64], _ placement: Placement?,
    _ out: UnsafeMutableBufferPointer<Float>
  ) throws {
    let (size, stored) = (channels * height * width, storedChannels * storedHeight * storedWidth)
    guard out.count >= indices.count * size, size > 0, stored > 0, storedChannels == 1 || storedChannels == channels else {
      throw TorchError("assemble_images: the output is too small")
    }
    if let placement {
      guard placement.dy.count == indices.count, placement.dx.count == indices.count, placement.mirrored.count == indices.count else {
        throw TorchError("assemble_images: one placement per image is needed")
      }
    }
    let status =
      table.withUnsafeBufferPointer { table in
        fill.withUnsafeBufferPointer { fill in
          mean.withUnsafeBufferPointer { mean in
            deviation.withUnsafeBufferPointer { deviation in
              var source = ct_image_source(
                bytes: bytes?.baseAddress, floats: floats?.baseAddress, count: Int64(count / stored), channels: Int32(channels),
                stored_channels: Int32(storedChannels), height: Int32(storedHeight), width: Int32(storedWidth), out_height: Int32(height),
                out_width: Int32(width),
                table: table.baseAddress, mean: mean.baseAddress, deviation: deviation.baseAddress, fill: fill.baseAddress,
                channels_last: channelsLast ? 1 : 0)
              guard let placement else {
                return ct_image_assemble(&source, indices, Int64(indices.count), nil, nil, nil, out.baseAddress)
              }
              return ct_image_assemble(
                &source, indices, Int64(indices.count), placement.dy, placement.dx, placement.mirrored, out.baseAddress)
            }
          }
        }
      }
    try checked(status)
  }
}
