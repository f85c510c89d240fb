import Datasets
import Experiments
import Files
import Foundation
import Networks
import Pruning
import Results
import TestSupport
import Testing
import Torch
import Training

/// Trainings with probes on the embedded digits.
@Suite(.serialized) struct ProbeStudyTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func study(fraction: Double = 0.5) throws -> ProbeStudy {
    try ProbeStudy(
      network: "mlp:64-12-10", data: DataPlan(dataset: "digits", subset: 200, validation: 0),
      training: TrainingPlan(
        length: .iterations(9), batchSize: 20, optimizer: .sgd(momentum: 0.9), learningRate: .init(base: 0.1), evaluateEvery: .epochs(1)),
      probes: MeanPlace.allCases.map { place in
        try PenaltyProbe(amounts: [.fraction(fraction)], replacement: MeanReplacement(place: place), examples: 100)
      },
      every: .iterations(3), atStart: true)
  }

  private func contents(_ folder: String) throws -> [String: String] {
    var result: [String: String] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      result[name] = try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
    }
    return result
  }

  /// A seed has its own validation part, initial weights and examples: the loss before any step tells.
  @Test(arguments: [UInt64(0), 5]) func eachSeedHasItsOwnSplit(seed: UInt64) throws {
    var study = try study()
    study.data.validation = 300
    study.training.length = .iterations(3)
    let rows = try study.run(seed: seed).rows
    let source = DataPlan(dataset: "digits", subset: 200, validation: 300, seed: seed)
    let data = try source.load()
    let initial = try Model(
      Architecture.parse("mlp:64-12-10"), seed: SeedPurpose.initialization.seed(from: seed))
    let examples = try data.examples(100, seed: seed, channelsLast: false)
    #expect(abs(try #require(rows.first { $0.step == 0 }).lossBefore - initial.evaluate(examples).loss) < 1e-6)
    // After three steps of its own order.
    var plan = study.training
    plan.seed = seed
    let trainer = try Trainer(plan, model: initial, data: data)
    try trainer.run()
    #expect(abs(try #require(rows.first { $0.step == 3 }).lossBefore - trainer.model.evaluate(examples).loss) < 1e-6)
  }

  @Test func aFolderIsOneStudysAtATime() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/a"
      let claim = try FolderClaim(path)
      #expect(throws: FolderInUse(folder: path, process: getpid())) { try study().run(seeds: [1], into: path) }
      let names = try contents(path).keys.sorted()
      withExtendedLifetime(claim) { #expect(names == [".espalier-lock"]) }
    }
  }

  /// `sha256sum -c` reads them, too.
  @Test func whatWasChangedIsTold() throws {
    try withTemporaryDirectory { folder in
      try study().run(seeds: [1], into: folder)
      let whole = try contents(folder)
      #expect(try ProbeStudy.analysis(of: [folder]).rows == 96)
      #expect(whole["seed-1.sha256"]?.split(separator: "\n").map { $0.dropFirst(64) } == ["  seed-1.units.jsonl", "  seed-1.csv"])
      for (name, words) in [
        ("seed-1.csv", "has changed since it was written: its checksum differs from the one in the .sha256 file beside it"),
        ("seed-1.units.jsonl", "has changed since it was written: its checksum differs from the one in the .sha256 file beside it"),
      ] {
        let text = try #require(whole[name])
        try (text.dropLast(2) + "1\n").write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
        #expect(throws: RecordError("\(folder)/\(name) \(words)")) { try ProbeStudy.analysis(of: [folder]) }
        try text.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
      }
      for list in ["seed-1.csv\n", "\(String(repeating: "0", count: 64))  seed-2.csv\n"] {
        try list.write(toFile: folder + "/seed-1.sha256", atomically: false, encoding: .utf8)
        #expect(throws: RecordError.self) { try ProbeStudy.analysis(of: [folder]) }
      }
      try (whole["study.json"] ?? "").replacingOccurrences(of: "0.5", with: "0.4").write(
        toFile: folder + "/study.json", atomically: false, encoding: .utf8)
      #expect(throws: RecordError("\(folder)/study.json has changed since it was written: its checksum does not match")) {
        try study().run(seeds: [2], into: folder)
      }
    }
  }

  private func lines(_ files: [String: String], _ name: String) -> Int { files[name]?.split(separator: "\n").count ?? 0 }

  @Test func aStudyThatIsBrokenOffEndsWithTheSameFiles() throws {
    try withTemporaryDirectory { folder in
      try study().run(seeds: [4, 5], into: folder + "/a")
      let whole = try contents(folder + "/a")
      #expect(
        whole.keys.sorted() == [
          "seed-4.csv", "seed-4.sha256", "seed-4.units.jsonl", "seed-5.csv", "seed-5.sha256", "seed-5.units.jsonl", "study.json",
        ])
      // A header; probes at 0, 3, 6 and 9, twelve variants each, at two places; six choices each.
      #expect(lines(whole, "seed-4.csv") == 97)
      #expect(lines(whole, "seed-4.units.jsonl") == 48)
      #expect(whole["seed-4.csv"] != whole["seed-5.csv"])
      var steps = 0
      let stopping = ProbeStudy.Options(interrupted: {
        steps += 1
        return steps == 4 || steps == 12
      })
      for _ in 0..<2 { #expect(throws: TrainingError.self) { try study().run(seeds: [4, 5], into: folder + "/b", options: stopping) } }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/b").contains("seed-5.checkpoint"))
      var notes: [String] = []
      try study().run(seeds: [4, 5], into: folder + "/b", options: .init(note: { notes.append($0) }))
      #expect(notes.first == "seed 4: \(folder)/b/seed-4.csv is already there")
      #expect(try contents(folder + "/b") == whole)
    }
  }

  @Test func aFolderCanBeAnalysedAgain() throws {
    try withTemporaryDirectory { folder in
      try study().run(seeds: [1], into: folder)
      try study().run(seeds: [1, 2], into: folder)
      let analysis = try ProbeStudy.analysis(of: [folder], lateStart: 6)
      #expect(analysis.rows == 192 && analysis.totalSteps == 9 && analysis.seeds == [1, 2])
      #expect(analysis.curves.allSatisfy { $0.points.allSatisfy { $0.count == 2 && $0.interval?.level == 0.8 } })
      #expect(analysis.parts.map(\.meanAt) == ["consumer", "output"])
      #expect(analysis.chosen.count == 6 * 2 && analysis.chosen.allSatisfy { $0.points.count == 4 })
      #expect(analysis.chosenLate.allSatisfy { $0.points.map(\.step) == [6, 9] })
      #expect(analysis.overlaps.count == 15)
      // Nothing pools or flattens in a perceptron: both places are the same value.
      #expect(analysis.parts[0].profile == analysis.parts[1].profile)
      for seed in [1, 2] { try FileManager.default.removeItem(atPath: "\(folder)/seed-\(seed).units.jsonl") }
      #expect(try ProbeStudy.analysis(of: [folder]).chosen.isEmpty)
    }
  }

  /// Rows of another seed that were changed, and a folder where a checkpoint is to be.
  @Test func whatLiesThereIsLookedAtBeforeAnyWork() throws {
    try withTemporaryDirectory { folder in
      let (files, a, b) = (FileManager.default, folder + "/a", folder + "/b")
      try study().run(seeds: [1], into: a)
      try "no\n".write(toFile: a + "/seed-1.csv", atomically: true, encoding: .utf8)
      let words = "has changed since it was written: its checksum differs from the one in the .sha256 file beside it"
      #expect(throws: RecordError("\(a)/seed-1.csv \(words)")) {
        try study().run(seeds: [2], into: a)
      }
      #expect(!files.fileExists(atPath: a + "/seed-2.csv"))
      try files.createDirectory(atPath: b + "/seed-3.checkpoint", withIntermediateDirectories: true)
      let other = #expect(throws: (any Error).self) { try study().run(seeds: [1, 3], into: b) }
      #expect(other.map { "\($0)" } == "cannot read \(b)/seed-3.checkpoint: it is a folder")
      #expect(try files.contentsOfDirectory(atPath: b) == ["seed-3.checkpoint"])
    }
  }

  @Test func withoutItsStudyAFolderIsNobodys() throws {
    try withTemporaryDirectory { folder in
      let (files, a) = (FileManager.default, folder + "/a")
      try study().run(seeds: [1], into: a)
      for text in ["", "{\"my\" : \"plan\"}"] {
        try text.write(toFile: a + "/study.json", atomically: false, encoding: .utf8)
        #expect(throws: RecordError("\(a)/study.json is not the record of a probe study")) { try study().run(seeds: [1], into: a) }
      }
      try files.removeItem(atPath: a + "/study.json")
      for first in ["seed-1.csv", "seed-1.sha256", "seed-1.units.jsonl"] {
        #expect(throws: RecordError("\(a) holds \(first), but no study.json: put it back, or give another folder")) {
          try study().run(seeds: [1], into: a)
        }
        try files.removeItem(atPath: a + "/" + first)
      }
      try study().run(seeds: [1], into: a)
      // A table under another seed's name.
      try files.copyItem(atPath: a + "/seed-1.csv", toPath: a + "/seed-7.csv")
      #expect(throws: RecordError("\(a)/seed-7.csv holds rows of seed 1")) { try ProbeStudy.analysis(of: [a]) }
    }
  }

  @Test func wordsForFoldersThatDoNotFit() throws {
    try withTemporaryDirectory { folder in
      try study().run(seeds: [1], into: folder + "/a")
      let other = #expect(throws: PlanError.self) { try study(fraction: 0.25).run(seeds: [2], into: folder + "/a") }
      #expect(other?.description == "\(folder)/a belongs to a study with other options; repeat those, or give another folder")
      let missing = #expect(throws: MissingFolder.self) { try ProbeStudy.analysis(of: [folder + "/b"]) }
      #expect(missing?.description == "there is no folder \(folder)/b")
      let empty = #expect(throws: PlanError.self) { try ProbeStudy.analysis(of: [folder]) }
      #expect(empty?.description == "\(folder) holds no finished seed: no file like seed-0.csv")
      try "no\n".write(toFile: folder + "/a/seed-1.units.jsonl", atomically: true, encoding: .utf8)
      let changed =
        "\(folder)/a/seed-1.units.jsonl has changed since it was written: its checksum differs from the one in the .sha256 file beside it"
      #expect(throws: RecordError(changed)) { try ProbeStudy.analysis(of: [folder + "/a"]) }
      // A table without checksums may be anybody's.
      try FileManager.default.removeItem(atPath: folder + "/a/seed-1.sha256")
      let damaged = #expect(throws: PenaltyTableError.self) { try ProbeStudy.analysis(of: [folder + "/a"]) }
      #expect(damaged?.description == "\(folder)/a/seed-1.units.jsonl:1: is not a choice of units")
    }
  }

  @Test(arguments: [
    (4, true, "there is no probe at step 4 to retrain at: probes are every 3it of 9 steps"),
    (12, true, "there is no probe at step 12 to retrain at: probes are every 3it of 9 steps"),
    (0, false, "there is no probe at step 0 to retrain at: probes are every 3it of 9 steps, and not before the first one"),
  ])
  func stepsOfRetrainingWithoutAProbe(step: Int, atStart: Bool, words: String) throws {
    var study = try study()
    study.atStart = atStart
    study.probes[0].retraining = .init(steps: [1], at: [step])
    let error = #expect(throws: PlanError.self) { try study.run(seed: 1) }
    #expect(error?.description == words)
    study.probes[0].retraining = .init(steps: [1], at: [9])
    #expect(Set(try study.run(seed: 1).rows.filter { $0.retrainSteps > 0 }.map(\.step)) == [9])
  }
}
