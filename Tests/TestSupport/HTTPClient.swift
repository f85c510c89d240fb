internal import Foundation

/// What a server said.
public struct Answer: Sendable {
  /// The status; 0 without an answer.
  public var status = 0
  /// By their names in small letters.
  public var headers: [String: String] = [:]
  /// What follows the headers.
  public var body = ""

  /// Reads the text of an answer.
  public init(_ text: String) {
    let parts = text.components(separatedBy: "\r\n\r\n")
    body = parts.dropFirst().joined(separator: "\r\n\r\n")
    let lines = (parts.first ?? "").components(separatedBy: "\r\n")
    status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
  }
}

/// A connection that sends exactly what it is given: no library corrects its paths and its hosts.
public final class Connection {
  private let socket: Int32
  private var bytes: [UInt8] = []

  /// Connects to a port of 127.0.0.1; a silence of ten minutes ends reading: tests beside may hold the threads that a server needs.
  public init(_ port: Int) throws {
    #if canImport(Darwin)
      socket = Foundation.socket(AF_INET, SOCK_STREAM, 0)
    #else
      socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #endif
    var patience = timeval(tv_sec: 600, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
  }

  deinit { close(socket) }

  /// Sends the lines of a request, and what follows them.
  public func send(_ lines: [String], body: String = "") {
    let text = lines.joined(separator: "\r\n") + "\r\n\r\n" + body
    _ = text.withCString { write(socket, $0, strlen($0)) }
  }

  /// Reads until `isEnough` or the end, and returns all that came so far.
  @discardableResult public func read(until isEnough: (String) -> Bool = { _ in false }) -> String {
    var some = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let text = String(decoding: bytes, as: UTF8.self)
      if isEnough(text) { return text }
      let count = recv(socket, &some, some.count, 0)
      guard count > 0 else { return text }
      bytes += some.prefix(count)
    }
  }
}

/// Sends one request of which everything can be chosen, and reads the whole answer.
public func ask(_ port: Int, _ target: String = "/", method: String = "GET", host: String? = nil, body: String = "") throws -> Answer {
  let connection = try Connection(port)
  let length = body.isEmpty ? [] : ["Content-Length: \(body.utf8.count)"]
  connection.send(["\(method) \(target) HTTP/1.1", "Host: \(host ?? "127.0.0.1:\(port)")", "Connection: close"] + length, body: body)
  return Answer(connection.read())
}
