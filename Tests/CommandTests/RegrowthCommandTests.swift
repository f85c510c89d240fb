import Foundation
import TestSupport
import Testing

@Suite struct RegrowthCommandTests {
  @Test(arguments: ["static", "rigl", "set", "double-pruning", "scored-pruning", "splicing", "dsd", "dsd+prune", "gradual"])
  func aMethodIsAllThatOneTypes(method: String) throws {
    try withTemporaryDirectory { folder in
      let outcome = try espalier(
        "prune", "--network", "mlp:64-16-10", "--dataset", "digits", "--method", method, "--sparsity", "0.9", "--epochs", "8", "--threads",
        "1", "--no-compact", "--quiet", "--json", "-o", folder + "/model.safetensors")
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
      let row = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
      // 64·16 + 16·10 = 1184 weights, of which round(1065.6) leave.
      #expect((row["weights"] as? [String: Any])?["removed"] as? Int == (method == "dsd" ? 0 : 1066))
      let regrowth = try #require(row["regrowth"] as? [String: Any])
      #expect(regrowth["kept"] as? Int == (method == "dsd" ? 1184 : 118))
      #expect(regrowth["method"] as? String == (["dsd+prune": "dsd", "gradual": "none"][method] ?? method))
      #expect(row["steps"] as? Int == 8 * 20, "steps on the pruned part count")
      #expect((row["method"] as? String)?.hasPrefix("\(method): weights by ") == true)
      if method == "dsd+prune" { #expect(regrowth["stepsAtDensity"] as? Int == 0) }
    }
  }

  @Test(arguments: [
    (["--method", "rigl", "--enter", "zero"], "--enter goes with --method double-pruning, not rigl"),
    (["--drop-fraction", "0.5"], "--drop-fraction goes with --method rigl, set or scored-pruning"),
    (["--method", "rigl", "--rounds", "3"], "--method rigl is one training without rounds: --rounds and --recovery do not go with it"),
    (
      ["--method", "splicing", "--recovery", "3ep"],
      "--method splicing is one training without rounds: --rounds and --recovery do not go with it"
    ),
    (
      ["--method", "rigl", "--granularity", "unit", "--criterion", "l2", "--scope", "layer"],
      "--method rigl lets single weights come back: it does not go with --granularity unit"
    ),
    (
      ["--method", "double-pruning", "--regrowth-interval", "50it"],
      "--regrowth-interval goes with --method rigl, set, scored-pruning or splicing, not double-pruning"
    ),
    (
      ["--method", "rigl", "--regrowth-interval", "soon"], "--regrowth-interval \"soon\" is not a length of training: write 40ep or 50000it"
    ),
    (["--method", "gradual", "--at-start"], "--method gradual removes during training: --at-start does not go with it"),
    (
      ["--method", "dsd", "--at-start", "--rewind", "init"],
      "--rewind goes with --method lottery-ticket, gradual, double-pruning or scored-pruning, not dsd"
    ),
    (["--method", "dsd", "--at-start"], "--method dsd removes during training: --at-start does not go with it"),
    (["--method", "riggl"], "unknown method \"riggl\": did you mean rigl?"),
  ])
  func mistakesGetOneLine(arguments: [String], words: String) throws {
    let outcome = try espalier(["prune", "--network", "lenet-5", "--sparsity", "0.5"] + arguments)
    #expect(outcome.errors == "espalier: \(words)\n")
    #expect(outcome.status == 64)
  }

  @Test(arguments: [
    (
      ["rigl", "--epochs", "6"],
      "nothing would ever come back: the first exchange is after step 100, the last may be after step 90 of 120: "
        + "give a shorter --regrowth-interval, or train longer"
    ),
    (
      ["double-pruning", "--epochs", "8", "--every", "6ep"],
      "double-pruning's first cycle ends after step 150, when nothing may come back any more (after step 120 of 160): "
        + "train longer, or give a shorter --every"
    ),
    (["gradual", "--epochs", "0"], "--method gradual prunes during training: --epochs 0 leaves nothing to train"),
  ])
  func aTrainingTooShortForItsMethodIsRefused(arguments: [String], words: String) throws {
    try withTemporaryDirectory { folder in
      let outcome = try espalier(
        ["prune", "--network", "mlp:64-16-10", "--dataset", "digits", "--sparsity", "0.5", "--quiet", "-o", folder + "/m.safetensors"]
          + ["--method"] + arguments)
      #expect(outcome.errors == "espalier: \(words)\n")
      #expect(outcome.status == 64)
    }
  }

  @Test func methodsAreListed() throws {
    let list = try espalier("methods", "methods")
    for name in ["rigl", "double-pruning", "dsd+prune"] { #expect(list.output.contains("\n  \(name) ")) }
  }
}
