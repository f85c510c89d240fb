import Experiments
import Pruning
import Testing

struct PruningMethodTests {
  @Test func everyMethodThatRegrowsMakesAPlan() throws {
    for method in PruningMethod.all {
      guard let regrowth = method.regrowth else { continue }
      try regrowth.validate()
      switch method.timing {
      case .atStart: #expect(type(of: regrowth.method).start == .sparse, "\(method.name)")
      case .during: #expect(type(of: regrowth.method).start != .sparse, "\(method.name)")
      default: Issue.record("\(method.name) is neither")
      }
    }
    #expect(PruningMethod.all.filter { $0.regrowth != nil }.count == 9)
  }

  @Test func namesAreOneEachAndHaveACriterion() throws {
    #expect(Set(PruningMethod.all.map(\.name)).count == PruningMethod.all.count)
    for method in PruningMethod.all { #expect(try Criterion(named: method.criterion).name == method.criterion) }
  }

  @Test func anUnknownNameSaysTheNearestOrAll() {
    #expect(
      #expect(throws: UnknownMethod.self) { try PruningMethod.named("rigle") }?.description
        == "unknown method \"rigle\": did you mean rigl?")
    #expect(
      #expect(throws: UnknownMethod.self) { try PruningMethod.named("zzzzzzzzzz") }?.description
        == "unknown method \"zzzzzzzzzz\": choose one of lottery-ticket, edge-popup, l0, han, meta-pruning, intersection, snip, grasp, synflow, "
        + "random, erk, static, rigl, set, double-pruning, scored-pruning, splicing, dsd, dsd+prune, gradual")
  }
}
