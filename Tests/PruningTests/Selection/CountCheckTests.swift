import Networks
@testable import Pruning
import Testing
import Torch
import Training

/// What counts alone refuse, against the selection that would refuse it after hours of training.
@Suite struct CountCheckTests {
  private func network() throws -> Network { try Architecture.parse("mlp:30-20-7-10") }

  private func refusal(_ body: () throws -> Void) -> String? {
    do { try body() } catch { return "\(error)" }
    return nil
  }

  private func asked(_ fraction: Double, of layers: [ScoredLayer], leaving density: Double, leastOfAll: Int) throws -> String? {
    let counts = layers.map(\.scores.count)
    let asked = counts.reduce(0) { $0 + Int((fraction * Double($1) + 0.5 + 1e-9).rounded(.down)) }
    let floors = counts.map { max(Int((density * Double($0) - 1e-9).rounded(.up)), leastOfAll) }
    let words = zip(layers, floors).map { "\($0.name) \($1)" }.joined(separator: ", ")
    return "cannot remove \(asked) of \(counts.reduce(0, +)): at least \(floors.reduce(0, +)) must stay (\(words))"
  }

  @Test(arguments: [Allocation.layer, .global, .uniform, .erk, .scoped([[LayerPattern("fc1")]])], [Granularity.weight, .unit])
  func asTheSelectionItself(allocation: Allocation, granularity: Granularity) throws {
    let network = try network()
    let shapes = Dictionary(uniqueKeysWithValues: try network.parameterShapes().map { ($0.name, $0.dimensions) })
    let layers: [ScoredLayer] =
      granularity == .weight
      ? try network.prunableWeights.map { ScoredLayer(name: $0.module, scores: try .zeros(shapes[$0] ?? [])) }
      : try network.channelGroups().groups.map {
        ScoredLayer(name: $0.name, scores: try .zeros([$0.width]), members: $0.memberNames)
      }
    for fraction in [0, 0.3, 0.5, 0.51, 0.9, 0.97, 0.999] {
      for floor in [0, 0.1, 0.5, 0.9] {
        for amount in [PruningPlan.Amount.perEvent(fraction), .total(fraction)] {
          let plan = PruningPlan(
            criterion: .l2, granularity: granularity, allocation: allocation, amount: amount, timing: .rounds(1, recovery: .epochs(0)),
            minimumLayerDensity: floor)
          let rule = SelectionRule(granularity: granularity, allocation: allocation, minimumLayerDensity: floor)
          var selected = refusal { _ = try Selection(.ofKept(fraction), of: layers, rule: rule) }
          // There layers stop at their floors, which is no answer to who asks for more than those leave.
          if allocation == .layer, selected == nil, floor > 0, fraction + floor > 1 + 1e-9 {
            selected = try asked(fraction, of: layers, leaving: floor, leastOfAll: granularity == .unit ? 1 : 0)
          }
          #expect(refusal { try plan.checkCounts(of: network, removals: 1) } == selected, "\(fraction) \(floor) \(amount)")
        }
      }
    }
  }

  @Test func theLastOfSeveralRemovals() throws {
    let plan = PruningPlan(
      criterion: .magnitude, granularity: .weight, scope: .global, amount: .total(0.9), timing: .rounds(5, recovery: .epochs(1)),
      minimumLayerDensity: 0.2)
    // 600 + 140 + 70 = 810 weights, of which 729 are to leave and 162 must stay.
    #expect(
      refusal { try plan.checkCounts(of: network(), removals: 5) }
        == "cannot remove 729 of 810: at least 162 must stay (fc1 120, fc2 28, fc3 14)")
  }

  private func plan(
    _ amount: PruningPlan.Amount, _ granularity: Granularity = .weight, _ scope: Scope = .global, rounds: Int, rounding: Rounding = .round,
    schedule: SparsitySchedule = .exponential, density: Double = 0
  ) -> PruningPlan {
    PruningPlan(
      criterion: .l2, granularity: granularity, scope: scope, rounding: rounding, amount: amount,
      timing: .rounds(rounds, recovery: .epochs(1)), schedule: schedule, minimumLayerDensity: density)
  }

  /// Halves of 810 weights: 405, 203 (of 405; 608 gone), 101 (709 gone), 51 (759 gone), and 243 (180 + 42 + 21) must stay.
  @Test func fractionsThatAddUpToTooMuch() throws {
    func words(_ rounds: Int, _ rounding: Rounding = .round) -> String? {
      refusal { try plan(.perEvent(0.5), rounds: rounds, rounding: rounding, density: 0.3).checkCounts(of: network(), removals: rounds) }
    }
    let floors = "of 810: at least 243 must stay (fc1 180, fc2 42, fc3 21)"
    #expect(words(1) == nil && words(1, .floor) == nil)
    #expect(words(2) == "cannot remove 608 \(floors)")
    #expect(words(4) == "cannot remove 759 \(floors)")
    // 405, 202, 101, 51.
    #expect(words(2, .floor) == "cannot remove 607 \(floors)" && words(4, .floor) == "cannot remove 759 \(floors)")
    // 405, 203, 101, 51.
    #expect(words(4, .ceil) == "cannot remove 760 \(floors)")
  }

  /// Each layer for itself: refused where the fractions alone say so, whatever is rounded.
  @Test func fractionsOfEachLayerThatItsDensityForbids() throws {
    func words(_ plan: PruningPlan, _ rounds: Int) -> String? { refusal { try plan.checkCounts(of: network(), removals: rounds) } }
    #expect(
      words(plan(.total(0.9), .weight, .layer, rounds: 3, density: 0.5), 3)
        == "cannot remove 729 of 810: at least 405 must stay (fc1 300, fc2 70, fc3 35)")
    // Twice 40 % are 64 %: 384 + 90 + 45.
    #expect(
      words(plan(.perEvent(0.4), .weight, .layer, rounds: 2, density: 0.5), 2)
        == "cannot remove 519 of 810: at least 405 must stay (fc1 300, fc2 70, fc3 35)")
    #expect(words(plan(.perEvent(0.4), .weight, .layer, rounds: 1, density: 0.5), 1) == nil)
    // 20 and 7 units.
    #expect(
      words(plan(.total(0.6), .unit, .layer, rounds: 2, density: 0.5), 2)
        == "cannot remove 16 of 27: at least 14 must stay (fc1 10, fc2 4)")
    // Half of seven is three and a half: four are asked, three may leave, and nobody asked for more than is possible.
    #expect(words(plan(.total(0.5), .unit, .layer, rounds: 1, density: 0.5), 1) == nil)
  }

  /// Of 20 units 4, 8, 12, 16 are gone, and then 99 % are all of them.
  @Test func aLayerThatTheLastRemovalEmpties() throws {
    let words = refusal {
      try plan(.total(0.99), .unit, .layer, rounds: 5, schedule: .linear).checkCounts(of: network(), removals: 5)
    }
    #expect(
      words
        == "the fraction would empty fc1: it asks for 4 of its 4 units, and a layer keeps at least one: ask for less, or leave it alone "
        + "with --ignore fc1")
  }

  @Test func amountsThatRoundToNothing() throws {
    func words(_ plan: PruningPlan, _ rounds: Int = 1) -> String? { refusal { try plan.checkCounts(of: network(), removals: rounds) } }
    // 0.5/810 = 0.000617 …, and 1/810 = 0.00123 …
    #expect(
      words(plan(.total(6e-4), rounds: 1)) == "--sparsity 0.0006 comes to none of 810 weights: give at least 0.00062, which takes one")
    #expect(words(plan(.total(6.2e-4), rounds: 1)) == nil)
    #expect(
      words(plan(.total(0.001), rounds: 1, rounding: .floor))
        == "--sparsity 0.001 comes to none of 810 weights: give at least 0.0013, which takes one")
    #expect(words(plan(.total(0.0013), rounds: 1, rounding: .floor)) == nil && words(plan(.total(1e-5), rounds: 1, rounding: .ceil)) == nil)
    // Rests are carried: of 20 units twice 1.5 % are 0.595.
    #expect(
      words(plan(.perEvent(0.015), .unit, .layer, rounds: 1))
        == "--fraction 0.015 comes to none of 20 units, the most that count together: give at least 0.025, which takes one")
    #expect(words(plan(.perEvent(0.015), .unit, .layer, rounds: 2), 2) == nil)
    #expect(
      words(plan(.perEvent(0.012), .unit, .layer, rounds: 2), 2)
        == "--fraction 0.012 comes to none of 20 units, the most that count together: give at least 0.013, which takes one")
    #expect(words(plan(.perEvent(0.013), .unit, .layer, rounds: 2), 2) == nil)
    #expect(words(plan(.total(0), rounds: 1)) == nil, "nothing is what was asked for")
  }

  @Test func layersAtTheirLeast() throws {
    func least(_ plan: PruningPlan, _ name: String = "mlp:30-1-7-2-10", removals: Int = 1) throws -> [String] {
      try plan.layersAtTheirLeast(in: Architecture.parse(name), starts: [:], removals: removals).map {
        "\($0.layer) \($0.kept) of \($0.of)"
      }
    }
    #expect(try least(plan(.total(0.5), .unit, .layer, rounds: 1)) == ["fc1 1 of 1"])
    #expect(try least(plan(.perEvent(0.5), .unit, .layer, rounds: 2), removals: 2) == ["fc1 1 of 1", "fc3 1 of 2"])
    #expect(try least(plan(.total(0.4), .unit, .layer, rounds: 1)) == [])
    #expect(try least(plan(.total(0.5), .unit, .layer, rounds: 1, density: 0.5)) == ["fc1 1 of 1", "fc2 4 of 7"])
    #expect(try least(plan(.total(0.5), .unit, .global, rounds: 1)) == [], "others make up for it")
  }

  @Test func layersOutOfReach() throws {
    var plan = PruningPlan(
      criterion: .l2, granularity: .unit, scope: .layer, amount: .perEvent(0.94), timing: .rounds(1, recovery: .epochs(0)))
    #expect(
      refusal { try plan.checkCounts(of: network(), removals: 1) }
        == "the fraction would empty fc2: it asks for 7 of its 7 units, and a layer keeps at least one: ask for less, or leave it alone "
        + "with --ignore fc2")
    plan.ignored = ["fc2"]
    #expect(refusal { try plan.checkCounts(of: network(), removals: 1) } == nil)
  }
}
