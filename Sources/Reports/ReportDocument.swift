/// Something to report: a page for people, tables and figures for papers.
public protocol ReportDocument: Sendable {
  /// The figures, in the page's order.
  var charts: [ReportChart] { get }
  /// Returns the page, HTML that needs nothing but itself, with figures that were drawn before.
  func html(_ rendered: RenderedCharts) -> String
  /// Returns the tables for papers as Markdown.
  ///
  /// - Throws: ``ReportError`` if there is nothing to tabulate.
  func markdown() throws(ReportError) -> String
  /// Returns the tables for papers as LaTeX, for the package `booktabs`.
  ///
  /// - Throws: ``ReportError`` if there is nothing to tabulate.
  func latex() throws(ReportError) -> String
}

extension ReportDocument {
  /// Draws the figures.
  ///
  /// - Throws: `Interrupted` if work should stop. That there is no renderer, or that it failed, is no error: a report without pictures
  ///   still has all numbers, and ``RenderedCharts/problem`` says why.
  public func render(by renderer: (any ChartRenderer)?, pictures: Set<RenderedCharts.Picture> = []) throws -> RenderedCharts {
    guard let renderer else { return RenderedCharts(problem: nil) }
    let charts = charts
    guard !charts.isEmpty else { return RenderedCharts(problem: nil) }
    do { return try renderer.render(charts, pictures: pictures) } catch let error as RenderingError {
      return RenderedCharts(problem: error.description)
    }
  }

  /// Returns the page: HTML that needs nothing but itself.
  ///
  /// - Throws: `Interrupted` if work should stop.
  public func html(renderer: (any ChartRenderer)?) throws -> String { html(try render(by: renderer)) }
}
