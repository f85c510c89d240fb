import Networks
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
    func goals(_ amount: CostTarget.Amount, _ schedule: SparsitySchedule, of n: Int) -> [Double] {
      (1...n).map { CostTarget(.macs, amount).goal(original: 1000, schedule: schedule, event: $0, of: n) }
    }
    // Half of the way to 40 % less of 1000.
    #expect(goals(.less(0.4), .linear, of: 2) == [800, 600])
    #expect(goals(.most(300), .linear, of: 2) == [650, 300])
    // The same fraction each time: 1000·0.4^(k/2), whether it is said as 60 % less or as 400 left.
    for amount in [CostTarget.Amount.less(0.6), .most(400)] {
      let found = goals(amount, .exponential, of: 2)
      #expect(abs(found[0] - 632.4555320336759) < 1e-9 && found[1] == 400)
    }
    // 1000·(1 − 0.6·(1 − 1/8)), and 60 % at once.
    #expect(abs(goals(.less(0.6), .cubic, of: 2)[0] - 475) < 1e-9)
    #expect(goals(.less(0.6), .oneShot, of: 3) == [400, 400, 400])
    // A network that is cheap enough loses nothing, whatever was asked.
    #expect(goals(.most(3000), .exponential, of: 2) == [3000, 3000])
  }

  @Test func halfOfResNet20InFourRemovals() throws {
    let macs = try Double(Architecture.parse("resnet-20").cost().macs)
    let goals = (1...4).map { CostTarget(.macs, .less(0.5)).goal(original: macs, schedule: .exponential, event: $0, of: 4) }
    #expect(goals.map { ($0 / 1e5).rounded() / 10 } == [34.1, 28.7, 24.1, 20.3])
  }

  @Test(arguments: SparsitySchedule.allCases.filter { $0 != .iterative }) func goalsComeDownToTheEnd(schedule: SparsitySchedule) {
    for amount in [CostTarget.Amount.less(0.71), .most(290)] {
      let goals = (1...7).map { CostTarget(.macs, amount).goal(original: 1000, schedule: schedule, event: $0, of: 7) }
      #expect(abs(goals[6] - 290) < 1e-9)
      #expect(zip(goals, goals.dropFirst()).allSatisfy { $0 >= $1 })
      #expect(schedule == .oneShot || goals[0] > 500, "the first removal does not take everything")
    }
  }
}
