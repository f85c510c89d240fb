internal import Datasets
internal import Files
internal import Foundation
internal import Training

/// Reads and writes JSON records that contain their own checksum, so that damage and edits by hand are noticed.
///
/// The first field of the object is `"checksum"`: SHA-256 of the file without that line, as computed by
/// `grep -v '"checksum"' round-00.json | sha256sum`. Records of earlier versions have no checksum, and are accepted unchecked.
enum SealedRecord {
  private static let start = "{\n  \"checksum\" : \""
  private static let end = "\",\n"

  /// Maximum size of a record in bytes: more than any study writes (``TicketRun/maximumEvaluations``), and quick to read.
  static let maximumSize = 64_000_000

  /// Writes an object of indented JSON with its checksum added.
  static func write(_ json: String, to path: String) throws {
    let rest = json.dropFirst(2)
    try AtomicFile.write(Data((start + checksum("{\n" + rest) + end + rest).utf8), to: path)
  }

  /// Whether a file begins like a record with a checksum, right or wrong.
  ///
  /// - Throws: `FileError` if it cannot be read.
  static func isOne(_ file: RegularFile) throws -> Bool {
    var head = Data(count: start.utf8.count)
    let count = try head.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
    return count == head.count && head == Data(start.utf8)
  }

  /// Returns the JSON of a record without its checksum.
  ///
  /// - Throws: `FileError` if it is not a file or too long, `RecordError` with the path if it does not match its checksum.
  static func read(_ path: String) throws -> Data {
    let data = try RegularFile.read(path, limit: maximumSize)
    // A record with a checksum anywhere but in its place is damaged, too.
    guard data.prefix(1000).range(of: Data("\"checksum\"".utf8)) != nil else { return data }
    let head = start.utf8.count + 64 + end.utf8.count
    let json = Data("{\n".utf8) + data.dropFirst(head)
    guard data.count > head, data.prefix(head) == Data((start + checksum(json) + end).utf8) else {
      throw RecordError("\(path) has changed since it was written: its checksum does not match")
    }
    return json
  }

  /// SHA-256 as hexadecimal digits.
  static func checksum(_ data: Data) -> String {
    var checksum = RunningChecksum()
    data.withUnsafeBytes { checksum.update($0) }
    return checksum.digits
  }

  private static func checksum(_ text: String) -> String { checksum(Data(text.utf8)) }
}
