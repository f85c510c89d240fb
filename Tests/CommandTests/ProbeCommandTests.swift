import Foundation
import Results
import TestSupport
import Testing

@Suite struct ProbeCommandTests {
  @Test func aModelAndATraining() throws {
    try withTemporaryDirectory { folder in
      let trained = try espalier(
        "probe", "--network", "mlp:64-12-10", "--dataset", "digits", "--steps", "4it", "--every", "2it", "--fractions", "0.5", "--counts",
        "1",
        "--retrain", "1", "--retrain-at", "4it", "--threads", "1", "--output", folder + "/study", "--quiet")
      #expect(trained.status == 0 && trained.errors == "", "\(trained.errors)")
      #expect(trained.output.hasPrefix("72 penalties of 1 seed; intervals of 80 % over seeds\n"), "\(trained.output)")
      let again = try espalier("probe", "--analyse", folder + "/study")
      #expect(again.output == trained.output)

      let dense = folder + "/dense.safetensors"
      _ = try espalier("train", "--network", "mlp:64-12-10", "--dataset", "digits", "--epochs", "1", "--threads", "1", "-o", dense)
      let rows = folder + "/rows.csv"
      let looked = try espalier("probe", dense, "--fractions", "0.5", "--mean-at", "output", "--test-loss", "--rows", rows)
      #expect(looked.status == 0 && looked.output.hasPrefix("loss of the whole model: "), "\(looked.errors)")
      #expect(looked.output.contains("on test images"))
      #expect(try String(contentsOfFile: rows, encoding: .utf8).split(separator: "\n").count == 13)
      let json = try espalier("probe", dense, "--counts", "1", "--json")
      struct Row: Decodable { var scorer: String }
      #expect(try JSONDecoder().decode([Row].self, from: Data(json.output.utf8)).count == 12)
    }
  }

  @Test(arguments: [
    (["probe"], 64, "espalier: give a model file, --network, or --analyse with a folder; see \"espalier probe --help\""),
    (
      ["probe", "a", "--network", "b"], 64,
      "espalier: give a model file, --network, or --analyse with a folder; see \"espalier probe --help\""
    ),
    (
      ["probe", "--network", "small-conv", "--dataset", "digits"], 64,
      "espalier: a training with probes needs --output with a folder for its rows; see \"espalier probe --help\""
    ),
    (
      ["probe", "a", "--retrain", "10"], 64,
      "espalier: --retrain needs a training: give --network without --weights; see \"espalier probe --help\""
    ),
    (
      ["probe", "a", "--device", "cuda"], 64,
      "espalier: --device cuda does not go with probes, which run on the CPU; see \"espalier probe --help\""
    ),
    (["probe", "a", "--weights", "b"], 64, "espalier: --weights needs --network; see \"espalier probe --help\""),
    (
      ["probe", "a", "--mean-at", "behind"], 64, "espalier: unknown --mean-at \"behind\": choose consumer, output, or consumer,output"
    ),
    (
      ["probe", "a", "--fractions", "1.5"], 64,
      "espalier: --fractions 1.5 is not a fraction: give a number from 0 up to, but not including, 1"
    ),
    (
      ["probe", "a", "--counts", "0"], 64, "espalier: --counts \"0\" is not a number: give whole numbers from 1, e.g. --counts 10,100"
    ),
    (["probe", "a", "--scorers", "l2,taylro"], 64, "espalier: unknown criterion \"taylro\": did you mean taylor?"),
    (
      ["probe", "a", "--retrain-at", "5it"], 64,
      "espalier: --retrain-at, --retrain-scorers and --retrain-fractions need --retrain with a number of steps, e.g. --retrain 10,100"
    ),
    (
      ["probe", "a", "--report", "row.json"], 64,
      "espalier: --report is for a training with probes: give --network without --weights; see \"espalier probe --help\""
    ),
    (
      ["probe", "--network", "lenet-5", "--output", "x", "--seeds", "2", "--report", "row.json"], 64,
      "espalier: --report is for one training: leave --seeds out; see \"espalier probe --help\""
    ),
    (["probe", "--analyse", "/nowhere"], 66, "espalier: there is no folder /nowhere"),
  ])
  func wordsForWrongUse(arguments: [String], status: Int, words: String) throws {
    let outcome = try espalier(arguments)
    #expect(outcome.status == Int32(status) && outcome.errors == words + "\n", "\(outcome.errors)")
  }

  @Test func aFolderCountsOnce() throws {
    try withTemporaryDirectory { folder in
      try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: ".")
      let outcome = try espalier("probe", "--analyse", folder, "--analyse", folder + "/link")
      #expect(outcome.status == 64)
      #expect(
        outcome.errors
          == "espalier: --analyse \(folder)/link is given twice: its rows would count twice\n",
        "\(outcome.errors)")
    }
  }

  @Test func seedsEnd() throws {
    let outcome = try espalier(
      "probe", "--network", "mlp:64-12-10", "--dataset", "digits", "--seeds=2", "--seed=\(UInt64.max)", "--output", "study")
    #expect(
      outcome.errors == "espalier: --seeds 2 from --seed \(UInt64.max) on are too many: the last possible seed is \(UInt64.max)\n",
      "\(outcome.errors)")
  }

  /// The row of a training is that of the same training without probes, and has what the probes say.
  @Test func theRowOfATraining() throws {
    try withTemporaryDirectory { folder in
      let given = ["--network", "mlp:64-12-10", "--dataset", "digits", "--threads", "1", "--quiet", "--seed", "3"]
      let probe =
        ["probe"] + given + ["--steps", "40it", "--every", "10it", "--output", folder + "/study", "--report", folder + "/row.json"]
      let outcome = try espalier(probe)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let plain = try espalier(
        ["train"] + given + [
          "--epochs", "40it", "--batch-size", "64", "--optimizer", "sgd", "--learning-rate", "0.01", "--momentum", "0.9", "--validation",
          "0", "--report", folder + "/plain.json", "-o", folder + "/plain.safetensors",
        ])
      #expect(plain.status == 0, "\(plain.errors)")
      func row(_ name: String) throws -> RunRecord { try RunRecord(json: Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name).json"))) }
      let (probed, trained) = (try row("row"), try row("plain"))
      #expect(probed.dense.accuracyAtEnd == trained.dense.accuracyAtEnd && trained.dense.accuracyAtEnd != nil)
      #expect(probed.data == trained.data && probed.steps == 40 && probed.seed == 3 && probed.network == "mlp:64-12-10")
      #expect(probed.dense.parameters == trained.dense.parameters && probed.command.contains("probe"))
      let table = try String(contentsOfFile: folder + "/study/seed-3.csv", encoding: .utf8)
      let rows = try PenaltyTable.rows(in: table, place: "seed-3.csv")
      let scorer = try #require(probed.penalties?.scorers.first { $0.name == "abs-mrs" })
      // Probes at 30 and 40 of 40 steps lie in the last third, with three fractions each.
      #expect(scorer.points == 6 && rows.count == 4 * 3 * 6 * 2)
      let last = rows.filter { $0.scorer == "abs-mrs" && $0.step >= 30 }.sorted { $0.setting < $1.setting }
      let changes = last.filter(\.propagated).compactMap { with in
        last.first { !$0.propagated && $0.setting == with.setting }.map { with.penalty - $0.penalty }
      }
      #expect(changes.count == 6 && scorer.change == Statistics.median(changes))
      let again = try espalier(probe)
      #expect(again.status == 0)
      try FileManager.default.removeItem(atPath: folder + "/row.json")
      let late = try espalier(probe)
      #expect(
        late.status == 64
          && late.errors
            == "espalier: seed 3 is finished in \(folder)/study, and --report is written when a training ends: give another --output\n",
        "\(late.errors)")
    }
  }
}
