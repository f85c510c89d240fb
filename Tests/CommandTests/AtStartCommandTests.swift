import Foundation
import TestSupport
import Testing

/// Methods that prune before training, by their names.
@Suite struct AtStartCommandTests {
  @Test(arguments: [
    (["--method", "snipp", "--sparsity", "0.9"], "unknown method \"snipp\": did you mean snip?"),
    (["--method", "grasp", "--sparsity", "0.9"], "criterion grasp needs data: give --dataset"),
    (["--method", "snip", "--sparsity", "0.9"], "criterion snip needs data: give --dataset"),
    (
      ["--method", "synflow", "--granularity", "unit", "--sparsity", "0.9"],
      "criterion synflow does not score by unit: choose weight"
    ),
    (
      ["--method", "synflow", "--sparsity", "0.9", "--every", "2ep"],
      "--method synflow prunes before training: --every, --until and --recovery do not go with it"
    ),
    (
      ["--at-start", "--sparsity", "0.9", "--recovery", "2ep"],
      "--at-start prunes before training: --every, --until and --recovery do not go with it"
    ),
    (
      ["--at-start", "--compression", "0.5"],
      "--compression 0.5 is impossible: give a number of at least 1, e.g. 10 to leave a tenth"
    ),
    (["--at-start", "--compression", "x"], "--compression x is impossible: give a number of at least 1, e.g. 10 to leave a tenth"),
    (
      ["--at-start", "--compression", "10", "--sparsity", "0.9"],
      "one amount is enough: give --sparsity or --compression (in total) or --fraction (each round), --limit, --threshold or --deviations, "
        + "not several"
    ),
    (["--method", "synflow", "--sparsity", "0.9", "--rounds", "0"], "--rounds 0 is impossible: give 1 to 10000"),
  ])
  func mistakesGetOneLine(arguments: [String], words: String) throws {
    let outcome = try espalier(["prune", "--network", "lenet-300-100", "--epochs", "0"] + arguments)
    #expect(outcome.errors == "espalier: \(words)\n")
    #expect(outcome.status == 64 && outcome.output.isEmpty)
  }

  @Test func compressionLeavesItsShareOfEachNetwork() throws {
    try withTemporaryDirectory { folder in
      let file = folder + "/start.safetensors"
      let outcome = try espalier(
        "prune", "--network", "lenet-300-100", "--method", "synflow", "--rounds", "3", "--compression", "100", "--epochs", "0", "--layers",
        "--threads", "1", "--quiet", "-o", file)
      #expect(outcome.status == 0 && outcome.errors.isEmpty)
      #expect(outcome.output.hasPrefix("lenet-300-100, seed 0: synflow: weights by synflow, 99 % over all layers in all, in 3 removals"))
      #expect(outcome.output.contains("asked 99.000 %, achieved 99.000 % (263,538 of 266,200 weights, 2,662 left; 2 of\n"))
      #expect(outcome.output.contains("\ntotal  2,662  266,200   1.000 %\n"))
      #expect(!outcome.output.contains("COLLAPSED"))
    }
  }

  @Test func aCollapseIsShownWithoutBeingAsked() throws {
    try withTemporaryDirectory { folder in
      let file = folder + "/start.safetensors"
      let arguments = [
        "prune", "--network", "mlp:40-300-100-300-20", "--at-start", "--rounds", "10", "--compression", "10000", "--epochs", "0",
        "--threads",
        "1", "-o", file,
      ]
      let outcome = try espalier(arguments)
      #expect(outcome.status == 0)
      #expect(outcome.errors.contains("COLLAPSED: ") && outcome.output.contains("\nCOLLAPSED "))
      #expect(outcome.output.contains("\ntotal     8  78,000  0.010 %\n"))
      let json = try espalier(arguments + ["--json", "--quiet"])
      let row = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
      #expect((row["layers"] as? [[String: Any]])?.compactMap { $0["layer"] as? String } == ["fc1", "fc2", "fc3", "fc4"])
      #expect((row["collapse"] as? [String: Any])?["compression"] as? Double ?? 0 > 1)
    }
  }

  @Test func methodsAreListed() throws {
    let list = try espalier("methods", "methods")
    #expect(list.status == 0)
    for name in ["snip", "grasp", "synflow", "random", "erk"] { #expect(list.output.contains("\n  \(name) "), "the list names \(name)") }
    let criteria = try espalier("methods", "criteria")
    // Long entries are wrapped.
    let words = criteria.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(words.contains("|w·∂L/∂w|") && words.contains("w⊙Hg, logits/200"))
  }
}
