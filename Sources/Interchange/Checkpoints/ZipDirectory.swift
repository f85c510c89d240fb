internal import CZlib
internal import Files
internal import Words

/// The members of a zip archive by their names, from its central directory; ZIP64 included.
///
/// Members are read where they lie, so only stored ones are of use: PyTorch compresses none.
struct ZipDirectory {
  /// A member as the directory describes it.
  struct Member {
    var isStored: Bool
    var size: Int
    fileprivate var compressedSize: Int
    fileprivate var header: Int
    fileprivate var checksum: UInt
  }

  /// The members by their names.
  private(set) var members: [String: Member] = [:]
  private let file: RegularFile
  private let sound = Sound()

  /// The most members: a checkpoint has one for each tensor.
  private static let maximumCount = 1 << 17
  /// The most bytes of a directory.
  private static let maximumLength = 1 << 25

  /// Reads the directory of a file.
  ///
  /// - Throws: ``CheckpointProblem`` if there is none, it is damaged, or two members have one name or overlap.
  init(_ file: RegularFile) throws {
    self.file = file
    let (count, range) = try Self.place(in: file)
    var reader = Fields(try Self.bytes(of: file, range))
    for _ in 0..<count { try add(&reader) }
    let inOrder = members.sorted { ($0.value.header, $0.key) < ($1.value.header, $1.key) }
    for ((name, member), (next, follower)) in zip(inOrder, inOrder.dropFirst()) {
      guard member.compressedSize <= follower.header - member.header else {
        throw CheckpointProblem("its members \(name.quoted) and \(next.quoted) overlap")
      }
    }
  }

  /// Returns where the content of a member lies in the file.
  ///
  /// - Throws: ``CheckpointProblem`` if there is no such member, it is compressed or damaged, or goes beyond the file.
  func range(of name: String) throws -> Range<Int> {
    guard let member = members[name] else { throw CheckpointProblem("it has no member \(name.quoted)") }
    guard member.isStored, member.size == member.compressedSize else {
      throw CheckpointProblem("its member \(name.quoted) is compressed, as PyTorch's are not: store it with \"zip -0\"")
    }
    // The directory's copy of the header has no word about how much padding follows the name.
    var fields = Fields(try Self.bytes(of: file, Self.range(member.header, 30, in: file, "member \(name.quoted)")))
    guard try fields.number(4) == 0x0403_4B50 else { throw CheckpointProblem("its member \(name.quoted) does not begin where it should") }
    try fields.skip(22)
    let (nameLength, extraLength) = (Int(try fields.number(2)), Int(try fields.number(2)))
    let own = try Self.bytes(of: file, Self.range(member.header + 30, nameLength, in: file, "member \(name.quoted)"))
    guard own == Array(name.utf8) else { throw CheckpointProblem("its member \(name.quoted) has another name where it begins") }
    let range = try Self.range(member.header + 30 + nameLength + extraLength, member.size, in: file, "member \(name.quoted)")
    // PyTorch writes 0 where it was told not to compute any.
    if member.checksum != 0, sound.names.insert(name).inserted, try Self.checksum(of: range, in: file) != member.checksum {
      throw CheckpointProblem("its member \(name.quoted) is damaged: its bytes have another CRC-32 than the directory says")
    }
    return range
  }

  /// The members whose bytes were compared with their checksums.
  private final class Sound { var names: Set<String> = [] }

  private static func checksum(of range: Range<Int>, in file: RegularFile) throws -> UInt {
    var checksum = crc32(0, nil, 0)
    var buffer = [UInt8](repeating: 0, count: min(range.count, 1 << 18))
    for start in stride(from: range.lowerBound, to: range.upperBound, by: 1 << 18) {
      let count = min(1 << 18, range.upperBound - start)
      try buffer.withUnsafeMutableBytes { try file.fill(UnsafeMutableRawBufferPointer(rebasing: $0[..<count]), at: start) }
      checksum = crc32(checksum, buffer, UInt32(count))
    }
    return UInt(checksum)
  }

  /// Returns the content of a small member.
  func content(of name: String, limit: Int) throws -> [UInt8] {
    let range = try range(of: name)
    guard range.count <= limit else {
      throw CheckpointProblem("its member \(name.quoted) has \(range.count) bytes, at most \(limit) are possible")
    }
    return try Self.bytes(of: file, range)
  }

  private mutating func add(_ fields: inout Fields) throws {
    guard try fields.number(4) == 0x0201_4B50 else { throw Self.damaged }
    try fields.skip(4)
    let flags = try fields.number(2)
    let method = try fields.number(2)
    try fields.skip(4)
    let checksum = UInt(try fields.number(4))
    var sizes = [try fields.number(4), try fields.number(4)]
    let lengths = (name: Int(try fields.number(2)), extra: Int(try fields.number(2)), comment: Int(try fields.number(2)))
    try fields.skip(8)
    sizes.append(try fields.number(4))
    let name = String(decoding: try fields.bytes(lengths.name), as: UTF8.self)
    var extra = Fields(try fields.bytes(lengths.extra))
    try fields.skip(lengths.comment)
    // Compressed size, size and position, in the extra field in another order where 4 bytes are too few.
    while extra.left >= 4 {
      let (kind, length) = (try extra.number(2), Int(try extra.number(2)))
      guard length <= extra.left else { break }
      var part = Fields(try extra.bytes(length))
      guard kind == 1 else { continue }
      for index in [1, 0, 2] where sizes[index] == 0xFFFF_FFFF { sizes[index] = try part.number(8) }
    }
    guard let compressed = Int(exactly: sizes[0]), let size = Int(exactly: sizes[1]), let header = Int(exactly: sizes[2]) else {
      throw Self.damaged
    }
    guard flags & 1 == 0 else { throw CheckpointProblem("its member \(name.quoted) is encrypted") }
    let member = Member(isStored: method == 0, size: size, compressedSize: compressed, header: header, checksum: checksum)
    guard members.updateValue(member, forKey: name) == nil else { throw CheckpointProblem("two of its members are named \(name.quoted)") }
  }

  private static let damaged = CheckpointProblem("its zip directory is damaged")

  /// Number of entries and place of the directory, from the record at the end of the file.
  private static func place(in file: RegularFile) throws -> (count: Int, range: Range<Int>) {
    let tail = try bytes(of: file, max(file.size - 65_557, 0)..<file.size)
    guard tail.count >= 22, let start = (0...tail.count - 22).last(where: { tail[$0...].starts(with: [0x50, 0x4B, 5, 6]) }) else {
      throw CheckpointProblem("it is cut short: a zip archive ends with its directory, which is missing")
    }
    var end = Fields(Array(tail[(start + 10)...]))
    var (count, length, position) = (try end.number(2), try end.number(4), try end.number(4))
    let place = file.size - tail.count + start
    if count == 0xFFFF || length == 0xFFFF_FFFF || position == 0xFFFF_FFFF, place >= 20 {
      var locator = Fields(try bytes(of: file, place - 20..<place))
      if try locator.number(4) == 0x0706_4B50 {
        try locator.skip(4)
        guard let large = Int(exactly: try locator.number(8)) else { throw damaged }
        var record = Fields(try bytes(of: file, range(large, 56, in: file, "zip directory")))
        guard try record.number(4) == 0x0606_4B50 else { throw damaged }
        try record.skip(28)
        (count, length, position) = (try record.number(8), try record.number(8), try record.number(8))
      }
    }
    guard count <= UInt64(maximumCount), length <= UInt64(maximumLength), let begin = Int(exactly: position) else {
      throw CheckpointProblem("its zip directory has \(count) entries in \(length) bytes, far more than any network")
    }
    return (Int(count), try range(begin, Int(length), in: file, "zip directory"))
  }

  private static func range(_ begin: Int, _ length: Int, in file: RegularFile, _ what: String) throws -> Range<Int> {
    guard begin >= 0, begin <= file.size, length >= 0, length <= file.size - begin else {
      throw CheckpointProblem("its \(what) goes beyond the end of the file: \(length) bytes at \(begin) of \(file.size)")
    }
    return begin..<begin + length
  }

  private static func bytes(of file: RegularFile, _ range: Range<Int>) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: range.count)
    try bytes.withUnsafeMutableBytes { try file.fill($0, at: range.lowerBound) }
    return bytes
  }

  /// Numbers and bytes one after the other.
  private struct Fields {
    private let bytes: [UInt8]
    private var index = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var left: Int { bytes.count - index }

    mutating func number(_ count: Int) throws -> UInt64 {
      try self.bytes(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func bytes(_ count: Int) throws -> [UInt8] {
      guard count <= left else { throw ZipDirectory.damaged }
      defer { index += count }
      return Array(bytes[index..<index + count])
    }

    mutating func skip(_ count: Int) throws { _ = try bytes(count) }
  }
}
