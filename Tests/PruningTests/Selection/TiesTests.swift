import Testing
import Torch

@testable import Pruning

struct TiesTests {
  private func layer(_ name: String, _ scores: [Float], kept: [Bool]? = nil) throws -> ScoredLayer {
    ScoredLayer(name: name, scores: try Tensor(scores), kept: try kept.map { try Tensor($0) })
  }

  @Test func allScoresAreOne() throws {
    let layers = [try layer("a", [1, 1, 1, 1]), try layer("b", [1, 1, 1])]
    let ties = try Selection(.ofKept(0.5), of: layers, rule: SelectionRule(scope: .global)).ties
    #expect(ties == Ties(decided: 4, removed: 4, equal: 7, ranked: 7, score: "1"))
    #expect(
      ties.words(advice: "train with --slimming first") == "4 of 4 decided by order alone: all scores are 1: train with --slimming first")
    // Each layer by itself: 2 of 4, and 2 of 3.
    let each = try Selection(.ofKept(0.5), of: layers, rule: SelectionRule(scope: .layer)).ties
    #expect(each == Ties(decided: 4, removed: 4, equal: 7, ranked: 7, score: "1"))
  }

  @Test func theCutBetweenLayersCounts() throws {
    // 2 goes from a, and stays in b: order decided. Of the lower ones it decided none.
    let layers = [try layer("a", [0, 1, 2]), try layer("b", [2, 3, 4])]
    #expect(
      try Selection(.count(3), of: layers, rule: SelectionRule(scope: .global)).ties
        == Ties(decided: 1, removed: 3, equal: 2, ranked: 6, score: "2"))
    // Both go: nothing was left to decide.
    #expect(try Selection(.count(4), of: layers, rule: SelectionRule(scope: .global)).ties.decided == 0)
    #expect(try Selection(.ofKept(0.34), of: layers, rule: SelectionRule(scope: .layer)).ties.decided == 0)
  }

  @Test func scoresOfSeveralLayersAndOfNormalizedOnesHaveNoValue() throws {
    let layers = [try layer("a", [1, 1, 1, 1]), try layer("b", [-2, -2, 5])]
    let ties = try Selection(.ofKept(0.5), of: layers, rule: SelectionRule(scope: .layer)).ties
    // Of b both −2 go.
    #expect(ties == Ties(decided: 2, removed: 4, equal: 4, ranked: 7, score: "1"))
    #expect(ties.words() == "2 of 4 decided by order alone: 4 of 7 scores are 1")
    let normalized = try Selection(
      .count(1), of: [try layer("a", [3, 3])], rule: SelectionRule(scope: .global, normalization: .l2)
    ).ties
    #expect(normalized.decided == 1 && normalized.score == nil)
    #expect(normalized.words(advice: "x") == "1 of 1 decided by order alone: all scores of a layer are equal: x")
  }

  @Test func aTenthIsNotWorthAWord() {
    #expect(Ties(decided: 10, removed: 100, equal: 12, ranked: 200).words() == nil)
    #expect(
      Ties(decided: 11, removed: 100, equal: 12, ranked: 200).words()
        == "11 of 100 decided by order alone: 12 of 200 scores are equal where the cut falls")
    #expect(Ties(decided: 0, removed: 0, equal: 0, ranked: 0).words() == nil)
    #expect(
      Ties(decided: 1, removed: 5, equal: 3, ranked: 9, score: "-0.5").words() == "1 of 5 decided by order alone: 3 of 9 scores are -0.5")
  }

  @Test func thresholdsLeaveNothingToDecide() throws {
    let layers = [try layer("a", [1, 1, 2, 2])]
    #expect(try Selection(.below(2), of: layers, rule: SelectionRule(scope: .global)).ties.decided == 0)
  }

  /// Those that left while an equal one stayed in the same ranking, counted one by one.
  @Test(arguments: 0..<40) func agreesWithCounting(seed: UInt64) throws {
    var random = Seeded(seed)
    let raw = (0...random.below(3)).map { _ in (0..<1 + random.below(30)).map { _ in Float(random.below(6) - 2) } }
    let layers = try raw.enumerated().map { try layer("\($0)", $1) }
    let fraction = Double(random.below(100)) / 100
    for scope in Scope.allCases {
      let selection = try Selection(.ofKept(fraction), of: layers, rule: SelectionRule(scope: scope))
      let stays = try selection.layers.map { try $0.kept.array(Bool.self) }
      let staying = raw.indices.map { l in Set(raw[l].indices.filter { stays[l][$0] }.map { raw[l][$0] }) }
      let everywhere = staying.reduce(into: Set<Float>()) { $0.formUnion($1) }
      let expected = raw.indices.reduce(0) { sum, l in
        sum + raw[l].indices.count { !stays[l][$0] && (scope == .global ? everywhere : staying[l]).contains(raw[l][$0]) }
      }
      #expect(selection.ties.decided == expected, "seed \(seed), \(scope)")
    }
  }
}
