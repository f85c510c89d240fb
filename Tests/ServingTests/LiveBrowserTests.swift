import Foundation
import Reports
import TestSupport
import Testing

@testable import Serving

@Suite(
  .serialized, .enabled(if: Browser.program != nil, "needs a browser: apt-get install chromium"),
  .enabled(
    if: (try? VegaRenderer().render([], pictures: [])) != nil, "needs vl-convert-python: python3 -m pip install vl-convert-python"))
struct LiveBrowserTests {
  /// The real server, the real renderer and a browser that looks on while two runs end. Its own time stands still while it listens, so it
  /// ends when the server has.
  @Test func thePageFollowsTheStudy() async throws {
    let study = try ServedStudy()
    try study.finish(0, correct: 80)
    let (place, reads) = (study.directory.file("page"), Count())
    let browser = try await serving(study, renderer: VegaRenderer(), reads: reads) { port in
      let browser = try Browser("http://127.0.0.1:\(port)/", place: place)
      reads.reach(1)
      try study.finish(1, correct: 90)
      reads.reach(2)
      // A page is asked for when the one before it is shown, charts included.
      try study.fail(2, "no luck")
      reads.reach(3)
      return Held(browser)
    }.browser
    let (page, console) = try browser.end()
    #expect(page.contains(" 2 finished and 1 ") && page.contains("data-charts=\"2/2\"") && page.contains("90.00 %"))
    #expect(page.contains("data-kind=\"lost\">no longer connected: what is shown may be old</p>"))
    // That the server is gone is told by the browser itself.
    #expect(console.allSatisfy { $0.contains("net::ERR_") }, "\(console)")
  }

  private struct Held: @unchecked Sendable {
    let browser: Browser
    init(_ browser: Browser) { self.browser = browser }
  }
}
