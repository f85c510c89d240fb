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
    var request = HTTPClientRequest(url: url)
    request.headers.add(name: "User-Agent", value: "espalier")
    if offset > 0 { request.headers.add(name: "Range", value: "bytes=\(offset)-") }
    let response: HTTPClientResponse
    do {
      response = try await client.execute(request, deadline: .distantFuture)
    } catch let error as CancellationError {
      throw error
    } catch {
      throw Self.failure(error, url)
    }
    try sink.begin(
      HTTPHead(
        status: Int(response.status.code), reason: response.status.reasonPhrase,
        length: response.headers.first(name: "Content-Length").flatMap { Int($0) },
        range: HTTPHead.range(response.headers.first(name: "Content-Range"))))
    var iterator = response.body.makeAsyncIterator()
    while true {
      let piece: ByteBuffer?
      do {
        piece = try await iterator.next()
      } catch let error as CancellationError {
        throw error
      } catch {
        throw Self.failure(error, url, begun: true)
      }
      guard let piece else { return }
      try piece.withUnsafeReadableBytes { try sink.receive($0) }
    }
  }

  private static func failure(_ error: any Error, _ url: String, begun: Bool = false) -> TransportFailure {
    let host = URL(string: url)?.host ?? url
    guard let error = error as? HTTPClientError else {
      return TransportFailure(problem: begun ? "the connection broke off" : "no connection to \(host)", isTransient: true)
    }
    switch error {
    case .invalidURL, .emptyHost, .emptyScheme, .unsupportedScheme(""):
      return TransportFailure(problem: "is not an address that can be fetched", isTransient: false)
    case .remoteConnectionClosed: return TransportFailure(problem: "the connection broke off", isTransient: true)
    case .readTimeout: return TransportFailure(problem: "the server fell silent", isTransient: true)
    case .connectTimeout: return TransportFailure(problem: "no connection to \(host)", isTransient: true)
    default: return TransportFailure(problem: error.shortDescription.lowercased(), isTransient: true)
    }
  }
}
