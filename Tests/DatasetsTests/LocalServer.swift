import Foundation

/// An HTTP server on 127.0.0.1 that answers each connection once, with bytes that the test decides, and closes it.
final class LocalServer: @unchecked Sendable {
  /// A request's path and first wanted byte.
  struct Request: Sendable, Equatable {
    var path: String
    var start: Int?
  }

  let port: UInt16
  private let listener: Int32
  private let answer: @Sendable (Request, Int) -> [UInt8]
  private let lock = NSLock()
  private var received: [Request] = []

  /// What was asked for so far.
  var requests: [Request] { lock.withLock { received } }
  var address: String { "http://127.0.0.1:\(port)" }

  /// - Parameter answer: from the request and its number, all bytes to send.
  init(answer: @escaping @Sendable (Request, Int) -> [UInt8]) throws {
    self.answer = answer
    #if canImport(Glibc)
      let kind = Int32(SOCK_STREAM.rawValue)
    #else
      let kind = SOCK_STREAM
    #endif
    listener = socket(AF_INET, kind, 0)
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let status = withUnsafeMutablePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(listener, address, size) == 0 && listen(listener, 16) == 0 && getsockname(listener, address, &size) == 0
      }
    }
    guard status else { throw POSIXError(.EADDRNOTAVAIL) }
    port = UInt16(bigEndian: name.sin_port)
    Thread.detachNewThread { [weak self] in
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { break }
        self?.serve(connection)
        close(connection)
      }
      // Only here, where nobody accepts any more: the number of a closed listener may be the next server's, whose connections this thread
      // would take.
      close(listener)
    }
  }

  // Wakes the thread, or fails its next accept.
  deinit { shutdown(listener, Int32(SHUT_RDWR)) }

  private func serve(_ connection: Int32) {
    var head: [UInt8] = []
    var byte: UInt8 = 0
    while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
      guard recv(connection, &byte, 1, 0) == 1 else { return }
      head.append(byte)
    }
    let lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
    let range = lines.first { $0.lowercased().hasPrefix("range: bytes=") }
    let request = Request(
      path: lines[0].split(separator: " ").dropFirst().first.map(String.init) ?? "",
      start: range.flatMap { Int($0.dropFirst(13).split(separator: "-")[0]) })
    let number = lock.withLock {
      received.append(request)
      return received.count
    }
    var rest = answer(request, number)[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard sent > 0 else { return }
      rest = rest.dropFirst(sent)
    }
    shutdown(connection, Int32(SHUT_WR))
  }

  /// A whole answer.
  static func ok(_ body: [UInt8]) -> [UInt8] {
    Array("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\r\n".utf8) + body
  }

  /// The answer to a request for the bytes from `start` on.
  static func part(_ body: [UInt8], from start: Int) -> [UInt8] {
    guard start < body.count else { return failure(416, "Range Not Satisfiable") }
    let rest = body[start...]
    return Array(
      """
      HTTP/1.1 206 Partial Content\r\nContent-Length: \(rest.count)\r\n\
      Content-Range: bytes \(start)-\(body.count - 1)/\(body.count)\r\nConnection: close\r\n\r\n
      """.utf8) + rest
  }

  /// An answer without content.
  static func failure(_ status: Int, _ reason: String) -> [UInt8] {
    Array("HTTP/1.1 \(status) \(reason)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
  }
}
