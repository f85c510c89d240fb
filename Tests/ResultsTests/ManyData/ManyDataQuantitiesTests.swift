import Results
import Testing

@Suite struct ManyDataQuantitiesTests {
  private func accuracy(_ correct: Int) -> Accuracy { Accuracy(correct: correct, count: 100, loss: 1) }

  private func change(_ dataset: Int?, _ pass: Int, _ accuracies: Int...) -> SequenceChange {
    SequenceChange(dataset: dataset, pass: pass, step: 0, left: 9, accuracies: accuracies.map(accuracy))
  }

  private func row(steps: [Int?] = [5, 30]) -> RunRecord {
    var row = RunRecord(
      tool: Tool(version: "0", libtorch: "2"),
      machine: Machine(processor: "P", cores: 2, threads: 1, memory: 1, system: "S"), command: [], network: "n", data: nil, seed: 0,
      dense: Artefact(
        parameters: 200, prunableWeights: 100, nonZeroWeights: 100, widths: [], tensorBytes: 4, macs: 1000, effectiveMACs: 100,
        epoch: Measurement([4, 4, 4], unit: .seconds)),
      pruned: Artefact(
        parameters: 50, prunableWeights: 100, nonZeroWeights: 100, widths: [], tensorBytes: 4, macs: 100, effectiveMACs: 100,
        epoch: Measurement([3, 3, 3], unit: .seconds)),
      peakMemory: 1)
    let datasets = zip(["a", "b"], steps).map { name, steps in
      SequenceDataset(
        name: name, classes: 2, training: 9, validation: 9, test: 9, fit: HeadOnlyFit(accuracy: 0.9, start: 0.1, steps: steps, examples: 9))
    }
    // a: 60 after its first turn, 80 after its second, 50 at the end; b: 70, 65, 64 at the end.
    row.sequence = SequenceSummary(
      words: "w", things: "units", datasets: datasets,
      changes: [
        change(0, 1, 60, 10), change(1, 1, 40, 70), change(0, 2, 80, 20), change(nil, 2, 70, 20), change(1, 2, 55, 65),
        change(nil, 2, 50, 64),
      ], votes: [], headSteps: 50)
    row.meta = MetaSummary(
      learning: "l", classes: [], headSteps: 1,
      arms: ["pruned", "random"].map { name in
        func head(_ accuracy: Double) -> HeadAccuracy { HeadAccuracy(ways: 2, tasks: 3, accuracy: accuracy, standardError: nil, steps: 1) }
        return MetaArm(name: name, weights: 1, training: head(0.1), unseen: head(name == "pruned" ? 0.75 : 0.5), seconds: 1)
      })
    return row
  }

  private func value(_ name: String, _ row: RunRecord) -> Double? { RowQuantity.named(name)?.value(row) }

  @Test func sequences() throws {
    #expect(try abs(#require(value("second-pass-gain", row())) - 0.075) < 1e-12)
    #expect(try abs(#require(value("least-second-pass-gain", row())) + 0.05) < 1e-12)
    #expect(try abs(#require(value("forgotten", row())) - (0.3 + 0.01) / 2) < 1e-12)
    #expect(value("head-steps", row()) == 30 && value("head-steps", row(steps: [5, nil])) == nil)
  }

  @Test func arms() {
    #expect(value("unseen-accuracy-pruned", row()) == 0.75 && value("unseen-accuracy-random", row()) == 0.5)
    #expect(value("unseen-accuracy-full", row()) == nil && RowQuantity.named("unseen-accuracy-one-dataset") != nil)
  }

  @Test func whatIsLeft() {
    #expect(value("macs-left", row()) == 0.1 && value("parameters-left", row()) == 0.25 && value("epoch-time-left", row()) == 0.75)
    var dense = row()
    dense.pruned = nil
    (dense.sequence, dense.meta) = (nil, nil)
    #expect(value("macs-left", dense) == 1 && value("epoch-time-left", dense) == nil)
    #expect(value("second-pass-gain", dense) == nil && value("head-steps", dense) == nil && value("forgotten", dense) == nil)
  }
}
