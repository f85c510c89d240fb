import Foundation
import Reports
import Results
import TestSupport
import Testing

@testable import Serving
@testable import Studies

/// Draws nothing, and counts what it was asked for.
final class CountingRenderer: ChartRenderer, @unchecked Sendable {
  private let lock = NSLock()
  private var requests: [[String]] = []

  var asked: [[String]] { lock.withLock { requests } }

  func render(_ charts: [ReportChart], pictures: Set<RenderedCharts.Picture>) -> RenderedCharts {
    lock.withLock { requests.append(charts.map(\.id)) }
    let svg = charts.map { ($0.id, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>") }
    return RenderedCharts(problem: nil, runtime: "window.vegaEmbed = () => {};", svg: Dictionary(svg, uniquingKeysWith: { a, _ in a }))
  }
}

/// How often something happened.
final class Count: @unchecked Sendable {
  private let lock = NSLock()
  private var count = 0

  var value: Int { lock.withLock { count } }
  func add() { lock.withLock { count += 1 } }
  /// Waits until it happened this often.
  func reach(_ number: Int) { while value < number { usleep(10_000) } }
}

/// Serves a study while `body` asks, on a thread of its own: what it waits for must not keep the server from its threads.
func serving<Result: Sendable>(
  _ study: ServedStudy, renderer: (any ChartRenderer)? = nil, port: Int = 0, reads: Count? = nil,
  body: @escaping @Sendable (Int) throws -> Result
) async throws -> Result {
  let folder = study.folder
  let server = StudyServer(folder, port: port, pause: .milliseconds(20), renderer: renderer) {
    reads?.add()
    return try folder.result()
  }
  let (ports, told) = AsyncStream.makeStream(of: Int.self)
  let task = Task { try await server.run { told.yield($0) } }
  let watching = Task {
    _ = await task.result
    told.finish()
  }
  defer { watching.cancel() }
  var iterator = ports.makeAsyncIterator()
  guard let found = await iterator.next() else {
    try await task.value
    throw CancellationError()
  }
  let result: Swift.Result<Result, any Error> = await withCheckedContinuation { continuation in
    Thread.detachNewThread { continuation.resume(returning: .init { try body(found) }) }
  }
  task.cancel()
  await #expect(throws: CancellationError.self) { try await task.value }
  return try result.get()
}

@Suite struct StudyServerTests {
  @Test func thePageIsThatOfTheReport() async throws {
    let study = try ServedStudy()
    try study.finish(0, correct: 80)
    try study.fail(1, "no luck")
    try await serving(study) { port in
      let answer = try ask(port)
      #expect(answer.status == 200 && answer.headers["content-type"] == "text/html; charset=utf-8")
      #expect(answer.body.contains("<h1>served</h1>") && answer.body.hasSuffix("</html>\n"))
      #expect(answer.body.contains("<strong>Runs.</strong> 3 runs (3 seeds): 1 finished, 1 failed and 1 waiting."))
      #expect(answer.body.contains("<td class=\"n best\" data-v=\"0.8\">80.00 %") || answer.body.contains("80.00 %"))
      #expect(answer.headers["content-length"] == "\(answer.body.utf8.count)")
      for (name, value) in [
        "cache-control": "no-store", "x-content-type-options": "nosniff", "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
      ] { #expect(answer.headers[name] == value, "\(name)") }
      let policy = answer.headers["content-security-policy"] ?? ""
      #expect(policy.hasPrefix("default-src 'none'; ") && policy.hasSuffix("; connect-src 'self'; frame-ancestors 'none'"))
      #expect(answer.headers["server"] == nil)
      let head = try ask(port, method: "HEAD")
      #expect(head.status == 200 && head.body.isEmpty && head.headers["content-length"] == answer.headers["content-length"])
      #expect(try ask(port, "/?density=0.1").body == answer.body)
    }
  }

  /// A web page whose own name was made to lead here reads nothing.
  @Test func otherNamesAreRefused() async throws {
    let study = try ServedStudy()
    try await serving(study) { port in
      for host in ["127.0.0.1:\(port)", "localhost:\(port)", "LocalHost:\(port)", "[::1]:\(port)"] {
        #expect(try ask(port, host: host).status == 200, "\(host)")
      }
      for host in [
        "evil.example", "evil.example:\(port)", "127.0.0.1", "localhost", "127.0.0.1:\(port + 1)", "127.0.0.1:\(port).evil.example",
        "localhost.evil.example:\(port)", "0.0.0.0:\(port)", "user@127.0.0.1:\(port)", "",
      ] {
        for target in ["/", "/events", "/none"] {
          let answer = try ask(port, target, host: host)
          #expect(answer.status == 421 || answer.status == 400, "\(host) \(target): \(answer.status)")
          #expect(!answer.body.contains("served"))
        }
      }
      #expect(try ask(port, host: "evil.example").body == "this server answers at http://127.0.0.1:\(port) only\n")
      let nameless = try Connection(port)
      nameless.send(["GET / HTTP/1.1", "Connection: close"])
      #expect([400, 421].contains(Answer(nameless.read()).status))
    }
  }

  @Test(arguments: ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]) func nothingIsWritten(method: String) async throws {
    let study = try ServedStudy()
    try await serving(study) { port in
      let answer = try ask(port, method: method, body: method == "TRACE" ? "" : "some text")
      #expect(answer.status == 405 && answer.headers["allow"] == "GET, HEAD" && answer.body == "the page can only be read\n")
      #expect(try ask(port, "/study.json", method: method).status == 404)
    }
  }

  /// No path leads to a file, however it is spelt.
  @Test func thereIsNothingButThePage() async throws {
    let study = try ServedStudy()
    try await serving(study) { port in
      for target in [
        "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%252e%252e/etc/passwd", "/..\\..\\etc\\passwd",
        "//etc/passwd", "/./", "/.", "/../", "/study.json", "/recipe.yaml", "/runs/", "/events/", "/events/../study.json", "/Events",
        "/%2Fevents", "/%00", "//", "/index.html", "/favicon.ico", "http://127.0.0.1/study.json", "*", "etc/passwd",
        "/" + String(repeating: "a/", count: 5000),
      ] {
        let answer = try ask(port, target)
        #expect([400, 404].contains(answer.status), "\(target.prefix(40)): \(answer.status)")
        #expect(!answer.body.contains("root:") && !answer.body.contains("study:"), "\(target.prefix(40))")
      }
      #expect(try ask(port, "/none").body == "there is nothing but the page, at /\n")
    }
  }

  /// An event at once, and one for each change; the page that is fetched then is the new one.
  @Test func eventsTellWhatHasChanged() async throws {
    let study = try ServedStudy()
    try await serving(study) { port in
      let (first, second) = (try Connection(port), try Connection(port))
      for connection in [first, second] {
        connection.send(["GET /events HTTP/1.1", "Host: localhost:\(port)"])
        let text = connection.read { $0.contains("data: ") && $0.hasSuffix("\n\n\r\n") }
        #expect(text.lowercased().contains("content-type: text/event-stream") && text.contains("retry: 2000\n\n"))
        #expect(text.contains("\"begun\":0,\"failed\":0,\"finished\":0,\"version\":\""))
        #expect(text.contains(",\"waiting\":3}\n\n"))
      }
      #expect(try !ask(port).body.contains("80.00 %"))
      try study.finish(0, correct: 80)
      let text = first.read { $0.contains("\"finished\":1,") }
      #expect(second.read { $0.contains("\"finished\":1,") }.contains("\"waiting\":2}"))
      // That version is the page's.
      let page = try ask(port).body
      let version = page.components(separatedBy: "data-version=\"").dropFirst().first?.prefix { $0 != "\"" } ?? ""
      #expect(version.count == 16 && text.contains("\"finished\":1,\"version\":\"\(version)\""))
      #expect(page.contains("1 finished and 2 waiting") && page.contains("80.00 %"))
      try study.fail(1, "no luck")
      #expect(first.read { $0.contains("\"failed\":1,\"finished\":1,") }.contains("\"waiting\":1}"))
      #expect(try ask(port, "/events", method: "HEAD").headers["content-type"] == "text/event-stream")
    }
  }

  /// Pages are made once for all who ask, and what draws charts is fetched once for all of them.
  @Test func nothingIsMadeTwice() async throws {
    let study = try ServedStudy()
    try study.finish(0, correct: 80)
    let (renderer, reads) = (CountingRenderer(), Count())
    try await serving(study, renderer: renderer, reads: reads) { port in
      let group = DispatchGroup()
      for _ in 0..<20 { DispatchQueue.global().async(group: group) { #expect((try? ask(port))?.status == 200) } }
      group.wait()
      #expect(reads.value == 1)
      try study.fail(2, "no luck")
      #expect(try ask(port).body.contains("no luck"))
      #expect(reads.value == 2)
      try study.finish(1, correct: 90)
      #expect(try ask(port).body.contains("2 finished and 1 failed"))
      #expect(reads.value == 3 && renderer.asked == [[]])
    }
  }

  /// What cannot be shown is told on the page, which goes on when it can.
  @Test func aStudyThatCannotBeReadIsTold() async throws {
    let study = try ServedStudy(seeds: 0, name: "empty")
    let file = URL(fileURLWithPath: study.folder.path + "/study.json")
    try await serving(study) { port in
      let answer = try ask(port)
      #expect(answer.status == 200 && answer.body.contains(">Study empty has no runs: there is nothing to report.</p>"))
      let events = try Connection(port)
      events.send(["GET /events HTTP/1.1", "Host: localhost:\(port)"])
      let good = try Data(contentsOf: file)
      try Data("{".utf8).write(to: file)
      #expect(events.read { $0.contains("\"problem\":") }.contains("study.json is damaged; "))
      #expect(try ask(port).body.contains("study.json is damaged; "))
      try FileManager.default.removeItem(at: file)
      #expect(try ask(port).body.contains("study.json: No such file or directory"))
      try good.write(to: file)
      #expect(try ask(port).body.contains(">Study empty has no runs"))
    }
  }

  @Test func aPortThatIsTaken() async throws {
    let study = try ServedStudy()
    let error = try await serving(study) { port in
      let (done, box) = (DispatchSemaphore(value: 0), ErrorBox())
      Task {
        do { try await serving(study, port: port) { _ in } } catch { box.error = error as? ServingError }
        done.signal()
      }
      done.wait()
      #expect(box.error?.description == "cannot listen at 127.0.0.1:\(port): the port is in use; --port 0 takes one that is free")
      return box.error
    }
    #expect(error?.isInUse == true)
  }

  private final class ErrorBox: @unchecked Sendable { var error: ServingError? }
}
