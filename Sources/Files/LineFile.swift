internal import Foundation

/// A text file that grows line by line; each line is with the system, and so outlasts the process, as soon as it is appended.
///
/// What is not a regular file (a pipe, a terminal) gets the lines as they come.
public final class LineFile {
  private enum Target {
    case file(OutputDescriptor)
    case stream(AtomicFile)
  }

  private let path: String
  private let target: Target
  /// Number of complete lines.
  public private(set) var count: Int
  /// Whether lines go to something that is not a regular file.
  public var isStream: Bool { if case .stream = target { true } else { false } }

  /// Opens a file, creating it if there is none, and cuts it off after the first lines.
  ///
  /// - Parameter lines: number of lines to keep; fewer stay where the file has fewer, and an incomplete last one goes.
  /// - Throws: ``FileError``.
  public init(_ path: String, keeping lines: Int) throws(FileError) {
    self.path = path
    if AtomicFile.isStream(path) {
      (target, count) = (.stream(try AtomicFile(path)), 0)
      return
    }
    let file = try OutputDescriptor(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0o666), path: path)
    let end: Int
    (count, end) = try Self.end(ofLine: lines, in: RegularFile(path))
    guard ftruncate(file.number, off_t(end)) == 0, lseek(file.number, 0, SEEK_END) >= 0 else { throw FileError(.write, path, code: errno) }
    target = .file(file)
  }

  /// Returns the number of complete lines, at most `most`, and the position after them.
  private static func end(ofLine most: Int, in file: RegularFile) throws(FileError) -> (count: Int, end: Int) {
    var (count, end, position) = (0, 0, 0)
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while count < most {
      let read = try FileError.naming(.read, file.path) { try buffer.withUnsafeMutableBytes { try file.read(into: $0, at: position) } }
      guard read > 0 else { break }
      for (offset, byte) in buffer[..<read].enumerated() where byte == UInt8(ascii: "\n") && count < most {
        (count, end) = (count + 1, position + offset + 1)
      }
      position += read
    }
    return (count, end)
  }

  /// Appends a line.
  ///
  /// - Throws: ``FileError``, e.g. on a full disk.
  public func append(_ line: String) throws(FileError) {
    try FileError.naming(.write, path) {
      try Array((line + "\n").utf8).withUnsafeBytes { bytes in
        switch target {
        case .file(let file): try file.write(bytes)
        case .stream(let stream): try stream.write(bytes)
        }
      }
    }
    count += 1
  }

  /// Waits until all lines are on the disk, so that they outlast a crash of the machine.
  ///
  /// - Throws: ``FileError``.
  public func synchronize() throws(FileError) {
    guard case .file(let file) = target else { return }
    guard fsync(file.number) == 0 else { throw FileError(.write, path, code: errno) }
  }
}
