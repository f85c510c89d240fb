import Pruning
import Testing
import Torch

/// Fractions of what is left, event after event.
struct AmountCourseTests {
  /// Removes twenty times 2 % of layers of 20 and 50 things, and says what is left of each.
  private func left(_ allocation: Allocation, _ rounding: Rounding, events: Int = 20) throws -> [Int] {
    var layers = try [20, 50].enumerated().map { l, count in
      ScoredLayer(name: "fc\(l)", scores: try Tensor((0..<count).map { Float(($0 * 7919 + l * 31) % 997) }))
    }
    for event in 1...events {
      var rule = SelectionRule(allocation, rounding: rounding)
      rule.event = event
      let selection = try Selection(.ofKept(0.02), of: layers, rule: rule)
      for l in layers.indices { layers[l].kept = selection.layers[l].kept }
    }
    return try layers.map { Int(try $0.kept?.sum().item() ?? 0) }
  }

  @Test func eachLayerFollowsItsCourse() throws {
    #expect(try left(.layer, .round) == [13, 33])
    #expect(try left(.scoped([["fc0"], ["fc1"]]), .round) == [13, 33])
  }

  @Test(arguments: [Allocation.global, .uniform, .erk, .lamp, .scoped([["fc*"]])])
  func aSetFollowsTheCourseOfItsTotal(allocation: Allocation) throws {
    // 70·0.98^20 = 46.73, and on the way 70·0.98^k.
    #expect(try left(allocation, .round).reduce(0, +) == 47)
    #expect(try left(allocation, .round, events: 3).reduce(0, +) == 66)
  }

  @Test func uniformLeavesNoLayerBehind() throws {
    // 47·20/70 = 13.43 and 33.57 stay; the larger remainder of what leaves is the first one's.
    #expect(try left(.uniform, .round) == [13, 34])
  }

  @Test func floorAndCeilCountEachEventByItself() throws {
    #expect(try left(.layer, .floor) == [20, 49])
    #expect(try left(.layer, .ceil) == [0, 30])
  }

  /// A layer that the course would end is left its last unit, as when each event counted by itself; a fraction that empties one is wrong.
  @Test func roundedRestsDoNotEmptyALayer() throws {
    var layers = [ScoredLayer(name: "fc", scores: try Tensor([1, 2, 3] as [Float]))]
    for allocation in [Allocation.layer, .global] {
      layers[0].kept = nil
      for event in 1...9 {
        var rule = SelectionRule(granularity: .unit, allocation: allocation)
        rule.event = event
        let selection = try Selection(.ofKept(0.4), of: layers, rule: rule)
        layers[0].kept = selection.layers[0].kept
      }
      #expect(try layers[0].kept?.sum().item() == 1)
      layers[0].kept = nil
    }
    #expect(throws: PruningError.emptied(layer: "fc", asked: 3, present: 3)) {
      try Selection(.ofKept(0.9), of: layers, rule: SelectionRule(granularity: .unit, scope: .layer))
    }
  }

  /// Never off the real course by more than a half, never back, for any layer.
  @Test(arguments: 0..<40) func staysWithinAHalfOfTheCourse(seed: UInt64) throws {
    var random = Seeded(seed)
    let (count, fraction) = (1 + random.below(400), Double(1 + random.below(60)) / 100)
    var layer = ScoredLayer(name: "fc", scores: try Tensor((0..<count).map { _ in Float(random.below(1000)) }))
    var course = Double(count)
    for event in 1...12 {
      course *= 1 - fraction
      var rule = SelectionRule(.layer)
      rule.event = event
      let selection = try Selection(.ofKept(fraction), of: [layer], rule: rule)
      layer.kept = selection.layers[0].kept
      #expect(abs(Double(selection.layers[0].after) - course) <= 0.5 + 1e-6, "seed \(seed), event \(event)")
      #expect(selection.askedInAll == count - selection.layers[0].after, "seed \(seed), event \(event)")
    }
  }
}
