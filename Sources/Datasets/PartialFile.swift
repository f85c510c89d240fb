internal import Files
internal import Foundation

/// A file being downloaded, with the checksum of what has arrived so far.
final class PartialFile: DownloadSink {
  private let writer: GrowingFile
  private let remote: RemoteFile
  private let most: Int?
  private let progress: @Sendable (Downloader.Progress) -> Void
  private var running: RunningChecksum
  private var total: Int?
  private var received = 0
  private let started = DispatchTime.now().uptimeNanoseconds
  /// Whether the bytes kept by an earlier run have been discarded.
  private var hasRestarted = false

  var path: String { writer.path }
  var count: Int { writer.count }
  var checksum: Checksum { running.finished }

  /// Resumes from the bytes kept by an earlier run.
  ///
  /// - Parameter most: the most bytes that the file can have; nil if unknown.
  init(path: String, remote: RemoteFile, most: Int?, progress: @escaping @Sendable (Downloader.Progress) -> Void) throws {
    writer = try GrowingFile(appendingTo: path)
    self.remote = remote
    self.most = most
    self.progress = progress
    total = remote.size
    running = RunningChecksum(like: remote.checksum)
    if writer.count > 0 {
      try running.update(file: path)
    }
  }

  func begin(_ head: HTTPHead) throws {
    // The text of an error response may be of any length, and is not read.
    if head.status == 200, let length = head.length { try checkSize(length) }
    if head.status == 206, let size = head.range?.size { try checkSize(size) }
    switch head.status {
    case 206 where head.range.map({ $0.start == count }) ?? false: total = head.range?.size
    case 200:
      // The server does not support ranges, or was asked for the whole file: what we have is useless.
      try restart()
      total = head.length
    case 206:
      try restart()
      throw TransportFailure(problem: "the server sent another part than was asked for", isTransient: true)
    // Nothing lies beyond what we have; the checksum decides whether that is the whole file.
    case 416 where count > 0: total = count
    case 408, 425, 429, 500...599: throw TransportFailure(problem: "the server answered \(head.status) \(head.reason)", isTransient: true)
    default: throw TransportFailure(problem: "the server answered \(head.status) \(head.reason)", isTransient: false)
    }
    ignoresBody = head.status == 416
  }

  private var ignoresBody = false

  /// An endless response must not fill the disk.
  private func checkSize(_ bytes: Int) throws {
    guard let most, bytes > most else { return }
    throw TransportFailure(
      problem: "more arrives than the \(most) bytes that \(remote.size == nil ? "it can have" : "are published")", isTransient: false,
      isTooLong: true)
  }

  func receive(_ bytes: UnsafeRawBufferPointer) throws {
    guard !ignoresBody else { return }
    try checkSize(count + bytes.count)
    try writer.write(bytes)
    running.update(bytes)
    received += bytes.count
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - started) / 1e9
    progress(
      Downloader.Progress(file: remote.name, received: count, total: total, rate: seconds > 0 ? Double(received) / seconds : 0))
  }

  /// - Throws: ``TransportFailure`` if less arrived than the server announced.
  func checkLength() throws {
    if let total, count < total, !ignoresBody {
      throw TransportFailure(problem: "the connection broke off", isTransient: true)
    }
  }

  /// Discards all bytes, to begin again.
  func restart() throws {
    try writer.restart()
    running = RunningChecksum(like: remote.checksum)
  }

  /// Discards bytes with the wrong checksum, and returns whether to fetch the file again. Bytes kept from an earlier run may belong to
  /// another version, so they are fetched again once; a file that arrived in one piece is what the server has, and is removed.
  ///
  /// - Parameter kept: the number of bytes before the last response.
  func startsAnew(after kept: Int) throws -> Bool {
    try restart()
    if kept > 0, !hasRestarted {
      hasRestarted = true
      return true
    }
    discard()
    return false
  }

  func keep(as target: String) throws { try writer.moved(to: target) }

  func discard() { writer.discard() }
}
