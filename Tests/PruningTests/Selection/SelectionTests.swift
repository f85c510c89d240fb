import Pruning
import Testing
import Torch

private func layer(_ name: String, _ scores: [Float], kept: [Bool]? = nil, original: Int? = nil) throws -> ScoredLayer {
  ScoredLayer(name: name, scores: try Tensor(scores), kept: try kept.map { try Tensor($0) }, original: original)
}

struct SelectionTests {
  @Test func lowestLeaveInEachLayer() throws {
    let layers = [try layer("a", [3, 1, 2, 4]), try layer("b", [10, 30, 20, 40])]
    let selection = try Selection(.ofKept(0.5), of: layers, rule: SelectionRule(scope: .layer))
    #expect(try selection.removedIndices(from: layers) == ["a": [1, 2], "b": [0, 2]])
    #expect(selection.asked == 4 && selection.removed == 4)
  }

  @Test func lowestLeaveWhereverTheyAre() throws {
    let layers = [try layer("a", [3, 1, 2, 4]), try layer("b", [10, 30, 20, 40])]
    let selection = try Selection(.ofKept(0.625), of: layers, rule: SelectionRule(scope: .global))
    #expect(try selection.removedIndices(from: layers) == ["a": [0, 1, 2, 3], "b": [0]])
  }

  @Test(arguments: [Scope.layer, .global])
  func equalScoresLeaveByIndex(scope: Scope) throws {
    // |−2|, 0, |2| ten times: the ten zeros, then of the twenty twos those that stand first.
    let weights = (0..<10).flatMap { _ in [-2, 0, 2] as [Float] }
    let layers = [ScoredLayer(name: "w", scores: try Tensor(weights).absolute())]
    let selection = try Selection(.count(12), of: layers, rule: SelectionRule(scope: scope))
    #expect(try selection.removedIndices(from: layers) == ["w": [0, 1, 2] + (1..<10).map { 3 * $0 + 1 }])
    #expect(selection.removed == 12)
  }

  @Test func equalScoresLeaveByLayerThenIndex() throws {
    let layers = [try layer("a", [1, 1, 1]), try layer("b", [1, 1, 1])]
    let selection = try Selection(.count(4), of: layers, rule: SelectionRule(scope: .global))
    #expect(try selection.removedIndices(from: layers) == ["a": [0, 1, 2], "b": [0]])
  }

  @Test func bothZerosAreOneScore() throws {
    let layers = [try layer("a", [0, -0.0, 0, -0.0])]
    let selection = try Selection(.count(2), of: layers, rule: SelectionRule(scope: .layer))
    #expect(try selection.removedIndices(from: layers) == ["a": [0, 1]])
  }

  @Test func signedAndInfiniteScoresAreOrdered() throws {
    let layers = [try layer("a", [.infinity, 1, -.infinity, -5, Float(bitPattern: 9), -Float(bitPattern: 9), 0])]
    for (count, expected) in [[2], [2, 3], [2, 3, 5], [2, 3, 5, 6], [2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]].enumerated() {
      let selection = try Selection(.count(count + 1), of: layers, rule: SelectionRule(scope: .layer))
      #expect(try selection.removedIndices(from: layers) == ["a": expected])
    }
  }

  @Test func rowMajorWhateverTheMemoryLayout() throws {
    // Channels-last storage holds 4, 2, 3, 1.
    let scores = try Tensor([4, 3, 2, 1] as [Float], shape: [1, 2, 2, 1]).channelsLast()
    for scope in Scope.allCases {
      let layers = [ScoredLayer(name: "c", scores: scores)]
      let selection = try Selection(.count(2), of: layers, rule: SelectionRule(scope: scope))
      #expect(try selection.removedIndices(from: layers) == ["c": [2, 3]])
    }
  }

  @Test func prunedStaysPrunedAndCountsNoMore() throws {
    let layers = [try layer("a", [9, 1, 2, 3, 4], kept: [false, true, true, true, true])]
    let selection = try Selection(.ofKept(0.5), of: layers, rule: SelectionRule(scope: .layer))
    #expect(try selection.removedIndices(from: layers) == ["a": [1, 2]])
    #expect(try selection.layers[0].kept.array(Bool.self) == [false, false, false, true, true])
    let cumulative = try Selection(.ofOriginal(0.4), of: layers, rule: SelectionRule(scope: .layer))
    #expect(try cumulative.removedIndices(from: layers) == ["a": [1]])
  }

  @Test func unitsKeepOne() throws {
    let layers = [try layer("a", [1, 2]), try layer("b", [5])]
    let selection = try Selection(.ofKept(0.5), of: layers, rule: SelectionRule(granularity: .unit, scope: .layer, rounding: .ceil))
    #expect(selection.layers.map(\.after) == [1, 1])
    #expect(selection.asked == 2 && selection.removed == 1)
  }

  @Test func aBindingFloorShiftsTheRemoval() throws {
    let layers = [try layer("a", [1, 2, 3, 4]), try layer("b", [10, 20, 30, 40])]
    let rule = SelectionRule(scope: .global, minimumLayerDensity: 0.5)
    let selection = try Selection(.count(4), of: layers, rule: rule)
    #expect(try selection.removedIndices(from: layers) == ["a": [0, 1], "b": [0, 1]])
  }

  @Test func floorsBeyondTheTotalAreNamed() throws {
    let layers = [try layer("a", [1, 2, 3, 4]), try layer("b", [10, 20, 30, 40, 50])]
    let error = #expect(throws: PruningError.self) {
      try Selection(.count(5), of: layers, rule: SelectionRule(scope: .global, minimumLayerDensity: 0.5))
    }
    #expect(error?.description == "cannot remove 5 of 9: at least 5 must stay (a 2, b 3)")
  }

  @Test func notANumberNamesTheLayer() throws {
    let layers = [try layer("fc1", [1, 2]), try layer("fc2", [1, .nan])]
    let error = #expect(throws: PruningError.self) {
      try Selection(.count(1), of: layers, rule: SelectionRule(scope: .layer), criterion: "magnitude")
    }
    #expect(error?.description == "fc2: criterion magnitude gives a score that is not a number (NaN)")
    // What was pruned before is not ranked.
    let pruned = [try layer("fc2", [1, .nan], kept: [true, false])]
    #expect(try Selection(.count(1), of: pruned, rule: SelectionRule(scope: .layer)).removed == 1)
  }

  @Test func widthsAreRounded() throws {
    let layers = [try layer("a", (0..<64).map { Float($0) })]
    let rule = SelectionRule(granularity: .filter, scope: .layer, rounding: .floor, widthMultiple: 8)
    let selection = try Selection(.ofKept(0.22), of: layers, rule: rule)
    #expect(selection.asked == 14 && selection.layers[0].after == 48)
    #expect(try selection.removedIndices(from: layers)["a"] == Array(0..<16))
    #expect(try Selection(.ofKept(0.01), of: layers, rule: rule).removed == 0)
  }

  @Test(arguments: 0..<60)
  func agreesWithSorting(seed: UInt64) throws {
    var random = Seeded(seed)
    let double = random.chance(0.3)
    let levels = random.chance(0.5) ? 4 : 100_000
    var layers: [ScoredLayer] = []
    var raw: [(scores: [Double], kept: [Bool])] = []
    for i in 0...random.below(4) {
      let count = 1 + random.below(60)
      let scores = (0..<count).map { _ in Double(Float(random.below(levels) - levels / 3) / 8) }
      let masked = random.chance(0.5)
      let kept = (0..<count).map { _ in !masked || random.chance(0.7) }
      raw.append((scores, kept))
      layers.append(
        ScoredLayer(
          name: "layer\(i)", scores: double ? try Tensor(scores) : try Tensor(scores.map { Float($0) }),
          kept: masked ? try Tensor(kept) : nil))
    }
    let fraction = Double(random.below(100)) / 100
    let density = random.chance(0.5) ? 0.3 : 0
    let rounding = Rounding.allCases[random.below(3)]
    for scope in Scope.allCases {
      let rule = SelectionRule(scope: scope, rounding: rounding, minimumLayerDensity: density)
      let present = raw.map { $0.kept.count(where: { $0 }) }
      let capacity = zip(raw, present).map { max(0, $1 - Rounding.ceil.count(density, of: $0.scores.count)) }
      var expected = Array(repeating: [Int](), count: raw.count)
      func order(_ indices: [Int]) -> [(layer: Int, index: Int)] {
        indices.flatMap { l in raw[l].scores.indices.filter { raw[l].kept[$0] }.map { (layer: l, index: $0) } }
          .enumerated().sorted { a, b in
            let (x, y) = (raw[a.element.layer].scores[a.element.index], raw[b.element.layer].scores[b.element.index])
            return x == y ? a.offset < b.offset : x < y
          }.map(\.element)
      }
      let total = rounding.count(fraction, of: present.reduce(0, +))
      if scope == .global {
        if total > capacity.reduce(0, +) {
          #expect(throws: PruningError.self) { try Selection(.ofKept(fraction), of: layers, rule: rule) }
          continue
        }
        var left = total
        for (l, i) in order(Array(raw.indices)) where left > 0 && expected[l].count < capacity[l] {
          expected[l].append(i)
          left -= 1
        }
      } else {
        for l in raw.indices {
          expected[l] = order([l]).prefix(min(capacity[l], rounding.count(fraction, of: present[l]))).map(\.index)
        }
      }
      let selection = try Selection(.ofKept(fraction), of: layers, rule: rule)
      let removed = try selection.removedIndices(from: layers)
      for l in raw.indices { #expect(removed["layer\(l)"] ?? [] == expected[l].sorted(), "seed \(seed), \(scope)") }
      if scope == .global { #expect(selection.removed == total, "seed \(seed)") }
      for (layer, before) in zip(selection.layers, raw) {
        let after = try layer.kept.array(Bool.self)
        #expect(after.count(where: { $0 }) == layer.after)
        #expect(zip(after, before.kept).allSatisfy { !$0 || $1 }, "seed \(seed): something came back")
      }
    }
  }
}
