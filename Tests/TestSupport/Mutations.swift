extension [UInt8] {
  /// The bytes with one to three damages: bits and bytes changed, parts removed, repeated or overwritten by extreme numbers, the end cut off.
  public func mutated(_ random: inout RandomStream) -> [UInt8] {
    var bytes = self
    for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      let end = Swift.min(place + Int.random(in: 1...32, using: &random), bytes.count)
      switch Int.random(in: 0..<8, using: &random) {
      case 0: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
      case 1: bytes[place] = .random(in: 0...255, using: &random)
      case 2: bytes.removeLast(bytes.count - place)
      case 3: bytes.removeSubrange(place..<end)
      case 4: bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &random))
      case 5:
        bytes.replaceSubrange(
          place..<end, with: repeatElement([0, 0xFF, 0x7F, 0x80].randomElement(using: &random) ?? 0, count: end - place))
      case 6: bytes.replaceSubrange(place..<Swift.min(place + 1, end), with: Self.extremes.randomElement(using: &random) ?? [])
      default:
        for (index, byte) in zip(place..<bytes.count, Self.extremes.randomElement(using: &random) ?? []) { bytes[index] = byte }
      }
    }
    return bytes
  }

  /// Numbers at the edges of what formats hold, as varints, as words of 4 and 8 bytes, and in digits.
  private static let extremes: [[UInt8]] = [
    [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1],
    [0xFF, 0xFF, 0xFF, 0xFF, 0x07], [0x80, 0x80, 0x80, 0x80, 0x10], [0xFF, 0xFF, 0x03], [0xFF, 0xFF, 0xFF, 0xFF],
    [0xFF, 0xFF, 0xFF, 0x7F], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0, 0, 0, 0, 0, 0, 0, 0x80], [0, 0, 0, 0, 1, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 0xF0, 0x7F], [0, 0, 0xC0, 0x7F], Array("9223372036854775807".utf8), Array("-1".utf8), Array("1e999".utf8),
  ]
}
