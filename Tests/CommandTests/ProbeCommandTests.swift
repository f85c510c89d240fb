import Foundation
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
}
