import Foundation
import TestSupport
import Testing
import Torch
import Training

/// PyTorch's checkpoints at the command line.
@Suite struct WeightsFileCommandTests {
  private func golden(_ name: String) -> String {
    packageDirectory.appendingPathComponent("Tests/InterchangeTests/Checkpoints/Golden/\(name)").path
  }

  @Test func aCheckpointIsListedAndPruned() throws {
    try withTemporaryDirectory { folder in
      let listed = try CommandTests.espalier(["inspect", golden("pruned.pth")])
      #expect(listed.status == 0 && listed.output.contains(": a PyTorch checkpoint without a network; prune and evaluate accept it with "))
      #expect(listed.output.contains("\nfc1.weight_mask  4×6    float32        24"), "\(listed.output)")
      let (path, output) = (golden("training.ckpt"), folder + "/o.st")
      let pruned = try CommandTests.espalier([
        "prune", "--network", "mlp:6-4-3", "--weights", path, "--fraction", "0.5", "--epochs", "0", "--rounds", "1", "--threads", "1",
        "--no-compact",
        "-o", output,
      ])
      #expect(pruned.status == 0, "\(pruned.errors)")
      #expect(pruned.errors.hasPrefix("\(path): took the weights under \"state_dict\"; there are others under \"state_dict_ema\"\n"))
      let kept = try ModelFile(contentsOf: output).model.masks.values.reduce(0) { try $0 + Int($1.sum().item()) }
      #expect(kept == 18)
    }
  }

  @Test func orderIsOfferedAndTold() throws {
    try withTemporaryDirectory { folder in
      let path = golden("ordered.pth")
      let given = ["prune", "--network", "mlp:6-4-3", "--weights", path, "--fraction", "0.5", "--epochs", "0", "--rounds", "1"]
      let refused = try CommandTests.espalier(given + ["--threads", "1", "-o", folder + "/o.st"])
      #expect(refused.status == 65 && refused.errors.hasSuffix("; in their order all shapes fit: --match order takes them so\n"))
      let matched = try CommandTests.espalier(given + ["--match", "order", "--threads", "1", "-o", folder + "/o.st"])
      #expect(matched.status == 0)
      #expect(
        matched.errors.hasPrefix(
          "\(path): matched by order:\n  0 → fc1: weight [4, 6], bias [4]\n  2 → fc2: weight [3, 4], bias [3]\n"), "\(matched.errors)")
      let recipe = try #require(try ModelFile(contentsOf: folder + "/o.st").recipe)
      #expect(recipe.contains(#""matching":"order""#), "\(recipe)")
    }
  }

  @Test func aModelIsNoCheckpoint() throws {
    let outcome = try CommandTests.espalier(["evaluate", golden("zip.pth"), "--dataset", "digits", "--threads", "1"])
    #expect(outcome.status == 65)
    #expect(
      outcome.errors.hasPrefix(
        "espalier: cannot read \(golden("zip.pth")): not a safetensors file: it is a PyTorch file, whose weights --network NAME --weights "
          + "zip.pth reads; of anything else convert it once: "))
  }
}
