internal import Foundation

/// The framing of records in event files (TFRecord): length as 64 bits, its masked CRC-32C, the data, their masked CRC-32C, all little-endian.
enum Record {
  /// Returns a framed record.
  static func framed(_ data: Data) -> Data {
    let length = bytes(of: UInt64(data.count))
    return length + bytes(of: CRC32C.masked(length)) + data + bytes(of: CRC32C.masked(data))
  }

  /// Returns the data of all records up to the end, or up to the first that is damaged or incomplete.
  static func all(in file: Data) -> [Data] {
    var (records, rest): ([Data], Data) = ([], file)
    while rest.count >= 16 {
      let header = rest.prefix(8)
      guard number(rest.dropFirst(8).prefix(4)) == UInt64(CRC32C.masked(header)), let length = Int(exactly: number(header)),
        length <= rest.count - 16
      else { break }
      let data = rest.dropFirst(12).prefix(length)
      guard number(rest.dropFirst(12 + length).prefix(4)) == UInt64(CRC32C.masked(data)) else { break }
      records.append(Data(data))
      rest = rest.dropFirst(16 + length)
    }
    return records
  }

  private static func bytes(of value: some FixedWidthInteger) -> Data { withUnsafeBytes(of: value.littleEndian) { Data($0) } }

  private static func number(_ bytes: Data) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
}
