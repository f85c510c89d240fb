internal import Foundation

/// A zip archive with stored or deflated members of up to 4 GiB (PKWARE's APPNOTE without Zip64), read by the directory at its end.
struct ZipArchive {
  let path: String

  private struct Entry {
    let name: String
    let isDeflated: Bool
    let crc: UInt
    let packed: Int
    let size: Int
    let header: Int
  }

  func extract(_ target: (String) throws -> String?) throws -> Set<String> {
    let size = try FileReader.size(of: path)
    let file = try FileReader(path: path)
    var found: Set<String> = []
    for entry in try entries(file, size: size) {
      guard let target = try target(entry.name) else { continue }
      // The local header before the data has name and extra fields with lengths of their own.
      let header = try bytes(file, at: entry.header, count: 30, size: size)
      guard Self.number(header, 0, 4) == 0x0403_4B50 else { throw damaged }
      let start = entry.header + 30 + Self.number(header, 26, 2) + Self.number(header, 28, 2)
      guard start + entry.packed <= size else { throw damaged }
      let reader = try InflatingReader(
        path: path, storage: .member(offset: start, count: entry.packed, deflated: entry.isDeflated))
      try Archive.copy(reader, count: entry.size, to: target, member: entry.name, crc: entry.crc)
      found.insert(entry.name)
    }
    return found
  }

  private var damaged: DatasetError { .badFile(path: path, problem: "is not a zip archive, or is damaged") }

  private func entries(_ file: FileReader, size: Int) throws -> [Entry] {
    // The end record has 22 bytes and a comment of at most 65,535.
    let tailCount = min(size, 22 + 65_535)
    let tail = try bytes(file, at: size - tailCount, count: tailCount, size: size)
    guard tailCount >= 22,
      let end = stride(from: tailCount - 22, through: 0, by: -1).first(where: { Self.number(tail, $0, 4) == 0x0605_4B50 })
    else { throw damaged }
    let directory = try bytes(
      file, at: Self.number(tail, end + 16, 4), count: Self.number(tail, end + 12, 4), size: size)
    var entries: [Entry] = []
    var at = 0
    while at + 46 <= directory.count, Self.number(directory, at, 4) == 0x0201_4B50 {
      let nameCount = Self.number(directory, at + 28, 2)
      let next = at + 46 + nameCount + Self.number(directory, at + 30, 2) + Self.number(directory, at + 32, 2)
      guard next <= directory.count else { throw damaged }
      let method = Self.number(directory, at + 10, 2)
      let isEncrypted = directory[at + 8] & 1 == 1
      if !isEncrypted, method == 0 || method == 8 {
        entries.append(
          Entry(
            name: String(decoding: directory[(at + 46)..<(at + 46 + nameCount)], as: UTF8.self), isDeflated: method == 8,
            crc: UInt(Self.number(directory, at + 16, 4)), packed: Self.number(directory, at + 20, 4),
            size: Self.number(directory, at + 24, 4), header: Self.number(directory, at + 42, 4)))
      }
      at = next
    }
    return entries
  }

  private func bytes(_ file: FileReader, at offset: Int, count: Int, size: Int) throws -> [UInt8] {
    guard offset >= 0, offset <= size, count <= size - offset else { throw damaged }
    file.seek(to: offset)
    var bytes = [UInt8](repeating: 0, count: count)
    guard try bytes.withUnsafeMutableBytes({ try file.read(into: $0) }) == count else { throw damaged }
    return bytes
  }

  /// A little-endian number of at most four bytes.
  private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
    (0..<count).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
  }
}
