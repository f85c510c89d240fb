import Experiments
import Foundation
import Networks
import Pruning
import TestSupport
import Testing
import Torch
import Training

/// Files of a study that are whole, and lie where others belong.
@Suite(.serialized) struct TicketFilesTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func plan(rounds: Int, rewinding: Rewinding = .initial) -> TicketPlan {
    TicketPlan(
      network: "mlp:64-12-10", data: DataPlan(dataset: "digits", subset: 200, validation: 50),
      training: TrainingPlan(length: .iterations(4), batchSize: 20, learningRate: .init(base: 0.01)), rounds: rounds,
      rates: LayerRates(fraction: 0.2), rewinding: rewinding)
  }

  /// Whole files in the wrong place: of another seed, of another round, of a folder without its plan.
  @Test func filesStayWithTheirRecords() throws {
    try withTemporaryDirectory { folder in
      let (files, study) = (FileManager.default, folder + "/study")
      let plan = self.plan(rounds: 2, rewinding: .step(.iterations(2)))
      try TicketStudy(plan, in: study).run(seeds: [1, 2])
      /// Puts another file in a place, lets the study go on without its last round, and puts everything back.
      func refused(_ place: String, by source: String, _ words: String) throws {
        let kept = folder + "/kept"
        try files.copyItem(atPath: study, toPath: kept)
        for name in ["json", "safetensors"] where !place.hasSuffix("round-02.\(name)") {
          try files.removeItem(atPath: "\(study)/seed-1/trunk/round-02.\(name)")
        }
        try files.removeItem(atPath: study + "/" + place)
        try files.copyItem(atPath: study + "/" + source, toPath: study + "/" + place)
        #expect(throws: RecordError(words), "\(place)") { try TicketStudy(plan, in: study).run(seeds: [1]) }
        #expect(!files.fileExists(atPath: study + "/seed-1/trunk/round-02.safetensors"), "nothing is trained")
        try files.removeItem(atPath: study)
        try files.moveItem(atPath: kept, toPath: study)
      }
      let (first, second) = ("seed-1/trunk/round-01", "seed-2/trunk/round-01")
      try refused(
        "seed-1/initial.safetensors", by: "seed-2/initial.safetensors",
        "\(study)/seed-1 was begun with other weights than \(study)/seed-1/initial.safetensors holds now: put those back, or remove it to "
          + "start anew")
      for (place, source) in [
        (first + ".safetensors", second + ".safetensors"), ("seed-1/rewind.safetensors", "seed-2/rewind.safetensors"),
      ] {
        try refused(
          place, by: source, "\(study)/\(place) has changed since it was written: its checksum differs from the one in its round's record")
      }
      try refused(first + ".json", by: second + ".json", "\(study)/\(first).json is the record of seed 2, \"trunk\", round 1")
      try refused(
        first + ".json", by: "seed-1/trunk/round-00.json", "\(study)/\(first).json is the record of seed 1, \"trunk\", round 0")
      // And without its plan it is nobody's.
      try files.moveItem(atPath: study + "/plan.json", toPath: folder + "/plan.json")
      let error = #expect(throws: RecordError.self) { try TicketStudy(self.plan(rounds: 3), in: study) }
      #expect(error?.description == "\(study) holds rounds of a study, but no plan.json: put it back, or give another folder")
      #expect(!files.fileExists(atPath: study + "/plan.json"))
    }
  }

  /// What other seeds left is looked at, too.
  @Test(arguments: [("surroundings.json", "has changed since it was written"), ("initial.safetensors", "cannot read")])
  func otherSeedsAreLookedAtBeforeAnyWork(name: String, words: String) throws {
    try withTemporaryDirectory { folder in
      try TicketStudy(plan(rounds: 1), in: folder).run(seeds: [1])
      let path = "\(folder)/seed-1/\(name)"
      var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      bytes[name.hasSuffix("json") ? bytes.count - 5 : 0] ^= 4
      try bytes.write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: (any Error).self) { try TicketStudy(plan(rounds: 1), in: folder) }
      #expect(error.map { "\($0)".contains(path) && "\($0)".contains(words) } ?? false, "\(String(describing: error))")
    }
  }
}
