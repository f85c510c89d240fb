internal import AsyncHTTPClient
internal import Foundation
internal import NIOCore
internal import NIOHTTP1

/// What begins a server's answer.
struct HTTPHead: Sendable {
  let status: Int
  /// E.g. `Not Found`.
  let reason: String
  /// Bytes that follow, where the server says.
  let length: Int?
  /// Of a partial answer: the first byte's place in the file, and the file's size.
  let range: (start: Int, size: Int?)?

  /// Reads `bytes 100-199/500` and `bytes 100-199/*`.
  static func range(_ header: String?) -> (start: Int, size: Int?)? {
    guard let header, header.hasPrefix("bytes ") else { return nil }
    let parts = header.dropFirst(6).split(separator: "/")
    guard parts.count == 2, let start = parts[0].split(separator: "-").first.flatMap({ Int($0) }), start >= 0 else { return nil }
    return (start, Int(parts[1]))
  }
}

/// Why an answer did not come whole.
struct TransportFailure: Error {
  let problem: String
  /// Whether it may go better another time.
  let isTransient: Bool
  /// Whether more came than the file can have.
  var isTooLong = false
}

/// Takes an answer as it arrives.
protocol DownloadSink: AnyObject {
  /// - Throws: ``TransportFailure`` to end the answer here.
  func begin(_ head: HTTPHead) throws
  func receive(_ bytes: UnsafeRawBufferPointer) throws
}

/// Fetches over the network.
protocol HTTPTransport: Sendable {
  /// Asks for a file from byte `offset` on.
  ///
  /// - Throws: ``TransportFailure`` if no whole answer comes; what the sink throws.
  func get(_ url: String, from offset: Int, into sink: any DownloadSink) async throws
}

/// The transport that users get: HTTP/1.1 with TLS, redirects followed.
struct NetworkTransport: HTTPTransport {
  /// Seconds of silence that end an answer.
  let patience: Int

  func get(_ url: String, from offset: Int, into sink: any DownloadSink) async throws {
    var configuration = HTTPClient.Configuration(
      redirectConfiguration: .follow(max: 5, allowCycles: false), timeout: .init(connect: .seconds(20), read: .seconds(Int64(patience))))
    configuration.httpVersion = .http1Only
    // Retrying is the downloader's; here a refused connection shall say so at once.
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

/// Hands an answer over piece by piece, on the connection's own thread.
///
/// Not as an asynchronous sequence: that waits for a turn among all tasks of the process, and on a machine whose few threads
/// compute it was seen to wait for ever.
private final class SinkDelegate: HTTPClientResponseDelegate, @unchecked Sendable {
  // All calls come from one event loop, and the task reads only when these have ended.
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
