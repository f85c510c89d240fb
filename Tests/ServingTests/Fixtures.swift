import Foundation
import Results
import TestSupport

@testable import Studies

/// A study of an own store: three seeds, of which none has run.
struct ServedStudy {
  let directory: TemporaryDirectory
  let folder: StudyFolder
  let runs: [PlannedRun]

  init(seeds: Int = 3, name: String = "served") throws {
    directory = try TemporaryDirectory()
    let recipe = Recipe(
      name: name, about: "Why?", axes: [.init("seed", values: (0..<seeds).map(String.init))], file: "r.yaml", text: "study: \(name)")
    folder = StudyFolder(recipe, in: directory.path)
    runs = (0..<seeds).map { seed in
      let identity = PlannedRun.Identity(tool: "t", settings: "\(seed)", data: nil, from: nil)
      return PlannedRun(
        key: identity.key, identity: identity, places: [["seed": "\(seed)"]], arguments: ["prune", "--seed", "\(seed)"], from: nil,
        artefact: "model")
    }
    var plan = try StudyPlan(Recipe(name: name, axes: []), in: folder.store, tool: "t") { _ in
      ResolvedRun(settings: "", data: nil, artefact: "")
    }
    plan.runs = runs
    try folder.begin(recipe, plan, replaces: false)
  }

  /// Ends a run with this many test images of 100 correct.
  func finish(_ seed: Int, correct: Int) throws {
    let run = runs[seed]
    let claim = try folder.store.begin(run)
    defer { withExtendedLifetime(claim) {} }
    try Data("model".utf8).write(to: URL(fileURLWithPath: folder.store.path("model", of: run.key)))
    try Data(row(correct: correct, seed: UInt64(seed)).json().utf8).write(
      to: URL(fileURLWithPath: folder.store.path("row.json", of: run.key)))
    try folder.store.finish(run)
  }

  /// Begins a run, and ends it with an error.
  func fail(_ seed: Int, _ words: String) throws {
    let claim = try folder.store.begin(runs[seed])
    try folder.store.fail(runs[seed].key, words)
    withExtendedLifetime(claim) {}
  }

  private func row(correct: Int, seed: UInt64) -> RunRecord {
    func artefact(_ correct: Int, _ kept: Int) -> Artefact {
      Artefact(
        accuracyAtEnd: Accuracy(correct: correct, count: 100, loss: 0.5), parameters: 110, prunableWeights: 100, nonZeroWeights: kept,
        widths: [], tensorBytes: 440, macs: 100, effectiveMACs: kept)
    }
    return RunRecord(
      tool: Tool(version: "0", libtorch: "2"),
      machine: Machine(processor: "P", cores: 2, threads: 1, memory: 1_000_000, system: "Linux x86_64"), command: ["espalier", "prune"],
      network: "mlp", data: nil, seed: seed, method: "m", dense: artefact(90, 100), pruned: artefact(correct, 50),
      layers: [LayerSurvivors(layer: "fc1", kept: 50, of: 100)],
      evaluations: (1...4).map { EvaluationPoint(training: 0, step: $0 * 10, accuracy: Double(correct - 8 + 2 * $0) / 100, loss: 0.5) },
      trainingSeconds: 1.5, steps: 40, peakMemory: 1000)
  }
}
