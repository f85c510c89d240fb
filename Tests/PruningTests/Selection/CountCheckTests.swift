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
          let selected = refusal { _ = try Selection(.ofKept(fraction), of: layers, rule: rule) }
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
        == "cannot remove 729 of 810: the layers' floors keep at least 162 (fc1 120, fc2 28, fc3 14)")
  }

  @Test func layersOutOfReach() throws {
    var plan = PruningPlan(
      criterion: .l2, granularity: .unit, scope: .layer, amount: .perEvent(0.94), timing: .rounds(1, recovery: .epochs(0)))
    #expect(
      refusal { try plan.checkCounts(of: network(), removals: 1) }
        == "the fraction would empty fc2: 7 of its 7 units are asked, and a layer keeps at least one: ask for less, or leave it alone with "
        + "--ignore fc2")
    plan.ignored = ["fc2"]
    #expect(refusal { try plan.checkCounts(of: network(), removals: 1) } == nil)
  }
}
