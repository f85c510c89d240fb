internal import CZlib
internal import Files
internal import Foundation
internal import Words

/// Extraction of single files from a .tar.gz or .zip archive.
///
/// Only members with exactly the wanted names are written, each to the path given for it, so that no name in an archive decides where
/// anything is put. Links and folders are never created.
enum Archive {
  /// Extracts the given members of an archive.
  ///
  /// - Parameter members: the target path of each wanted member.
  /// - Throws: ``DatasetError/badFile(path:problem:)`` if the archive is damaged or lacks a member.
  static func extract(_ path: String, members: [String: String]) throws {
    let found = try extract(path, most: members.count) { members[$0] }
    let lacking = members.keys.filter { !found.contains($0) }.sorted()
    guard lacking.isEmpty else { throw DatasetError.badFile(path: path, problem: "lacks \(lacking.joined(separator: ", "))") }
  }

  /// Extracts all files of an archive into a folder, below which names lead them.
  ///
  /// - Parameter enclosing: number of folders around all members that are left out.
  /// - Throws: ``DatasetError/badFile(path:problem:)`` if the archive is damaged, or a name leads out of the folder.
  static func extractAll(_ path: String, to folder: String, enclosing: Int) throws {
    _ = try extract(path, most: .max) { name in
      let parts = name.split(separator: "/").filter { $0 != "." }
      guard !parts.contains(".."), !name.hasPrefix("/") else {
        throw DatasetError.badFile(path: path, problem: "\(name.quoted) in it leads out of its folder")
      }
      return parts.count > enclosing && !name.hasSuffix("/") ? "\(folder)/\(parts.dropFirst(enclosing).joined(separator: "/"))" : nil
    }
  }

  /// Extracts the members for which `target` returns a path, until there are `most` of them; returns their names.
  private static func extract(_ path: String, most: Int, _ target: (String) throws -> String?) throws -> Set<String> {
    path.hasSuffix(".zip")
      ? try ZipArchive(path: path).extract(target) : try TarArchive(path: path).extract(most: most, target)
  }

  /// Copies `count` bytes to a file by way of a `.part` file, which is removed if that fails.
  ///
  /// - Parameters:
  ///   - member: the member's name in the archive.
  ///   - expected: the CRC-32 of the bytes, if the archive states it.
  /// - Throws: ``DatasetError/badFile(path:problem:)`` if bytes are missing or differ.
  static func copy(_ reader: InflatingReader, count: Int, to target: String, member: String, crc expected: UInt? = nil) throws {
    let writer = try GrowingFile(appendingTo: target + ".part")
    defer { writer.discard() }
    try writer.restart()
    var crc = crc32(0, nil, 0)
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while writer.count < count {
      let wanted = min(buffer.count, count - writer.count)
      let read = try buffer.withUnsafeMutableBytes { try reader.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<wanted])) }
      guard read == wanted else {
        throw DatasetError.badFile(path: reader.path, problem: "ends within \((target as NSString).lastPathComponent)")
      }
      crc = crc32(crc, buffer, UInt32(read))
      try buffer.withUnsafeBytes { try writer.write(UnsafeRawBufferPointer(rebasing: $0[..<read])) }
    }
    guard expected ?? UInt(crc) == UInt(crc) else { throw DatasetError.badFile(path: reader.path, problem: "\(member) in it is damaged") }
    try writer.moved(to: target)
  }
}

/// A tar archive (POSIX ustar): blocks of 512 bytes, for each member a header with name, size and kind, then its bytes, padded.
struct TarArchive {
  let path: String

  func extract(most: Int, _ target: (String) throws -> String?) throws -> Set<String> {
    let reader = try InflatingReader(path: path)
    var found: Set<String> = []
    var header = [UInt8](repeating: 0, count: 512)
    while found.count < most {
      let count = try header.withUnsafeMutableBytes { try reader.read(into: $0) }
      if count == 0 || header.allSatisfy({ $0 == 0 }) { break }
      guard count == 512, Self.hasValidSum(header), let size = Self.octal(header[124..<136]) else {
        throw DatasetError.badFile(path: path, problem: "is not a tar archive, or is damaged")
      }
      let prefix = Self.text(header[345..<500])
      let name = (prefix.isEmpty ? "" : prefix + "/") + Self.text(header[0..<100])
      let isFile = header[156] == UInt8(ascii: "0") || header[156] == 0
      // Folders, and what archivers say about members, have no content of their own.
      let isNone = most == .max && [UInt8(ascii: "5"), UInt8(ascii: "x"), UInt8(ascii: "g")].contains(header[156])
      if !isNone, let target = try target(name) {
        guard isFile else { throw DatasetError.badFile(path: path, problem: "\(name) in it is not a file") }
        try Archive.copy(reader, count: size, to: target, member: name)
        found.insert(name)
        try skip((512 - size % 512) % 512, reader)
      } else {
        try skip(size + (512 - size % 512) % 512, reader)
      }
    }
    return found
  }

  private func skip(_ count: Int, _ reader: InflatingReader) throws {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    var left = count
    while left > 0 {
      let read = try buffer.withUnsafeMutableBytes { try reader.read(into: UnsafeMutableRawBufferPointer(rebasing: $0.prefix(left))) }
      guard read > 0 else { throw DatasetError.badFile(path: path, problem: "ends within a member") }
      left -= read
    }
  }

  private static func text(_ field: ArraySlice<UInt8>) -> String { String(decoding: field.prefix { $0 != 0 }, as: UTF8.self) }

  // At most twelve octal digits, so below 2³⁶.
  private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
    let digits = text(field).trimmingCharacters(in: .whitespaces)
    return digits.utf8.allSatisfy { (0x30...0x37).contains($0) } ? Int(digits, radix: 8) : nil
  }

  private static func hasValidSum(_ header: [UInt8]) -> Bool {
    let sum = header.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
    return octal(header[148..<156]) == sum
  }
}
