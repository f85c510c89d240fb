import Foundation

/// Bytes of pickles, operation by operation.
enum Pickled {
  static let begin: [UInt8] = [0x80, 2]
  static let end: [UInt8] = [UInt8(ascii: ".")]

  static func text(_ text: String) -> [UInt8] { [UInt8(ascii: "X")] + little(UInt64(text.utf8.count), 4) + Array(text.utf8) }
  static func int(_ value: Int) -> [UInt8] { [0x8A, 8] + little(UInt64(bitPattern: Int64(value)), 8) }
  static func tuple(_ items: [[UInt8]]) -> [UInt8] { [UInt8(ascii: "(")] + items.flatMap(\.self) + [UInt8(ascii: "t")] }
  static func global(_ name: String) -> [UInt8] {
    let dot = name.lastIndex(of: ".") ?? name.startIndex
    return Array("c\(name[..<dot])\n\(name[name.index(after: dot)...])\n".utf8)
  }
  static func call(_ name: String, _ arguments: [[UInt8]]) -> [UInt8] { global(name) + tuple(arguments) + [UInt8(ascii: "R")] }
  static func dictionary(_ items: [(String, [UInt8])]) -> [UInt8] {
    [UInt8(ascii: "}"), UInt8(ascii: "(")] + items.flatMap { text($0.0) + $0.1 } + [UInt8(ascii: "u")]
  }

  /// A tensor as `torch.save` describes it.
  static func tensor(
    _ shape: [Int] = [2], strides: [Int] = [1], offset: Int = 0, key: String = "0", type: String = "torch.FloatStorage", count: Int = 2
  ) -> [UInt8] {
    let storage = tuple([text("storage"), global(type), text(key), text("cpu"), int(count)]) + [UInt8(ascii: "Q")]
    return call(
      "torch._utils._rebuild_tensor_v2",
      [storage, int(offset), tuple(shape.map(int)), tuple(strides.map(int)), [0x89], call("collections.OrderedDict", [])])
  }
}

/// Zip archives as hostile as a test wants them.
struct ZipBytes {
  var members: [(name: String, content: [UInt8])] = []
  /// What the directory says of a member's size, where that is not true.
  var claimed: [String: UInt64] = [:]
  /// Where the directory says that a member begins, where that is not true.
  var begins: [String: UInt64] = [:]
  /// The method of compression that the directory names.
  var method: UInt64 = 0
  /// The flags of each member, of which 1 says that it is encrypted.
  var flags: UInt64 = 0
  /// What the directory says of a member's CRC-32; 0 says that none was computed.
  var checksums: [String: UInt64] = [:]
  /// Whether sizes and positions are of 8 bytes.
  var isLarge = false

  /// The archive of a state dictionary's pickle, with one storage of two numbers, 1 and 2.
  static func checkpoint(_ pickle: [UInt8]) -> ZipBytes {
    ZipBytes(members: [
      ("a/data.pkl", Pickled.begin + pickle + Pickled.end), ("a/byteorder", Array("little".utf8)),
      ("a/data/0", [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]),
    ])
  }

  var bytes: [UInt8] {
    var (result, directory): ([UInt8], [UInt8]) = ([], [])
    for (name, content) in members {
      let (size, begin) = (claimed[name] ?? UInt64(content.count), begins[name] ?? UInt64(result.count))
      let isLong = isLarge || size > 0xFFFF_FFFE || begin > 0xFFFF_FFFE
      let extra = isLong ? little(1, 2) + little(24, 2) + little(size, 8) + little(size, 8) + little(begin, 8) : []
      let sizes = isLong ? little(0xFFFF_FFFF, 4) + little(0xFFFF_FFFF, 4) : little(size, 4) + little(size, 4)
      directory += little(0x0201_4B50, 4) + little(0, 4) + little(flags, 2) + little(method, 2) + little(0, 4)
      directory += little(checksums[name] ?? 0, 4) + sizes
      directory += little(UInt64(name.utf8.count), 2) + little(UInt64(extra.count), 2) + little(0, 10)
      directory += (isLong ? little(0xFFFF_FFFF, 4) : little(begin, 4)) + Array(name.utf8) + extra
      result += little(0x0403_4B50, 4) + little(0, 22) + little(UInt64(name.utf8.count), 2) + little(3, 2) + Array(name.utf8) + [7, 7, 7]
      result += content
    }
    let (count, place) = (UInt64(members.count), UInt64(result.count))
    result += directory
    if isLarge {
      let record = UInt64(result.count)
      result += little(0x0606_4B50, 4) + little(44, 8) + little(0, 12) + little(count, 8) + little(count, 8)
      result += little(UInt64(directory.count), 8) + little(place, 8)
      result += little(0x0706_4B50, 4) + little(0, 4) + little(record, 8) + little(1, 4)
    }
    let all: UInt64 = 0xFFFF_FFFF
    return result + little(0x0605_4B50, 4) + little(0, 4) + little(isLarge ? 0xFFFF : count, 2) + little(isLarge ? 0xFFFF : count, 2)
      + little(isLarge ? all : UInt64(directory.count), 4) + little(isLarge ? all : place, 4) + little(0, 2)
  }
}

/// A number of so many bytes, the least first.
func little(_ value: UInt64, _ count: Int) -> [UInt8] {
  (0..<count).map { $0 < 8 ? UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) : 0 }
}
