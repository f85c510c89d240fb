internal import Foundation
internal import Interruptions
internal import Processes
internal import Words

/// Another inference engine, in a Python process that `peer.py` makes of it.
final class Peer: Contestant {
  /// Engines by the names that `--against` takes.
  static let names = ["onnxruntime", "deepsparse", "openvino", "openvino-sparse"]

  let name: String
  private(set) var version = ""
  private(set) var output: [Float] = []
  private let child: ChildProcess
  private let requests: FileHandle
  private var pending = Data()

  private struct Answer: Decodable {
    var error: String?
    var version: String?
    var threads: Int?
    var output: [Float]?
    var seconds: [Double]?
  }

  /// Starts an engine on an ONNX model, and waits for its first output.
  ///
  /// - Parameters:
  ///   - script: where `peer.py` lies.
  ///   - input: a file of the batch as float32.
  /// - Throws: ``PeerFailure`` with the engine's own words; `Interrupted` if work should stop.
  init(_ name: String, python: String, script: String, model: String, input: String, batch: Int, threads: Int) throws {
    self.name = name
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw PeerFailure(name: name, reason: String(cString: strerror(errno))) }
    requests = FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
    // The other end of its own input would keep the child waiting after this process has gone.
    _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
    defer { close(ends[0]) }
    do {
      child = try ChildProcess(python, [script, name, model, input, "\(batch)", "\(threads)"], input: .descriptor(ends[0]))
    } catch { throw PeerFailure(name: name, reason: "\(python.inLine): \(error)") }
    let first = try answer()
    guard let version = first.version, let output = first.output else { throw PeerFailure(name: name, reason: "it gave no output") }
    if let used = first.threads, used != threads {
      throw PeerFailure(name: name, reason: "it computes with \(used) threads, not \(threads)")
    }
    (self.version, self.output) = (version, output)
  }

  deinit {
    try? requests.close()
    if child.isRunning { kill(-child.identifier, SIGTERM) }
  }

  func seconds(of passes: Int) throws -> [Double] {
    try requests.write(contentsOf: Data("{\"repeat\": \(passes)}\n".utf8))
    guard let seconds = try answer().seconds, seconds.count == passes else { throw PeerFailure(name: name, reason: "it gave no times") }
    return seconds
  }

  private func answer() throws -> Answer {
    while true {
      pending.append(child.readOutput())
      if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
        let line = pending[pending.startIndex..<end]
        pending = Data(pending[(end + 1)...])
        guard let answer = try? JSONDecoder().decode(Answer.self, from: line) else {
          throw PeerFailure(name: name, reason: "it answered \(String(decoding: line, as: UTF8.self).inLine)")
        }
        if let error = answer.error { throw PeerFailure(name: name, reason: error) }
        return answer
      }
      guard child.isRunning else {
        let last = String(decoding: child.readErrors(), as: UTF8.self).split(whereSeparator: \.isNewline).last ?? "it said nothing"
        throw PeerFailure(name: name, reason: "it ended with status \(child.exitStatus): \(String(last).inLine)")
      }
      try Interruption.check()
      usleep(500)
    }
  }
}

/// The error for an engine that cannot take part.
struct PeerFailure: ReportedError, CustomStringConvertible {
  let name: String
  let reason: String
  var exitStatus: ExitStatus { .unavailable }
  var description: String { "\(name) cannot be measured: \(reason)" }
}
