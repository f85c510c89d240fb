import Results

/// Studies to report on: numbers that could be real, made of tables that a reader can check by hand.
enum Fixtures {
  static let densities = ["0.2", "0.05", "0.01"]
  private static let fractions = [0.2, 0.05, 0.01]

  /// Test images classified correctly, of 10,000, by method, density and seed; nil for a run without a result.
  static let correct: [(method: String, counts: [[Int?]])] = [
    ("magnitude", [[9822, 9815, 9826], [9771, 9760, 9782], [9312, 9268, 9350]]),
    ("snip", [[9790, 9781, 9799], [9688, 9671, 9700], [9105, 9050, nil]]),
    ("rigl", [[9811, 9806, 9820], [9765, 9758, 9779], [9388, 9356, 9421]]),
    ("unit-taylor", [[9701, 9689, 9715], [9355, 9330, 9401], [nil, 8120, nil]]),
  ]
  static let dense = [9820, 9812, 9828]

  /// Four methods × three densities × three seeds; two runs failed, one waits.
  static var benchmark: StudyResult {
    var runs: [StudyRunResult] = []
    for (method, counts) in correct {
      for (level, density) in densities.enumerated() {
        for seed in 0..<3 {
          let place = ["method": method, "density": density, "seed": String(seed)]
          let command = [
            "espalier", "prune", "--method", method, "--sparsity", "\(100 - Int(fractions[level] * 100))%", "--seed", "\(seed)",
          ]
          let key = "\(method.utf8.count)\(level)\(seed)c0ffee"
          if let right = counts[level][seed] {
            let row = row(method, fractions[level], level, seed, right, command)
            runs.append(StudyRunResult(key: key, place: place, state: .finished, command: command, row: row))
          } else if method == "unit-taylor", seed == 2 {
            runs.append(StudyRunResult(key: key, place: place, state: .waiting, command: command))
          } else {
            let failure =
              method == "snip" ? "loss is not finite at step 412: a smaller --learning-rate may help" : "layer fc2 would keep no unit"
            runs.append(StudyRunResult(key: key, place: place, state: .failed, failure: failure, command: command))
          }
        }
      }
    }
    return StudyResult(
      name: "unified-benchmark", about: "Which method keeps the most accuracy at equal steps, and what its artefact costs.", scale: "small",
      axes: [
        StudyAxis(name: "method", values: correct.map(\.method)), StudyAxis(name: "density", values: densities),
        StudyAxis(name: "seed", values: ["0", "1", "2"]),
      ],
      runs: runs, claims: claims,
      recipe:
        "# Every method at equal steps.\nname: unified-benchmark\nmethods: [magnitude, snip, rigl, unit-taylor]\n"
        + "densities: [0.2, 0.05, 0.01]\n"
    )
  }

  static let claims = [
    ClaimResult(
      id: "RG-1", statement: "RigL is at least as accurate as magnitude pruning at 1 % of the weights", source: "Evci et al. 2020",
      measure: "test accuracy, rigl − magnitude, at density 0.01", unit: "points", threshold: 0, mean: 0.007833, lower: 0.005667,
      upper: 0.01,
      count: 3, verdict: .holds, setting: "LeNet-300-100 on MNIST instead of ResNet-50 on ImageNet", evidence: "unified-benchmark"),
    ClaimResult(
      id: "SN-2", statement: "SNIP matches pruning after training", source: "Lee et al. 2019",
      measure: "test accuracy, snip − magnitude, at density 0.05", unit: "points", threshold: -0.001, mean: -0.008467, lower: -0.00909,
      upper: -0.00784, count: 3, verdict: .fails, evidence: "unified-benchmark"),
    ClaimResult(
      id: "LT-8", statement: "Tickets train faster", source: "Frankle & Carbin 2019", measure: "steps to 97 %, ticket / dense",
      unit: "ratio",
      threshold: 1, mean: 0.91, lower: 0.78, upper: 1.04, count: 3, verdict: .undecided, evidence: "unified-benchmark"),
    ClaimResult(
      id: "IM-1", statement: "Iterative pruning wins on ImageNet", source: "Renda et al. 2020", measure: "top-1 accuracy", unit: "points",
      verdict: .untested, setting: "needs the paper's scale", evidence: "unified-benchmark"),
  ]

  private static let shape = [("fc1", 235_200), ("fc2", 30_000), ("fc3", 1_000)]

  private static func latency(_ batch: Int, _ microseconds: Double, _ seed: Int) -> [BatchLatency] {
    let samples = (0..<9).map { (microseconds + Double($0) * 0.05 + Double(seed) * 0.2) * 1e-6 }
    return Measurement(samples, unit: .seconds).map { [BatchLatency(batch: batch, time: $0)] } ?? []
  }

  private static func row(
    _ method: String, _ density: Double, _ level: Int, _ seed: Int, _ right: Int, _ command: [String]
  ) -> RunRecord {
    let isUnits = method == "unit-taylor"
    let kept = shape.enumerated().map { index, layer in
      let share = [[1, 1, 1], [0.7, 2.4, 6], [0.9, 1.5, 4], [1, 1, 1]][
        correct.firstIndex { $0.method == method } ?? 0]
      return LayerSurvivors(layer: layer.0, kept: min(Int(Double(layer.1) * density * share[index]) + seed * 7, layer.1), of: layer.1)
    }
    let left = kept.reduce(0) { $0 + $1.kept }
    let small = isUnits ? left : 266_200
    let dense = artefact(dense[seed], weights: 266_200, nonZero: 266_200, time: 41, seed)
    let pruned = artefact(right, weights: small, nonZero: left, time: isUnits ? 12 + density * 100 : 40.9, seed)
    var row = RunRecord(
      tool: Tool(version: "0.1.0", libtorch: "2.11.0"),
      machine: Machine(processor: "AMD EPYC 7763", cores: 64, threads: 1, memory: 137_438_953_472, system: "Linux x86_64"),
      command: command, network: "lenet-300-100",
      data: DataSummary(name: "mnist", training: 55_000, validation: 5_000, test: 10_000), seed: UInt64(seed),
      method: "\(method): weights, \(density) left", dense: dense, pruned: pruned,
      weights: Removal(asked: 1 - density, removed: 266_200 - left, of: 266_200), layers: kept,
      proof: isUnits ? Proof(surgeries: 1, largestRelativeDifference: 6.9e-8) : nil,
      evaluations: curve(method, right, seed), trainingSeconds: (method == "rigl" ? 61 : 48) + Double(seed) + density * 10,
      steps: method == "rigl" ? 12_000 : 10_000, peakMemory: 412_000_000 + seed * 1_000_000)
    if isUnits { row.units = Removal(asked: nil, removed: 200, of: 400) }
    return row
  }

  private static func artefact(_ right: Int, weights: Int, nonZero: Int, time microseconds: Double, _ seed: Int) -> Artefact {
    Artefact(
      accuracyAtEnd: Accuracy(correct: right, count: 10_000, loss: 0.08, iteration: 10_000),
      accuracyChosen: Accuracy(correct: right + 3, count: 10_000, loss: 0.07, iteration: 8_000),
      parameters: weights + 410, prunableWeights: weights, nonZeroWeights: nonZero,
      widths: [LayerWidth(layer: "fc1", units: 300), LayerWidth(layer: "fc2", units: 100), LayerWidth(layer: "fc3", units: 10)],
      tensorBytes: weights * 4 + 1640, fileBytes: weights * 4 + 4000, macs: weights, effectiveMACs: nonZero,
      latency: latency(1, microseconds, seed) + latency(64, microseconds * 12, seed))
  }

  /// Accuracy rises to its end, falls at the removal half-way, and comes back.
  private static func curve(_ method: String, _ right: Int, _ seed: Int) -> [EvaluationPoint] {
    (1...12).map { point in
      let end = Double(right) / 10_000 - 0.002
      let gap =
        (point <= 6 ? 0.5 / Double(point * point) : 0.12 / Double((point - 6) * (point - 6))) + Double((seed * 5 + point) % 4) * 0.002
      return EvaluationPoint(training: method == "rigl" || point <= 6 ? 0 : 1, step: point * 833, accuracy: end - gap, loss: gap)
    }
  }

  /// One network on three data sets after each other, twice.
  static var sequence: StudyResult {
    var study = StudyResult(
      name: "many-data-sets", axes: [StudyAxis(name: "rule", values: ["vote"]), StudyAxis(name: "seed", values: ["0", "1"])], runs: [],
      recipe: "name: many-data-sets\n")
    for seed in 0..<2 {
      var row = row("magnitude", 0.2, 0, seed, 9000 + seed * 100, ["espalier", "prune"])
      let names = ["mnist", "kmnist", "fashion-mnist"]
      func judged(_ counts: [Int?]) -> [Accuracy?] { counts.map { $0.map { Accuracy(correct: $0 + seed * 20, count: 1000, loss: 0.3) } } }
      row.sequence = SequenceSummary(
        words: "three data sets in turn", things: "units",
        datasets: names.map { SequenceDataset(name: $0, classes: 10, training: 5000, validation: 1000, test: 1000) },
        changes: [
          SequenceChange(dataset: 0, pass: 1, step: 100, left: 400, accuracies: judged([950, nil, nil])),
          SequenceChange(dataset: 1, pass: 1, step: 200, left: 400, accuracies: judged([700, 880, nil])),
          SequenceChange(dataset: 2, pass: 1, step: 300, left: 400, accuracies: judged([510, 640, 830])),
          SequenceChange(dataset: nil, pass: 1, step: 300, left: 200, accuracies: judged([480, 600, 810])),
        ], votes: [], headSteps: 0)
      study.runs.append(
        StudyRunResult(
          key: "abc\(seed)", place: ["rule": "vote", "seed": "\(seed)"], state: .finished, command: ["espalier", "prune"], row: row))
    }
    return study
  }
}
