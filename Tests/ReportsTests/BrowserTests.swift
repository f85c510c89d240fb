import Foundation
@testable import Reports
import Results
import TestSupport
import Testing

extension Browser {
  /// Whether there is the renderer that pages need to have something to show.
  static let hasRenderer = (try? VegaRenderer().render([], pictures: [])) != nil
}

@Suite(
  .serialized, .enabled(if: Browser.program != nil, "needs a browser: apt-get install chromium"),
  .enabled(if: Browser.hasRenderer, "needs vl-convert-python: python3 -m pip install vl-convert-python"))
struct BrowserTests {
  private func count(_ text: String, in page: String) -> Int { page.components(separatedBy: text).count - 1 }

  /// The same page for all that only look at it.
  private static let page = Result { try Report(Fixtures.benchmark).html(renderer: VegaRenderer()) }

  private static let dark = "--blink-settings=preferredColorScheme=0"

  /// In light and in dark every chart is drawn, with its marks, in the theme's colours, and the console stays empty.
  @Test(arguments: [false, true]) func everyChartIsDrawn(dark: Bool) throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/page.html"
      try Self.page.get().write(toFile: path, atomically: true, encoding: .utf8)
      let (page, console) = try Browser.open(path, "--window-size=1280,900", dark ? Self.dark : "--disable-logging-redirect")
      #expect(console.isEmpty, "\(console)")
      #expect(page.contains("data-charts=\"12/12\"") && count("class=\"marks\"", in: page) == 12 && count("<figure", in: page) == 12)
      #expect(count("class=\"drawn\"", in: page) == 12)
      // Points of four methods × three densities in the first chart, bars of three layers × four methods in each of the last three.
      let figures = page.components(separatedBy: "<figure ").dropFirst()
      #expect(figures.first.map { count("stroke-miterlimit", in: $0) > 0 && count("<path aria-label", in: $0) == 0 } == true)
      for figure in figures {
        let marks = figure.components(separatedBy: "class=\"mark-").dropFirst().filter { $0.contains("role-mark") }
        #expect(marks.count >= 2 && marks.allSatisfy { count("<path", in: $0) + count("<line", in: $0) > 0 }, "\(figure.prefix(60))")
        #expect(figure.contains(dark ? "fill=\"#e8eaee\"" : "fill=\"#1d2127\""), "\(figure.prefix(60))")
      }
      #expect(count("<th scope=\"col\"", in: page) > 20 && count("<th scope=\"col\"><button type=\"button\">", in: page) > 5)
      #expect(page.contains("<output>33 rows</output>"))
    }
  }

  /// On a telephone nothing but tables is wider than the screen. A window is never narrower than 500 points, but a frame is.
  @Test func aNarrowScreen() throws {
    try withTemporaryDirectory { folder in
      try Self.page.get().write(toFile: folder + "/page.html", atomically: true, encoding: .utf8)
      try """
      <body><iframe id="frame" src="page.html" style="width:390px;height:844px;border:0"></iframe>
      <script>
      const look = setInterval(() => {
        const root = frame.contentDocument?.documentElement;
        if (!root?.dataset.charts) return;
        clearInterval(look);
        const widest = Math.max(...[...root.querySelectorAll("svg.marks")].map(svg => svg.getBoundingClientRect().right));
        document.body.dataset.found = [root.dataset.charts, root.scrollWidth <= root.clientWidth, widest <= root.clientWidth].join(" ");
      }, 50);
      </script></body>
      """.write(toFile: folder + "/frame.html", atomically: true, encoding: .utf8)
      let (page, console) = try Browser.open(folder + "/frame.html")
      #expect(page.contains("data-found=\"12/12 true true\"") && console.isEmpty, "\(console)")
    }
  }

  /// Sorting by accuracy, backwards and with what has no number at the end; filtering by words and by whole numbers.
  @Test func tablesSortAndFilter() throws {
    try withTemporaryDirectory { folder in
      var page = try Report(Fixtures.benchmark).html(renderer: nil)
      page = page.replacing(
        "</body>",
        with: """
          <script type="module">
          const runs = document.getElementById("runs");
          const first = () => [...runs.tBodies[0].rows[0].cells].slice(0, 4).map(cell => cell.textContent).join(" ");
          const buttons = runs.querySelectorAll("th button");
          buttons[3].click();
          const found = [first(), runs.tHead.rows[0].cells[3].getAttribute("aria-sort")];
          buttons[3].click();
          found.push(first(), runs.tHead.rows[0].cells[3].getAttribute("aria-sort"));
          const field = document.querySelector("input[aria-controls=runs]");
          field.value = "SNIP 0.05";
          field.dispatchEvent(new Event("input"));
          found.push([...runs.tBodies[0].rows].filter(row => !row.hidden).length);
          found.push(field.closest(".filter").querySelector("output").textContent);
          document.body.dataset.found = found.join("; ");
          </script></body>
          """)
      let path = folder + "/page.html"
      try page.write(toFile: path, atomically: true, encoding: .utf8)
      let (shown, console) = try Browser.open(path)
      #expect(
        shown.contains(
          "data-found=\"unit-taylor 0.01 1 81.20 % ± 0.39; ascending; magnitude 0.2 2 98.26 % ± 0.13; descending; 3; 3 of 33 rows\""),
        "\(shown.suffix(400))")
      #expect(console.isEmpty, "\(console)")
    }
  }

  /// A page of hostile names runs nothing of theirs, and draws.
  @Test func hostileNamesDraw() throws {
    try withTemporaryDirectory { folder in
      let hostile = "</script><img src=x onerror=document.title=1>"
      var study = Fixtures.benchmark
      study.name = hostile
      study.axes[0].values[0] = hostile
      for index in study.runs.indices where study.runs[index].place["method"] == "magnitude" { study.runs[index].place["method"] = hostile }
      let path = folder + "/page.html"
      try Report(study).html(renderer: VegaRenderer()).write(toFile: path, atomically: true, encoding: .utf8)
      let (page, console) = try Browser.open(path)
      #expect(console.isEmpty && page.contains("data-charts=\"12/12\"") && !page.contains("<img src=\"x\""), "\(console)")
      #expect(page.contains("<title>&lt;/script&gt;&lt;img src=x onerror=document.title=1&gt; – report</title>"))
    }
  }
}
