import Foundation
import Pruning
import Testing
import Training

@Suite struct RegrowthPlanTests {
  private func plan(
    _ method: some Regrowth, _ timing: PruningPlan.Timing, amount: PruningPlan.Amount = .total(0.9), granularity: Granularity = .weight
  ) -> PruningPlan {
    PruningPlan(
      criterion: granularity == .weight ? .magnitude : .l2, granularity: granularity, allocation: .layer, amount: amount, timing: timing,
      regrowth: RegrowthPlan(method))
  }
  private let during = PruningPlan.Timing.during(every: .epochs(1), until: .epochs(3))

  @Test(arguments: SmallCourse.members.indices) func survivesJSON(member: Int) throws {
    let plan = SmallCourse(method: SmallCourse.members[member]).plan
    let data = try JSONEncoder().encode(plan)
    #expect(try JSONDecoder().decode(PruningPlan.self, from: data) == plan)
    #expect(String(decoding: data, as: UTF8.self).contains("\"method\":\"\(try #require(plan.regrowth).name)\""))
  }

  @Test func recipesWithoutRegrowthAreRead() throws {
    let plan = PruningPlan(
      criterion: .magnitude, granularity: .weight, allocation: .global, amount: .total(0.5), timing: .rounds(1, recovery: .epochs(1)))
    let text = String(decoding: try JSONEncoder().encode(plan), as: UTF8.self)
    #expect(!text.contains("regrowth"))
    #expect(try JSONDecoder().decode(PruningPlan.self, from: Data(text.utf8)) == plan)
  }

  @Test func anUnknownRegrowthIsNamed() throws {
    let problem = #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(RegrowthPlan.self, from: Data(#"{"method": "rigel"}"#.utf8))
    }
    guard case .dataCorrupted(let context) = problem else { return #expect(Bool(false), "\(String(describing: problem))") }
    #expect(
      context.debugDescription
        == "unknown regrowth \"rigel\": choose one of none, static, rigl, set, splicing, dsd, scored-pruning, double-pruning")
  }

  @Test func saysInWordsWhatComesBack() {
    #expect(
      plan(RigL(), .atStart(rounds: 1)).words
        == "weights by magnitude, 90 % of each layer in all, before training; 30 % (cosine) exchanged every 100it until 75 % of the steps")
    #expect(plan(SparseEvolution(), .atStart(rounds: 1)).words.hasSuffix("; 30 % (constant) exchanged every 1ep"))
    #expect(
      plan(DoublePruning(), during).words.hasSuffix(
        "; a quarter of each cycle on the pruned weights, then 10 % back (trained), until 75 % of the steps"))
    #expect(plan(DenseSparseDense(prune: true), during).words.hasSuffix("; dense again after 66.6667 % of the steps, cut after the last"))
  }

  @Test func refusesWhatContradictsIt() {
    func expect(_ words: String, _ plan: PruningPlan) { #expect(throws: PlanError(words)) { try plan.validate() } }
    expect(
      "--method rigl lets single weights come back: it does not go with --granularity unit",
      plan(RigL(), .atStart(rounds: 1), granularity: .unit))
    expect(
      "--method rigl trains at a given density: give --sparsity, e.g. --sparsity 0.9, and no other amount",
      plan(RigL(), .atStart(rounds: 1), amount: .perEvent(0.1)))
    expect(
      "--method set is one training without rounds: --rounds and --recovery do not go with it",
      plan(SparseEvolution(), .rounds(3, recovery: .epochs(1))))
    expect("--method static keeps the density it starts with: --every and --until do not go with it", plan(StaticMask(), during))
    expect(
      "--method splicing starts dense: it needs --every, from one removal to the next", plan(Splicing(), .atStart(rounds: 1)))
    expect(
      "--drop-fraction 1.0 is impossible: give a number above 0 and below 1",
      plan(RigL(schedule: .init(fraction: 1)), .atStart(rounds: 1)))
    expect(
      "--regrowth-interval 0it is impossible: give at least 1it", plan(RigL(schedule: .init(interval: .iterations(0))), .atStart(rounds: 1))
    )
    expect(
      "--regrowth-end 1.5 is impossible: give a share of the steps above 0, up to 1", plan(Splicing(until: 1.5), during))
    expect(
      "--regrowth-end 1.0 is impossible: give a share of the steps above 0 and below 1", plan(DenseSparseDense(denseFrom: 1), during))
    expect(
      "--score-decay 1.0 is impossible: give a number from 0 up to, but not including, 1", plan(ScoredPruning(decay: 1), during))
    expect("--reintroduce 0.0 is impossible: give a number above 0 and below 1", plan(DoublePruning(reintroduce: 0), during))
    expect("--pruned-steps 0ep is impossible: give at least 1it", plan(DoublePruning(prunedSteps: .epochs(0)), during))
  }

  @Test func refusesTrainingsThatAreTooShort() {
    func expect(_ words: String, _ method: some Regrowth, _ timing: PruningPlan.Timing) {
      let course = PaperCourse(method: method, weights: Array(repeating: 1, count: 8), steps: 6, timing: timing)
      #expect(throws: PlanError(words)) { try course.end() }
    }
    expect(
      "--every 9it removes nothing before the end of a training of 6it: the longest that works is --every 5it", Splicing(),
      .during(every: .iterations(9), until: .iterations(9)))
    expect(
      "dsd removes until step 4, but everything comes back after step 4: give an earlier --until, or train longer", DenseSparseDense(),
      .during(every: .iterations(4), until: .iterations(4)))
    expect(
      "double-pruning trains the pruned weights for 3 of each cycle's 3 steps, which leaves none for the kept ones: give fewer "
        + "--pruned-steps, or a longer --every", DoublePruning(prunedSteps: .iterations(3)),
      .during(every: .iterations(3), until: .iterations(3)))
  }
}
