import Networks
import Pruning
import Testing
import Torch
import Training

@Suite struct DenseSparseDenseTests {
  @Test(arguments: [false, true]) func endsDenseOrCut(cut: Bool) throws {
    let running = try SmallCourse(method: DenseSparseDense(prune: cut)).trainer(evaluateEvery: .iterations(1))
    var events: [PruningEvent] = []
    running.pruner.didPrune = { event, _ in events.append(event) }
    var zeros: [Int: Int] = [:]
    try running.trainer.run(afterStep: { trainer in
      zeros[trainer.iteration] = try trainer.model.network.prunableWeights.reduce(0) { sum, name in
        sum + (try trainer.model.tensor(name).count - trainer.model.tensor(name).detached().nonZeroCount())
      }
    })
    // Removals after 4 and 8, everything back after 16 = 2/3 of 24, at 0; one step later it moves.
    #expect(events.map(\.iteration) == (cut ? [4, 8, 24] : [4, 8]))
    #expect(zeros[8] == 244 && zeros[15] == 244 && zeros[16] == 244)
    #expect(try #require(zeros[17]) < 100)
    #expect(zeros[24] == (cut ? 244 : zeros[23]))
    let report = try running.memory.report(running.trainer.model)
    #expect(report.exchanges == 1 && report.exchanged == 244 && report.explored == 348)
    #expect(report.kept == (cut ? 104 : 348) && report.settled == (cut ? 24 : 16))
    // The last evaluation is the cut network's.
    #expect(try running.trainer.log.evaluations.last?.validation == running.trainer.evaluateValidation())
  }
}
