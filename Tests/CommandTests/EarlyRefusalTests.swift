import Foundation
import TestSupport
@testable import espalier
import Testing

/// What cannot be carried out is refused before any work: nothing is left behind, and the words do not depend on what lies there already.
@Suite struct EarlyRefusalTests {
  private static let digits = "--network mlp:64-16-10 --dataset digits --threads 1 --quiet "

  @Test(arguments: [
    ("train", "--report /nonexistent/x.json", 73, "cannot write /nonexistent/x.json: there is no folder /nonexistent"),
    ("train", "--checkpoint /nonexistent/c", 73, "cannot write /nonexistent/c: there is no folder /nonexistent"),
    ("train", "--report FOLDER", 73, "cannot write FOLDER: it is a folder"),
    ("train", "--report FOLDER/out", 73, "cannot write FOLDER/out: --report and --output are the same file"),
    (
      "train", "--report FOLDER/../F/out.checkpoint", 73,
      "cannot write FOLDER/../F/out.checkpoint: --report and the checkpoint are the same file"
    ),
    ("train", "--weights FOLDER/w --checkpoint FOLDER/w", 73, "cannot write FOLDER/w: the checkpoint and --weights are the same file"),
    ("train", "--report LONG", 73, "cannot write LONG: File name too long"),
    ("train", "--checkpoint-every 0it", 64, "--checkpoint-every 0it is impossible: give at least 1ep or 1it"),
    ("train", "--decay exponential --decay-factor nan", 64, "a decay factor of nan is impossible: give a number above 0, up to 1"),
    (
      "train", "--decay multi-step --milestones 1it --decay-factor inf", 64,
      "a decay factor of inf is impossible: give a number above 0, up to 1"
    ),
    ("train", "--l1=-1", 64, "an L1 penalty of -1.0 is impossible: give 0 or a positive number, e.g. 1e-5"),
    ("train", "--slimming 1e-4", 64, "the slimming penalty needs batch norms with a scale: mlp:64-16-10 has none"),
    ("prune", "--sparsity 0.5 --recovery 9e18", 64, "--recovery \"9e18\" is not a length of training: write 40ep or 50000it"),
    (
      "prune", "--sparsity 0.5 --recovery 9000000000000000000it", 64,
      "a training of 9000000000000000000it is too long: 1000000000 steps are possible"
    ),
    ("prune", "--sparsity 0.5 --slimming=-1", 64, "a slimming penalty of -1.0 is impossible: give 0 or a positive number, e.g. 1e-4"),
    ("prune", "--compression 1e17", 64, "--compression 1e17 is impossible: give a number of at least 1, e.g. 10 to leave a tenth"),
    (
      "prune", "--granularity unit --fraction 0.999", 64,
      "the fraction would empty fc1: it asks for 16 of its 16 units, and a layer keeps at least one: ask for less, or leave it alone with "
        + "--ignore fc1"
    ),
    (
      "prune", "--sparsity 0.9 --minimum-layer-density 0.5", 64,
      "cannot remove 1066 of 1184: at least 592 must stay (fc1 512, fc2 80)"
    ),
    (
      "prune", "--sparsity 0.9 --scope layer --minimum-layer-density 0.5", 64,
      "cannot remove 1066 of 1184: at least 592 must stay (fc1 512, fc2 80)"
    ),
    (
      "prune", "--fraction 0.9 --rounds 1 --scope layer --minimum-layer-density 0.5", 64,
      "cannot remove 1066 of 1184: at least 592 must stay (fc1 512, fc2 80)"
    ),
    (
      "prune", "--granularity unit --fraction 0.9 --minimum-layer-density 0.5", 64,
      "cannot remove 14 of 16: at least 8 must stay (fc1 8)"
    ),
    (
      "prune", "--fraction 0.5 --rounds 4 --minimum-layer-density 0.3", 64,
      "cannot remove 1110 of 1184: at least 356 must stay (fc1 308, fc2 48)"
    ),
    ("prune", "--sparsity 0.0001", 64, "--sparsity 0.0001 comes to none of 1184 weights: give at least 0.00043, which takes one"),
    (
      "prune", "--granularity unit --fraction 0.01", 64,
      "--fraction 0.01 comes to none of 16 units: give at least 0.032, which takes one"
    ),
    ("prune", "--granularity unit --fraction 0.5 --repair batch-norm", 64, "--repair batch-norm needs batch norms: mlp:64-16-10 has none"),
    (
      "prune", "--method snip --sparsity 0.5 --batch-norm-mode training", 64,
      "--batch-norm-mode needs batch norms: mlp:64-16-10 has none"
    ),
    ("prune", "--deviations 0.5 --criterion magnitude", 64, "--deviations goes with --criterion threshold, not magnitude"),
    (
      "prune", "--sparsity 0.9 --method rigl --regrowth-interval 10000ep --epochs 8", 64,
      "nothing would ever come back: the first exchange is after step 200000, the last may be after step 120 of 160: give a shorter "
        + "--regrowth-interval, or train longer"
    ),
    (
      "prune", "--sparsity 0.9 --method rigl --drop-fraction 1e-300 --epochs 8", 64,
      "nothing would ever come back: --drop-fraction 1e-300 of the largest layer's 1024 weights is less than one: give a larger fraction"
    ),
    (
      "prune", "--sparsity 0.9 --method double-pruning --reintroduce 0.0004 --epochs 8", 64,
      "nothing would ever come back: --reintroduce 0.0004 of the largest layer's 1024 weights is less than one: give a larger fraction"
    ),
    (
      "prune", "--sparsity 0.9 --method dsd --regrowth-end 1", 64,
      "--regrowth-end 1.0 is impossible: give a share of the steps above 0 and below 1"
    ),
    (
      "prune", "--sparsity 0.9 --method gradual --every 1ep --rewind 2ep", 64,
      "--rewind 2ep is later than the first removal, after step 20: give an earlier step, or a longer --every"
    ),
    (
      "prune", "--method lottery-ticket --rounds 1 --rewind 5it --epochs 5it", 64,
      "--rewind 5it is not before the end of the training, which has 5 steps"
    ),
    (
      "prune", "--method lottery-ticket --rounds 10000 --seeds 100", 64,
      "1000100 trainings are too many: give fewer --rounds, --branches or --seeds"
    ),
    ("prune", "--method lottery-ticket --rounds 10001", 64, "--rounds 10001 is impossible: give 0 to 10000"),
    ("prune", "--method lottery-ticket --report /nonexistent/x", 73, "cannot write /nonexistent/x: there is no folder /nonexistent"),
    ("probe", "--steps 4it --every 0it", 64, "--every 0it is impossible: give at least 1ep or 1it"),
    ("probe", "--steps 4it --every 5it", 64, "--every 5it probes nothing in a training of 4it: the longest that works is --every 4it"),
    (
      "probe", "--steps 4it --every 2it --retrain 1 --retrain-at 3it", 64,
      "there is no probe at step 3 to retrain at: probes are every 2it of 4 steps"
    ),
    (
      "probe", "--steps 4it --every 2it --counts 16", 64,
      "the fraction would empty fc1: it asks for 16 of its 16 units, and a layer keeps at least one: ask for less, or name others with "
        + "--layers"
    ),
    ("probe", "--steps 4it --every 2it --layers lastConv", 64, "--layers \"lastConv\" matches no layer: choose from fc1"),
    (
      "probe", "--steps 4it --every 2it --scorers bn-scale", 64,
      "criterion bn-scale reads the batch norm after a layer, and there is none after fc1: name others with --layers, or choose another "
        + "criterion"
    ),
  ])
  func beforeAnyWork(command: String, options: String, status: Int, words: String) throws {
    try withTemporaryDirectory { place in
      let folder = place + "/F"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      func filled(_ text: String) -> String {
        text.replacing("FOLDER", with: folder).replacing("LONG", with: folder + "/" + String(repeating: "n", count: 300))
      }
      let line = command + " " + Self.digits + options + " -o FOLDER/out" + (command == "probe" ? "" : " --resume")
      let arguments = line.split(separator: " ").map { filled(String($0)) }
      let fresh = try espalier(arguments)
      #expect(
        fresh.errors == Console.line("espalier: \(filled(words))", arguments: arguments) + "\n" && fresh.status == Int32(status),
        "\(fresh.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
      // A folder for what makes one, and whatever may lie there of another run.
      let isFolder = command == "probe" || options.contains("lottery-ticket")
      let old = isFolder ? ["out/plan.json", "out/study.json"] : ["out", "out.checkpoint"]
      if isFolder { try FileManager.default.createDirectory(atPath: folder + "/out", withIntermediateDirectories: true) }
      for name in old { try "old".write(toFile: folder + "/" + name, atomically: true, encoding: .utf8) }
      let again = try espalier(arguments)
      #expect(again.errors == fresh.errors && again.status == fresh.status, "\(again.errors)")
      for name in old { #expect(try String(contentsOfFile: folder + "/" + name, encoding: .utf8) == "old") }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == (isFolder ? 1 : 2))
    }
  }

  @Test(arguments: [
    ("prune --method lottery-ticket -o /dev/null/t", "cannot write to /dev/null/t: /dev/null is not a folder"),
    ("probe --steps 4it --every 2it -o /dev/null/t", "cannot write to /dev/null/t: /dev/null is not a folder"),
    ("probe m.safetensors --rows /nonexistent/r.csv", "cannot write /nonexistent/r.csv: there is no folder /nonexistent"),
  ])
  func foldersThatCannotBe(line: String, words: String) throws {
    let common = line.contains("m.safetensors") ? "" : " " + Self.digits
    let outcome = try espalier((line + common).split(separator: " ").map(String.init))
    #expect(outcome.errors == "espalier: \(words)\n" && outcome.status == 73, "\(outcome.errors)")
  }
}
