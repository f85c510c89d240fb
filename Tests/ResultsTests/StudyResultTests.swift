import Testing

@testable import Results

@Suite struct StudyResultTests {
  private func row(_ correct: Int, bytes: Int) -> RunRecord {
    let artefact = Artefact(
      accuracyAtEnd: Accuracy(correct: correct, count: 100, loss: 0.5), parameters: 110, prunableWeights: 100, nonZeroWeights: 25,
      widths: [], tensorBytes: 440, fileBytes: bytes, macs: 100, effectiveMACs: 25)
    return RunRecord(
      tool: Tool(version: "0", libtorch: "2"),
      machine: Machine(processor: "P", cores: 2, threads: 1, memory: 1_000_000, system: "Linux x86_64"), command: [], network: "n",
      data: nil, seed: 0, dense: artefact, peakMemory: 1)
  }

  private func study() -> StudyResult {
    let axes = [StudyAxis(name: "method", values: ["a", "b"]), StudyAxis(name: "seed", values: ["0", "1"])]
    let runs = [("a", "0", row(80, bytes: 1000)), ("a", "1", row(84, bytes: 1200)), ("b", "0", row(50, bytes: 900)), ("b", "1", nil)]
    return StudyResult(
      name: "s", axes: axes,
      runs: runs.enumerated().map { index, run in
        StudyRunResult(
          key: "\(index)", place: ["method": run.0, "seed": run.1], state: run.2 == nil ? .waiting : .finished, command: [], row: run.2)
      },
      claims: [
        ClaimResult(
          id: "A", statement: "a beats b", source: "X", measure: "m", unit: "points", threshold: 0.01, mean: 0.3, lower: 0.2, upper: 0.4,
          count: 2, verdict: .holds, setting: "smaller", evidence: "e")
      ], recipe: "")
  }

  /// 80 and 84 of 100: mean 82, half of the interval t(0.975; 1)·2.828/√2 = 25.41; what is alike has none, and so has a single run.
  @Test func theTableHasMeansWithIntervals() {
    #expect(
      study().text == """
        s: 4 runs: 3 finished, 1 waiting

        method  n    test accuracy  sparsity  effective macs         file bytes
        a       2  82.00 ± 25.41 %   75.00 %              25  1.10 kB ± 1.27 kB
        b       1          50.00 %   75.00 %              25              900 B

        claim                       measured        asked  n  verdict  statement
        A      30.00 (20.00 to 40.00) points  1.00 points  2  holds    a beats b (smaller)

        """)
    #expect(study().groups.map(\.runs) == [2, 2])
  }

  @Test func quantitiesAreReadOffRows() throws {
    let row = row(80, bytes: 1000)
    func value(_ name: String) throws -> Double? { try #require(RowQuantity.named(name)).value(row) }
    #expect(try value("test-accuracy") == 0.8 && value("file-bytes") == 1000 && value("sparsity") == 0.75 && value("latency-1") == nil)
    #expect(Set(RowQuantity.all.map(\.name)).count == RowQuantity.all.count && RowQuantity.named("x") == nil)
  }

  /// The first evaluation that is good enough, whatever comes after it; none, and there is no number.
  @Test func stepsToATargetAreThoseOfTheFirstEvaluationThatReachesIt() throws {
    var row = row(80, bytes: 1000)
    func value(_ name: String) throws -> Double? { try #require(RowQuantity.named(name)).value(row) }
    #expect(try value("steps-to@0.5") == nil)
    row.evaluations = [(100, 1, 0.6), (200, 2, 0.9), (300, 3, 0.85), (400, nil, 0.95)].map {
      EvaluationPoint(training: 0, step: $0.0, epoch: $0.1, accuracy: $0.2, loss: 1)
    }
    #expect(try ["0.6", "0.61", "0.9", "0.90", "0.95", "1"].map { try value("steps-to@\($0)") } == [100, 200, 200, 200, 400, nil])
    #expect(try value("epochs-to@0.85") == 2 && value("epochs-to@0.95") == nil)
    let quantity = try #require(RowQuantity.named("steps-to@0.95"))
    #expect(quantity.words == "training steps to a validation accuracy of 0.95" && quantity.unit == "steps")
    for name in [
      "steps-to", "steps-to@", "steps-to@x", "steps-to@0", "steps-to@1.01", "steps-to@-0.5", "steps-to@nan", "steps-to@0.9@0.9", "step@0.9",
    ] {
      #expect(RowQuantity.named(name) == nil, "\(name)")
    }
    #expect(quantity != RowQuantity.named("steps-to@0.9"))
  }

  /// 50 examples with 3·2 operations for each of 70 and of 100 MACs.
  @Test func workIsCountedInFloatingPointOperations() throws {
    var row = row(80, bytes: 1000)
    #expect(RowQuantity.named("training-flops")?.value(row) == nil && RowQuantity.named("dense-training-flops")?.value(row) == nil)
    row.work = TrainingWork(examples: 50, trainingMACs: 50 * 70)
    #expect(RowQuantity.named("training-flops")?.value(row) == 21_000 && RowQuantity.named("dense-training-flops")?.value(row) == 30_000)
    let steps = try #require(RowQuantity.named("training-flops"))
    #expect(study().table(showing: [steps]) == study().table(showing: []))
  }
}
