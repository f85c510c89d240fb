internal import Files
internal import Foundation

/// A file that arrives, with the checksum of what is there so far.
final class PartialFile: DownloadSink {
  private let writer: GrowingFile
  private let remote: RemoteFile
  private let most: Int?
  private let progress: @Sendable (Downloader.Progress) -> Void
  private var running: RunningChecksum
  private var total: Int?
  private var received = 0
  private let started = DispatchTime.now().uptimeNanoseconds
  /// Whether what an earlier run kept has been given up.
  private var hasRestarted = false

  var path: String { writer.path }
  var count: Int { writer.count }
  var checksum: Checksum { running.finished }

  /// Takes up what an earlier run kept.
  ///
  /// - Parameter most: bytes that the file can have; nil where nobody knows.
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
    // An error's own text may be of any length, and is not read.
    if head.status == 200, let length = head.length { try checkSize(length) }
    if head.status == 206, let size = head.range?.size { try checkSize(size) }
    switch head.status {
    case 206 where head.range.map({ $0.start == count }) ?? false: total = head.range?.size
    case 200:
      // The server gives no parts, or was asked for all: what is here is of no use.
      try restart()
      total = head.length
    case 206:
      try restart()
      throw TransportFailure(problem: "the server sent another part than was asked for", isTransient: true)
    // Nothing lies beyond what is here; whether that is the file, the checksum tells.
    case 416 where count > 0: total = count
    case 408, 425, 429, 500...599: throw TransportFailure(problem: "the server answered \(head.status) \(head.reason)", isTransient: true)
    default: throw TransportFailure(problem: "the server answered \(head.status) \(head.reason)", isTransient: false)
    }
    ignoresBody = head.status == 416
  }

  private var ignoresBody = false

  /// A server that never ends must not fill the disk.
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

  /// - Throws: ``TransportFailure`` if the server announced more than came.
  func checkLength() throws {
    if let total, count < total, !ignoresBody {
      throw TransportFailure(problem: "the connection broke off", isTransient: true)
    }
  }

  /// Forgets what is here.
  func restart() throws {
    try writer.restart()
    running = RunningChecksum(like: remote.checksum)
  }

  /// Forgets what is here, which is not the file: a part kept from another time may be of another one, and is fetched anew once; one that
  /// came in one piece is what the server has, and is removed.
  ///
  /// - Parameter kept: bytes that were here before the last answer.
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
