/// The cyclic redundancy check of Castagnoli's polynomial (CRC-32C, RFC 3720), which records of event files carry; zlib has only another one.
public enum CRC32C {
  // The polynomial 0x1EDC6F41 with its bits reversed.
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
  }

  /// Returns the checksum of bytes, e.g. 0xE3069283 for `123456789`.
  public static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
  }

  /// Returns the checksum as records store it, rotated right by 15 bits and shifted by a constant, so that a record which contains
  /// checksums does not confuse its own.
  public static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let value = checksum(bytes)
    return (value >> 15 | value << 17) &+ 0xA282_EAD8
  }
}
