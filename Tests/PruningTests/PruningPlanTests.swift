import Pruning
import Testing
import Training

@Suite struct PruningPlanTests {
  private func plan(
    _ granularity: Granularity, _ amount: PruningPlan.Amount, _ timing: PruningPlan.Timing, schedule: SparsitySchedule = .exponential,
    widthMultiple: Int = 1
  ) -> PruningPlan {
    PruningPlan(
      criterion: granularity == .weight ? .magnitude : .l2, granularity: granularity, scope: granularity == .weight ? .global : .layer,
      rounding: granularity == .weight ? .round : .floor, amount: amount, timing: timing, schedule: schedule, widthMultiple: widthMultiple)
  }

  @Test func saysInWordsWhatItDoes() throws {
    #expect(
      plan(.weight, .total(0.9), .rounds(5, recovery: .epochs(10))).words
        == "weights by magnitude, 90 % over all layers in all, 5 rounds (exponential), 10ep of recovery each")
    #expect(
      plan(.filter, .perEvent(0.05), .during(every: .epochs(7))).words
        == "filters by l2, 5 % of each layer each time (floor), every 7ep")
    #expect(
      plan(.filter, .perEvent(0.125), .rounds(6, recovery: .epochs(0)), widthMultiple: 8).words
        == "filters by l2, 12.5 % of each layer each time (floor), 6 rounds, widths multiples of 8")
    #expect(
      plan(.unit, .total(0.5), .rounds(1, recovery: .iterations(300))).words
        == "units by l2, 50 % of each layer in all (floor), one-shot, 300it of recovery")
    var scored = plan(.weight, .total(0.5), .atStart(rounds: 1))
    scored.criterion = .grasp
    #expect(scored.scoringMode == .training && scored.usedCurvature == nil)
    #expect(scored.words == "weights by grasp, 50 % over all layers in all, before training")
    scored.batchNorms = .evaluation
    #expect(scored.words == "weights by grasp, batch norms in evaluation mode, 50 % over all layers in all, before training")
    scored.criterion = .snip
    scored.batchNorms = nil
    #expect(scored.scoringMode == .evaluation)
    scored.criterion = try Criterion(named: "obd")
    #expect(scored.scoringMode == nil && scored.usedCurvature == HessianProbes(.gaussNewton, count: 4))
    scored.curvature = HessianProbes(.hutchinson, count: 1)
    #expect(scored.words == "weights by obd, Hessian's diagonal by 1 probe for each batch, 50 % over all layers in all, before training")
  }

  @Test func saysWhatScoresAreDividedBy() {
    var global = plan(.weight, .total(0.5), .atStart(rounds: 1))
    global.normalization = .l2
    #expect(global.words == "weights by magnitude, normalized by l2, 50 % over all layers in all, before training")
    global.normalization = LayerNormalization.none
    #expect(global.words == "weights by magnitude, not normalized, 50 % over all layers in all, before training")
  }

  @Test func refusesWhatContradictsItself() throws {
    #expect(throws: PlanError("--width-multiple rounds widths of units and filters: it does not go with --granularity weight")) {
      try plan(.weight, .total(0.5), .rounds(1, recovery: .epochs(0)), widthMultiple: 8).validate()
    }
    for (change, words): ((inout PruningPlan) -> Void, String) in [
      ({ $0.batchNorms = .training }, "--batch-norm-mode goes with --criterion snip or grasp, not magnitude"),
      ({ $0.curvature = HessianProbes() }, "--probes and --curvature go with --criterion obd, not magnitude"),
      ({ $0.amount = .deviations(1) }, "--deviations goes with --criterion threshold, not magnitude"),
      ({ $0.examples = 7 }, "--examples goes with criteria and repairs that look at images: magnitude does not"),
      (
        {
          $0.allocation = .erk
          $0.normalization = .mean
        }, "--normalization goes with --scope global or sets of layers, not erk, which does not compare layers"
      ),
    ] {
      var changed = plan(.weight, .total(0.5), .rounds(1, recovery: .epochs(0)))
      change(&changed)
      #expect(throws: PlanError(words)) { try changed.validate() }
    }
    var probed = plan(.unit, .total(0.5), .rounds(1, recovery: .epochs(0)))
    probed.criterion = try Criterion(named: "obd")
    probed.curvature = HessianProbes(count: 0)
    #expect(throws: PlanError("--probes 0 is impossible: give 1 to 1000000")) { try probed.validate() }
    #expect(throws: PlanError("--width-multiple 0 is impossible: give 1 to 4096")) {
      try plan(.unit, .total(0.5), .rounds(1, recovery: .epochs(0)), widthMultiple: 0).validate()
    }
    #expect(
      throws: PlanError("--schedule iterative takes --fraction, what each round removes of what is left, not --sparsity")
    ) {
      try plan(.weight, .total(0.5), .rounds(2, recovery: .epochs(0)), schedule: .iterative).validate()
    }
  }
}
