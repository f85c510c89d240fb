internal import AsyncHTTPClient
internal import Foundation
internal import NIOCore
internal import NIOHTTP1

/// The status line and the relevant headers of a server's response.
struct HTTPHead: Sendable {
  let status: Int
  /// The reason phrase, e.g. `Not Found`.
  let reason: String
  /// Length of the body in bytes, if the server states it.
  let length: Int?
  /// For a partial response: position of its first byte in the file, and the file's size if stated.
  let range: (start: Int, size: Int?)?

  /// Parses `bytes 100-199/500` and `bytes 100-199/*`.
  static func range(_ header: String?) -> (start: Int, size: Int?)? {
    guard let header, header.hasPrefix("bytes ") else { return nil }
    let parts = header.dropFirst(6).split(separator: "/")
    guard parts.count == 2, let start = parts[0].split(separator: "-").first.flatMap({ Int($0) }), start >= 0 else { return nil }
    return (start, Int(parts[1]))
  }
}

/// The reason why a response is incomplete.
struct TransportFailure: Error {
  let problem: String
  /// Whether another attempt may succeed.
  let isTransient: Bool
  /// Whether more data arrived than the file can have.
  var isTooLong = false
}

/// The receiver of a response as it arrives.
protocol DownloadSink: AnyObject {
  /// - Throws: ``TransportFailure`` to end the response here.
  func begin(_ head: HTTPHead) throws
  func receive(_ bytes: UnsafeRawBufferPointer) throws
}

/// A way of fetching files over the network.
protocol HTTPTransport: Sendable {
  /// Requests a file from byte `offset` on.
  ///
  /// - Throws: ``TransportFailure`` if no complete response arrives; what the sink throws.
  func get(_ url: String, from offset: Int, into sink: any DownloadSink) async throws
}

/// The transport used in practice: HTTP/1.1 with TLS, following redirects.
struct NetworkTransport: HTTPTransport {
  /// Seconds without data after which a response has failed.
  let patience: Int

  func get(_ url: String, from offset: Int, into sink: any DownloadSink) async throws {
    var configuration = HTTPClient.Configuration(
      redirectConfiguration: .follow(max: 5, allowCycles: false), timeout: .init(connect: .seconds(20), read: .seconds(Int64(patience))))
    configuration.httpVersion = .http1Only
    // Retrying is up to the downloader; here a refused connection is to be reported at once.
    configuration.connectionPool.retryConnectionEstablishment = false
    let client = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    do {
      try await get(url, from: offset, into: sink, with: client)
    } catch {
      try? await client.shutdown()
      throw error
    }
    try? await client.shutdown()
  }

  private func get(_ url: String, from offset: Int, into sink: any DownloadSink, with client: HTTPClient) async throws {
    let answer = SinkDelegate(sink)
    do {
      var request = try HTTPClient.Request(url: url)
      request.headers.add(name: "User-Agent", value: "espalier")
      if offset > 0 { request.headers.add(name: "Range", value: "bytes=\(offset)-") }
      let task = client.execute(request: request, delegate: answer)
      try await withTaskCancellationHandler {
        try await task.futureResult.get()
      } onCancel: {
        task.cancel()
      }
    } catch let error where answer.refusal == nil {
      try Task.checkCancellation()
      throw Self.failure(error, url, begun: answer.hasBegun)
    }
    if let refusal = answer.refusal { throw refusal }
  }

  private static func failure(_ error: any Error, _ url: String, begun: Bool = false) -> TransportFailure {
    let host = URL(string: url)?.host ?? url
    guard let error = error as? HTTPClientError else {
      return TransportFailure(problem: begun ? "the connection broke off" : "no connection to \(host)", isTransient: true)
    }
    switch error {
    case .invalidURL, .emptyHost, .emptyScheme, .unsupportedScheme(""), .unsupportedScheme(URL(string: url)?.scheme ?? ""):
      return TransportFailure(problem: "is not an address that can be fetched", isTransient: false)
    case .remoteConnectionClosed: return TransportFailure(problem: "the connection broke off", isTransient: true)
    case .readTimeout: return TransportFailure(problem: "the server fell silent", isTransient: true)
    case .connectTimeout: return TransportFailure(problem: "no connection to \(host)", isTransient: true)
    default: return TransportFailure(problem: error.shortDescription.lowercased(), isTransient: true)
    }
  }
}

/// Passes a response to its sink piece by piece, on the connection's own thread.
///
/// Not an asynchronous sequence: that competes with all tasks of the process, and on a machine whose few threads were busy computing it
/// was seen to wait forever.
private final class SinkDelegate: HTTPClientResponseDelegate, @unchecked Sendable {
  // All calls come from one event loop, and the task reads the properties only after the last call.
  private let sink: any DownloadSink
  private(set) var hasBegun = false
  private(set) var refusal: (any Error)?

  init(_ sink: any DownloadSink) { self.sink = sink }

  func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
    hasBegun = true
    return hand(over: task) {
      try sink.begin(
        HTTPHead(
          status: Int(head.status.code), reason: head.status.reasonPhrase,
          length: head.headers.first(name: "Content-Length").flatMap { Int($0) },
          range: HTTPHead.range(head.headers.first(name: "Content-Range"))))
    }
  }

  func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
    hand(over: task) { try buffer.withUnsafeReadableBytes { try sink.receive($0) } }
  }

  func didFinishRequest(task: HTTPClient.Task<Void>) {}

  private func hand(over task: HTTPClient.Task<Void>, _ body: () throws -> Void) -> EventLoopFuture<Void> {
    do {
      try body()
      return task.eventLoop.makeSucceededVoidFuture()
    } catch {
      refusal = error
      return task.eventLoop.makeFailedFuture(error)
    }
  }
}
