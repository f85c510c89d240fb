internal import Foundation

/// Gives pages the runtime that draws their figures, and no still pictures: those take seconds whenever numbers change, and a page that is
/// looked at while it changes has scripts to draw with.
public final class InteractiveRenderer: ChartRenderer, @unchecked Sendable {
  private let renderer: any ChartRenderer
  private let lock = NSLock()
  private var runtime: String?

  /// Creates a renderer that asks another one for its runtime.
  public init(_ renderer: any ChartRenderer) { self.renderer = renderer }

  /// Returns the runtime, whatever the figures are.
  ///
  /// - Throws: as the other renderer, which is asked until it has answered once.
  public func render(_ charts: [ReportChart] = [], pictures: Set<RenderedCharts.Picture> = []) throws -> RenderedCharts {
    try lock.withLock {
      if runtime == nil {
        let answer = try renderer.render([], pictures: [])
        guard let found = answer.runtime else { return answer }
        runtime = found
      }
      return RenderedCharts(problem: nil, runtime: runtime)
    }
  }
}
