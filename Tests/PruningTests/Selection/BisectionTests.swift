import Testing

@testable import Pruning

struct BisectionTests {
  @Test(arguments: 0..<40)
  func findsTheSmallest(edge: Int) throws {
    var asked = 0
    let found = Bisection.smallest(upTo: 39) { step in
      asked += 1
      return step >= edge
    }
    #expect(found == edge)
    #expect(asked <= 8)
  }

  @Test func nothingMeetsTheGoal() {
    #expect(Bisection.smallest(upTo: 10) { _ in false } == nil)
    #expect(Bisection.smallest(upTo: 0) { _ in true } == 0)
  }

  @Test func goals() {
    // Half of the way to 40 % less of 1000.
    #expect(CostTarget(.macs, .less(0.4)).goal(original: 1000, share: 0.5) == 800)
    #expect(CostTarget(.macs, .most(300)).goal(original: 1000, share: 1) == 300)
    #expect(CostTarget(.macs, .most(300)).goal(original: 1000, share: 0.5) == 650)
    // A network that is cheap enough loses nothing.
    #expect(CostTarget(.macs, .most(3000)).goal(original: 1000, share: 1) == 1000)
  }
}
