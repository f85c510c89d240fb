/// The points of several objectives that no other point beats.
public enum ParetoFront {
  /// Which way an objective is good.
  public enum Goal: String, Codable, Hashable, Sendable, CaseIterable {
    /// Less is better, e.g. MACs.
    case minimise
    /// More is better, e.g. accuracy.
    case maximise
  }

  /// Returns the indices, ascending, of the points that no other dominates, that is, equals or betters in all objectives and betters in one.
  ///
  /// Equal points do not dominate each other: either all of them are on the front, or none. A point with a number that is none can be
  /// compared with nothing and is left out; infinite values are ordinary ones. Nil if a point has another number of objectives.
  public static func indices(of points: [[Double]], goals: [Goal]) -> [Int]? {
    guard points.allSatisfy({ $0.count == goals.count }) else { return nil }
    let costs = points.map { point in zip(point, goals).map { $1 == .minimise ? $0 : -$0 } }
    let valid = costs.indices.filter { !costs[$0].contains(where: \.isNaN) }
    func dominates(_ a: [Double], _ b: [Double]) -> Bool { a != b && zip(a, b).allSatisfy { $0 <= $1 } }
    return valid.filter { index in !valid.contains { dominates(costs[$0], costs[index]) } }
  }
}
