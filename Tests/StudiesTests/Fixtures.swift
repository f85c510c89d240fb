import Results

/// A row with a number of correct test images out of 100.
func row(correct: Int, steps: Int = 10, seed: UInt64 = 0, kept: Int = 50) -> RunRecord {
  func artefact(_ correct: Int, _ kept: Int) -> Artefact {
    Artefact(
      accuracyAtEnd: Accuracy(correct: correct, count: 100, loss: 0.5), parameters: 110, prunableWeights: 100, nonZeroWeights: kept,
      widths: [], tensorBytes: 440, macs: 100, effectiveMACs: kept)
  }
  return RunRecord(
    tool: Tool(version: "0", libtorch: "2"),
    machine: Machine(processor: "P", cores: 2, threads: 1, memory: 1_000_000, system: "Linux x86_64"), command: ["espalier", "prune"],
    network: "mlp", data: nil, seed: seed, method: "m", dense: artefact(90, 100), pruned: artefact(correct, kept),
    evaluations: [
      EvaluationPoint(training: 0, step: 5, epoch: 0.5, accuracy: 0.7, loss: 0.9),
      EvaluationPoint(training: 0, step: steps, accuracy: 0.8, loss: 0.6),
    ],
    trainingSeconds: 1.5, steps: steps, peakMemory: 1000)
}

/// Two methods and three seeds: snip 80, 82, 84, random 70, 75, 71 of 100; the last random run failed in `failing`.
func study(failing: Bool = false) -> StudyResult {
  let correct = ["snip": [80, 82, 84], "random": [70, 75, 71]]
  var runs: [StudyRunResult] = []
  for method in ["snip", "random"] {
    for seed in 0..<3 {
      let fails = failing && method == "random" && seed == 2
      runs.append(
        StudyRunResult(
          key: "\(method)\(seed)", place: ["method": method, "seed": "\(seed)"], state: fails ? .failed : .finished,
          failure: fails ? "no luck" : nil, command: ["espalier", "prune"],
          row: fails ? nil : row(correct: correct[method]?[seed] ?? 0, steps: method == "snip" ? 10 : 20, seed: UInt64(seed))))
    }
  }
  return StudyResult(
    name: "s", axes: [StudyAxis(name: "method", values: ["snip", "random"]), StudyAxis(name: "seed", values: ["0", "1", "2"])], runs: runs,
    recipe: "study: s")
}
