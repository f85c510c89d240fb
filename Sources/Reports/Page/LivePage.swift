internal import Foundation

/// A page that a server keeps up to date: as a report's, but it listens to the server's events at `/events`, and when the study's version is
/// no longer its own, it fetches itself anew and swaps what it shows.
public enum LivePage {
  /// The page's policy, for the response's header: nothing is loaded but from its own server, and no other page may frame it.
  public static let policy = Page.policy + "; connect-src 'self'; frame-ancestors 'none'"

  /// Returns the page of a report.
  ///
  /// - Parameter version: the study's version, as events name it.
  public static func html(_ report: Report, _ rendered: RenderedCharts, version: String) -> String {
    Page(report: report, rendered: rendered, version: version).text
  }

  /// Returns the page of a study of which there is no report, with the reason.
  public static func html(problem: String, of study: String, version: String) -> String {
    let note = "<p class=\"note\" role=\"note\">\(HTML.escaped(problem.capitalisedFirst)).</p>\n"
    return Page.document(title: study, parts: [PagePart(id: "summary", title: "No report", content: note)], version: version)
  }
}
