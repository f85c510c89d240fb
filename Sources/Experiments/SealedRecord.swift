internal import Datasets
internal import Files
internal import Foundation
internal import Training

/// Records with a checksum of their own: what a bit has changed, or somebody by hand, is told from what was written.
///
/// The first field of the object is `"checksum"`: SHA-256 of the file without that line, so that
/// `grep -v '"checksum"' round-00.json | sha256sum` gives it, too. Records of earlier versions have none, and are read as they are.
enum SealedRecord {
  private static let start = "{\n  \"checksum\" : \""
  private static let end = "\",\n"

  /// The most bytes of a record: more than any study writes (``TicketRun/maximumEvaluations``), and no burden to read.
  static let maximumSize = 64_000_000

  /// Writes an object of indented JSON with its checksum.
  static func write(_ json: String, to path: String) throws {
    let rest = json.dropFirst(2)
    try AtomicFile.write(Data((start + checksum("{\n" + rest) + end + rest).utf8), to: path)
  }

  /// Whether a file is a record with a checksum, right or wrong, by its first bytes.
  ///
  /// - Throws: `FileError` if it cannot be read.
  static func isOne(_ file: RegularFile) throws -> Bool {
    var head = Data(count: start.utf8.count)
    let count = try head.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
    return count == head.count && head == Data(start.utf8)
  }

  /// The JSON of a record, without its checksum.
  ///
  /// - Throws: `FileError` for what is no file or too long, `RecordError` with the path for what is not what was written.
  static func read(_ path: String) throws -> Data {
    let data = try RegularFile.read(path, limit: maximumSize)
    // A record that speaks of a checksum anywhere else than where it is written is a damaged one, too.
    guard data.prefix(1000).range(of: Data("\"checksum\"".utf8)) != nil else { return data }
    let head = start.utf8.count + 64 + end.utf8.count
    let json = Data("{\n".utf8) + data.dropFirst(head)
    guard data.count > head, data.prefix(head) == Data((start + checksum(json) + end).utf8) else {
      throw RecordError("\(path) is not what was written: its checksum is another one")
    }
    return json
  }

  /// SHA-256 in hexadecimal digits.
  static func checksum(_ data: Data) -> String {
    var checksum = RunningChecksum()
    data.withUnsafeBytes { checksum.update($0) }
    return checksum.digits
  }

  private static func checksum(_ text: String) -> String { checksum(Data(text.utf8)) }
}
