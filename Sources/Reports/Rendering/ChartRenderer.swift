/// Something that draws figures.
public protocol ChartRenderer: Sendable {
  /// Draws the figures.
  ///
  /// - Parameter pictures: the kinds of files wanted besides what a page needs.
  /// - Throws: ``RenderingError`` if it cannot, `Interrupted` if work should stop.
  func render(_ charts: [ReportChart], pictures: Set<RenderedCharts.Picture>) throws -> RenderedCharts
}

/// Figures as a renderer drew them.
public struct RenderedCharts: Hashable, Sendable {
  /// A kind of picture file.
  public enum Picture: String, Codable, Hashable, Sendable, CaseIterable { case svg, png }

  /// Why there are no figures, in one line; nil if there are some, or none were wanted.
  public var problem: String?
  /// The JavaScript that draws specifications in a page; nil without figures.
  public var runtime: String?
  /// SVG of each figure by its id, for printing and for readers without JavaScript.
  public var svg: [String: String] = [:]
  /// PNG of each figure by its id, if wanted.
  public var png: [String: [UInt8]] = [:]

  /// Creates a result; without a runtime there are no figures.
  public init(problem: String?, runtime: String? = nil, svg: [String: String] = [:], png: [String: [UInt8]] = [:]) {
    (self.problem, self.runtime, self.svg, self.png) = (problem, runtime, svg, png)
  }
}

/// A failure of a renderer; its description is one line.
public struct RenderingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What went wrong, and what helps.
  public let description: String
  /// Creates an error with the given description.
  public init(_ description: String) { self.description = description }
}
