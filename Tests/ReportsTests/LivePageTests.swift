import Foundation
@testable import Reports
import Results
import TestSupport
import Testing

@Suite struct LivePageTests {
  /// The report's page with what lets it follow its server, and nothing else.
  @Test func itIsTheReportsPage() throws {
    let report = try Report(Fixtures.benchmark)
    let rendered = try report.render(by: StandInRenderer())
    let (page, live) = (report.html(rendered), LivePage.html(report, rendered, version: "00c0ffee"))
    #expect(live.contains("<html lang=\"en\" data-version=\"00c0ffee\">") && !page.contains("data-version"))
    #expect(live.contains("; connect-src 'self'\">") && !page.contains("connect-src") && !page.contains("EventSource"))
    func main(_ page: String) -> String { page.components(separatedBy: "<main").dropFirst().joined().components(separatedBy: "</main>")[0] }
    #expect(main(live) == main(page) && !main(page).isEmpty)
  }

  @Test func aProblem() {
    let page = LivePage.html(problem: "a<b & c", of: "s<", version: "1")
    #expect(page.contains("<title>s&lt; – report</title>") && page.contains("<h1>s&lt;</h1>"))
    #expect(page.contains("<p class=\"note\" role=\"note\">A&lt;b &amp; c.</p>") && page.contains("new EventSource(\"/events\")"))
  }

  /// The other renderer is asked for its runtime until it has answered, and never for a figure.
  @Test func theRuntimeIsFetchedOnce() throws {
    final class Asked: ChartRenderer, @unchecked Sendable {
      var requests: [Int] = []
      var problem: String?
      func render(_ charts: [ReportChart], pictures: Set<RenderedCharts.Picture>) throws -> RenderedCharts {
        requests.append(charts.count)
        if let problem { throw RenderingError(problem) }
        return RenderedCharts(problem: nil, runtime: "r\(requests.count)")
      }
    }
    let asked = Asked()
    let renderer = InteractiveRenderer(asked)
    let report = try Report(Fixtures.benchmark)
    asked.problem = "no"
    #expect(try report.render(by: renderer) == RenderedCharts(problem: "no"))
    asked.problem = nil
    for _ in 0..<2 { #expect(try report.render(by: renderer) == RenderedCharts(problem: nil, runtime: "r2")) }
    #expect(asked.requests == [0, 0])
    let page = LivePage.html(report, try report.render(by: renderer), version: "1")
    #expect(page.contains("class=\"live\"") && !page.contains("class=\"still\""))
  }

  /// What the reader sorted, filtered, unfolded and scrolled stays when the page is swapped; charts that are the same stay, too, and the
  /// others are drawn anew.
  @Test(
    .enabled(if: Browser.program != nil, "needs a browser: apt-get install chromium"),
    .enabled(if: Browser.hasRenderer, "needs vl-convert-python: python3 -m pip install vl-convert-python"))
  func theReadersPlaceStays() throws {
    try withTemporaryDirectory { folder in
      var study = Fixtures.benchmark
      let renderer = InteractiveRenderer(VegaRenderer())
      func page(_ version: String) throws -> String {
        let report = try Report(study)
        return LivePage.html(report, try report.render(by: renderer), version: version)
      }
      let first = try page("1")
      study.runs[0].row?.pruned?.accuracyAtEnd?.correct -= 100
      try page("2").write(toFile: folder + "/next.html", atomically: true, encoding: .utf8)
      let stand = """
        <body>
        <script>
        window.EventSource = class { constructor() { window.source = this; } };
        const load = name => new Promise(done => {
          const request = new XMLHttpRequest();
          request.onload = () => done(request.responseText);
          request.open("GET", name);
          request.send();
        });
        window.fetch = async () => ({ text: () => load("next.html") });
        </script>
        """
      let reader = """
        <script type="module">
        const until = async test => { while (!test()) await new Promise(done => setTimeout(done, 20)); };
        const root = document.documentElement;
        await until(() => window.source?.onmessage);
        const runs = () => document.getElementById("runs");
        const field = () => document.querySelector("input[aria-controls=runs]");
        const look = () => [
          [...runs().tBodies[0].rows[0].cells].slice(0, 4).map(cell => cell.textContent).join(" "),
          runs().tHead.rows[0].cells[3].getAttribute("aria-sort"), field().value, field() === document.activeElement,
          [...runs().tBodies[0].rows].filter(row => !row.hidden).length,
          document.querySelector("#accuracy-density details").open, document.querySelector("#accuracy-macs details").open,
          runs().parentElement.scrollLeft, Math.round(document.getElementById("rows").getBoundingClientRect().top),
        ].join("; ");
        const sort = runs().querySelectorAll("th button")[3];
        sort.click();
        sort.click();
        field().value = "0.2";
        field().dispatchEvent(new Event("input"));
        document.querySelector("#accuracy-density details").open = true;
        document.getElementById("rows").scrollIntoView({ behavior: "instant" });
        field().focus({ preventScroll: true });
        runs().parentElement.scrollLeft = 70;
        const [before, curve, chart] = [look(), document.querySelector("#curves-0-2 svg"), document.querySelector("#accuracy-density svg")];
        const pulse = (version, finished) => source.onmessage(
          { data: JSON.stringify({ version, finished, begun: 1, failed: 2, waiting: 1 }) });
        pulse("1", 32);
        const told = document.getElementById("state").textContent;
        pulse("2", 33);
        await until(() => root.dataset.version === "2");
        document.body.dataset.found = [
          before, look(), curve === document.querySelector("#curves-0-2 svg"), chart === document.querySelector("#accuracy-density svg"),
          document.querySelectorAll(".tip").length, told,
        ].join(" | ");
        </script>
        </body>
        """
      let path = folder + "/page.html"
      var page = first
      // The runtime has such texts, too, between the page's own.
      for (text, other, place) in [("<body>", stand, String.CompareOptions()), ("</body>", reader, .backwards)] {
        page.replaceSubrange(try #require(page.range(of: text, options: place)), with: other)
      }
      // A file's own origin is no origin.
      page = page.replacing("; connect-src 'self'\">", with: "; connect-src file:\">")
      try page.write(toFile: path, atomically: true, encoding: .utf8)
      let (shown, console) = try Browser.open(path, "--window-size=1280,900")
      #expect(console.isEmpty, "\(console)")
      let row = "magnitude 0.2 2 98.26 % ± 0.13; descending; 0.2; true; 12; true; false; 70; "
      let found =
        shown.components(separatedBy: "data-found=\"").dropFirst().first?.prefix { $0 != "\"" }.components(separatedBy: " | ") ?? []
      #expect(found.count == 6 && found[0].hasPrefix(row) && found[1] == found[0], "\(found)")
      #expect(found.dropFirst(2) == ["true", "false", "1", "32 of 36 runs finished · 1 begun · 2 failed"], "\(found)")
      #expect(shown.contains("data-charts=\"12/12\""))
    }
  }
}
