import Results
import Testing

/// Areas, profiles and fronts against NumPy (Tests/Reference/statistics_curves.py).
@Suite struct CurveTests {
  struct Golden: Decodable {
    struct Area: Decodable {
      var x: [Double]
      var y: [Double]
      var linear: Double
      var logarithmic: Double
    }
    struct Profile: Decodable {
      var costs: [[Double]]
      var ratios: [Double]
      var shares: [[Double]]
      var linear: [Double]
      var logarithmic: [Double]
    }
    struct Front: Decodable {
      var points: [[Double]]
      var goals: [ParetoFront.Goal]
      var front: [Int]
    }
    var areas: [Area]
    var profiles: [Profile]
    var fronts: [Front]
  }

  private let golden: Golden

  init() throws { golden = try Reference.read("statistics_curves") }

  @Test func areasAsNumPy() {
    for row in golden.areas {
      let points = zip(row.x, row.y).map { (x: $0, y: $1) }
      expect(Statistics.areaUnderCurve(points, scale: .linear), near: row.linear)
      expect(Statistics.areaUnderCurve(points, scale: .logarithmic), near: row.logarithmic)
      expect(Statistics.areaUnderCurve(points.reversed(), scale: .linear), near: row.linear)
    }
  }

  /// From 1 to 3 the mean height is 3, from 3 to 5 it is 5.
  @Test func areaByHand() {
    #expect(Statistics.areaUnderCurve([(1, 2), (3, 4), (5, 6)], scale: .linear) == 4)
    #expect(Statistics.areaUnderCurve([(1, 2), (3, 3), (3, 5), (5, 6)], scale: .linear) == 4, "two seeds at one density")
    // Each is half the way of the one before.
    expect(Statistics.areaUnderCurve([(1, 0), (0.5, 0), (0.25, 1)], scale: .logarithmic), near: 0.25)
  }

  @Test func whatHasNoArea() {
    for scale in AxisScale.allCases {
      #expect(Statistics.areaUnderCurve([], scale: scale) == nil)
      #expect(Statistics.areaUnderCurve([(1, 1), (1, 2)], scale: scale) == nil)
      #expect(Statistics.areaUnderCurve([(1, 1), (2, .nan)], scale: scale) == nil)
      #expect(Statistics.areaUnderCurve([(1, 1), (2, 1), (.nan, 1)], scale: scale) == nil)
      #expect(Statistics.areaUnderCurve([(1, 1), (2, 1), (.infinity, 1)], scale: scale) == nil)
    }
    #expect(Statistics.areaUnderCurve([(0, 1), (1, 1), (2, 1)], scale: .linear) == 1)
    #expect(Statistics.areaUnderCurve([(0, 1), (1, 1), (2, 1)], scale: .logarithmic) == nil)
  }

  @Test func profilesAsDefined() throws {
    for row in golden.profiles {
      let profile = try #require(DolanMoreProfile(costs: row.costs))
      for (ratio, shares) in zip(row.ratios, row.shares) {
        for (solver, share) in shares.enumerated() { expect(profile.share(of: solver, within: ratio), near: share) }
      }
      for solver in row.linear.indices {
        expect(profile.area(of: solver, to: 8, scale: .linear), near: row.linear[solver])
        expect(profile.area(of: solver, to: 8), near: row.logarithmic[solver])
      }
    }
  }

  /// Solver 0 is best on the first, twice the best on the second; all fail on the third; on the fourth only solver 0 is free.
  @Test func profileByHand() throws {
    let profile = try #require(DolanMoreProfile(costs: [[1, 1], [6, 3], [.infinity, .infinity], [0, 2]]))
    #expect(profile.ratios == [[1, 1], [2, 1], [.infinity, .infinity], [1, .infinity]])
    #expect(profile.share(of: 0, within: 1) == 0.5 && profile.share(of: 0, within: 2) == 0.75)
    #expect(profile.share(of: 1, within: 1e9) == 0.5)
    #expect(profile.share(of: 0, within: .infinity) == 0.75, "failures stay failures")
    #expect(profile.area(of: 0, to: 4) == 0.625 && profile.area(of: 0, to: 3, scale: .linear) == 0.625)
    #expect(profile.area(of: 1, to: 4) == 0.5)
    #expect(profile.share(of: 2, within: 1) == nil && profile.area(of: -1, to: 4) == nil)
    for limit in [1, 0, .infinity, .nan] { #expect(profile.area(of: 0, to: limit) == nil) }
  }

  @Test func whatHasNoProfile() {
    for costs in [[], [[]], [[1, 2], [1]], [[1, .nan]], [[1, -1]]] { #expect(DolanMoreProfile(costs: costs) == nil) }
  }

  @Test func frontsAsDefined() {
    for row in golden.fronts { #expect(ParetoFront.indices(of: row.points, goals: row.goals) == row.front) }
  }

  @Test func frontByHand() {
    let goals: [ParetoFront.Goal] = [.minimise, .maximise]
    // MACs and accuracy: the third costs as much as the first and is worse; the fourth is the first once more.
    let points = [[10, 0.9], [20, 0.95], [10, 0.8], [10, 0.9], [30, 0.95], [.nan, 1], [.infinity, 0.99]]
    #expect(ParetoFront.indices(of: points, goals: goals) == [0, 1, 3, 6])
    #expect(ParetoFront.indices(of: [], goals: goals) == [])
    #expect(ParetoFront.indices(of: [[1]], goals: goals) == nil)
  }
}
