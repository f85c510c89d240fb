internal import Foundation
internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import NIOCore
internal import Reports
internal import Studies

/// What a connection tells its requests: the port that it came to.
struct Arrival: RequestContext {
  var coreContext: CoreRequestContextStorage
  let port: Int

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    port = source.channel.localAddress?.port ?? 0
  }
}

/// Answers requests: `/` is the page, `/events` says when it is out of date, and there is nothing else.
struct StudyResponder: HTTPResponder {
  let study: LiveStudy

  func respond(to request: Request, context: Arrival) async throws -> Response {
    let answer = await answer(to: request, at: context.port)
    return request.method == .head ? answer.createHeadResponse() : answer
  }

  private func answer(to request: Request, at port: Int) async -> Response {
    guard Self.names(port).contains(request.head.authority?.lowercased() ?? "") else {
      return refusal(.misdirectedRequest, "this server answers at http://127.0.0.1:\(port) only")
    }
    let path = request.head.path?.prefix { $0 != "?" } ?? ""
    guard path == "/" || path == "/events" else { return refusal(.notFound, "there is nothing but the page, at /") }
    guard request.method == .get || request.method == .head else {
      var response = refusal(.methodNotAllowed, "the page can only be read")
      response.headers[.allow] = "GET, HEAD"
      return response
    }
    if path == "/events" { return response("text/event-stream", Self.events(await study.pulses())) }
    return response("text/html; charset=utf-8", ResponseBody(byteBuffer: ByteBuffer(bytes: await study.page())))
  }

  /// What this server may be called. A page of the web whose name was made to lead here (DNS rebinding) calls it by that name.
  private static func names(_ port: Int) -> Set<String> {
    let hosts = ["127.0.0.1", "localhost", "[::1]"]
    return Set(hosts.map { "\($0):\(port)" } + (port == 80 ? hosts : []))
  }

  private static func events(_ pulses: AsyncStream<StudyPulse>) -> ResponseBody {
    ResponseBody { writer in
      // Milliseconds after which a page that lost its server tries again.
      try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      for await pulse in pulses {
        try await writer.write(ByteBuffer(string: "data: \(String(decoding: try encoder.encode(pulse), as: UTF8.self))\n\n"))
      }
      try await writer.finish(nil)
    }
  }

  private func refusal(_ status: HTTPResponse.Status, _ words: String) -> Response {
    response("text/plain; charset=utf-8", ResponseBody(byteBuffer: ByteBuffer(string: words + "\n")), status)
  }

  private func response(_ type: String, _ body: ResponseBody, _ status: HTTPResponse.Status = .ok) -> Response {
    var headers = HTTPFields()
    headers[.contentType] = type
    headers[.cacheControl] = "no-store"
    headers[.contentSecurityPolicy] = LivePage.policy
    headers[.crossOriginResourcePolicy] = "same-origin"
    headers[.xContentTypeOptions] = "nosniff"
    if let name = HTTPField.Name("Referrer-Policy") { headers[name] = "no-referrer" }
    return Response(status: status, headers: headers, body: body)
  }
}
