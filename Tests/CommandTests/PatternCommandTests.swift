import Foundation
import Results
import TestSupport
@testable import espalier
import Testing

/// `--granularity block:RxC`, `kernel` and `nm:N:M` on the command line.
@Suite struct PatternCommandTests {
  private func refusal(_ line: String) -> String? {
    do { _ = try fields(of: line.split(separator: " ").map(String.init)) } catch { return "\(error)" }
    return nil
  }

  @Test(arguments: [
    ("blocks --sparsity 0.5", "unknown granularity \"blocks\": choose weight, unit, filter, block:RxC, kernel, nm:N:M"),
    ("block:4 --sparsity 0.5", "--granularity \"block:4\" is impossible: give rows and columns of 1 to 1024, e.g. block:4x4"),
    (
      "nm:4:2",
      "--granularity \"nm:4:2\" is impossible: give how many of how many inputs stay, fewer than all of at most 64, e.g. nm:2:4"
    ),
    ("nm:2:4 --sparsity 0.9", "--granularity nm:2:4 keeps 2 of each 4 inputs, a sparsity of 0.5: give that or no amount at all"),
    ("nm:1:3 --fraction 0.5", "--granularity nm:1:3 keeps 1 of each 3 inputs, a sparsity of 0.6667: give that or no amount at all"),
    ("nm:2:4 --threshold 0.5", "--granularity nm:2:4 keeps 2 of each 4 inputs, a sparsity of 0.5: give that or no amount at all"),
    ("nm:2:4 --scope layer", "--scope does not go with --granularity nm:2:4: each group of 4 inputs counts for itself"),
    ("nm:2:4 --scope global", "--scope global does not go with --granularity nm:2:4: each group of 4 inputs counts for itself"),
    ("nm:2:4 --rounding round", "--rounding does not go with --granularity nm:2:4: each group of 4 inputs counts for itself"),
    ("nm:2:4 --reduction sum", "--reduction does not go with --granularity nm:2:4: each group of 4 inputs counts for itself"),
    (
      "nm:2:4 --minimum-layer-density 0.1",
      "--minimum-layer-density does not go with --granularity nm:2:4: each group of 4 inputs counts for itself"
    ),
    ("nm:2:4 --compact", "--compact cuts single units out, which would move the borders of nm:2:4: leave it out"),
    ("block:4x4 --sparsity 0.5 --compact", "--compact cuts single units out, which would move the borders of block:4x4: leave it out"),
    (
      "block:4x4 --sparsity 0.5 --reduction first",
      "--reduction first goes with units and filters of several layers, not --granularity block:4x4"
    ),
    (
      "block:4x4",
      "how much should be pruned? give --sparsity or --compression (in total) or --fraction (each round), --limit, --threshold or --deviations, e.g. --sparsity 0.9"
    ),
    ("kernel --sparsity 0.5 --of macs", "--of macs counts what a smaller network costs: it does not go with --granularity weight"),
    (
      "block:4x4 --sparsity 0.5 --method rigl",
      "--method rigl lets single weights come back: it does not go with --granularity block:4x4"
    ),
    ("nm:2:4 --method set", "--method set lets single weights come back: it does not go with --granularity nm:2:4"),
    (
      "kernel --sparsity 0.5 --method edge-popup",
      "--method edge-popup chooses among single weights: --granularity kernel does not go with it"
    ),
    ("kernel --method l0", "--method l0 chooses among single weights: --granularity kernel does not go with it"),
    (
      "block:4x4 --fraction 0.1 --method meta-pruning",
      "--method meta-pruning removes single weights, units or filters: --granularity block:4x4 does not go with it"
    ),
  ])
  func refused(options: String, words: String) {
    #expect(refusal("prune --network lenet-5 --dataset mnist --granularity " + options) == words)
  }

  @Test(arguments: [
    "nm:2:4", "nm:2:4 --sparsity 0.5", "nm:1:3 --sparsity 0.667", "nm:2:4 --compression 2", "nm:2:4 --rounds 2 --schedule linear",
    "nm:2:4 --method gradual", "nm:2:4 --every 1ep", "nm:2:4 --criterion snip --at-start", "nm:2:4 --no-compact",
    "block:4x4 --sparsity 0.9 --scope erk --reduction sum", "block:4x4 --sparsity 0.9 --method synflow",
    "block:1x4 --fraction 0.2 --rounds 3 --rounding ceil", "block:4x1 --sparsity 0.9 --method gradual",
    "kernel --sparsity 0.5 --compact", "kernel --threshold 0.02", "block:4x4 --method han --deviations 0.8",
  ])
  func goes(options: String) {
    #expect(refusal("prune --network lenet-5 --dataset mnist --granularity " + options) == nil)
  }

  /// A network in whose first layer no group fits, to the end, and the file again.
  @Test func aRunSaysWhatThePatternLeft() throws {
    try withTemporaryDirectory { folder in
      let line = [
        "prune", "--network", "mlp:64-3-10", "--dataset", "digits", "--granularity", "nm:2:4", "--epochs", "1", "--recovery", "5it",
        "--threads",
        "1", "--no-latency", "--quiet", "-o", folder + "/m.safetensors",
      ]
      let outcome = try espalier(line)
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
      let text = outcome.output.split { $0.isWhitespace }.joined(separator: " ")
      #expect(text.contains("asked 50.000 %, achieved 50.000 %"), "\(outcome.output)")
      #expect(text.contains("at most 2 of 4 inputs are left in each of "), "\(outcome.output)")
      #expect(text.contains("; fc2 is left alone: 3 inputs are fewer than 4"), "\(outcome.output)")
      let shown = try espalier("inspect", folder + "/m.safetensors")
      #expect(shown.output.contains("weights (2 of each 4 inputs stay) by magnitude"), "\(shown.output)")
      // Nothing more leaves.
      let again = try espalier(
        "prune", folder + "/m.safetensors", "--granularity", "nm:2:4", "--epochs", "0", "--threads", "1", "--no-latency", "--quiet", "-o",
        folder + "/n.safetensors")
      #expect(again.status == 0 && again.output.contains("none took anything"), "\(again.output) \(again.errors)")
    }
  }

  @Test func networksWithoutGroups() throws {
    let outcome = try espalier("prune", "--network", "mlp:3-2", "--granularity", "nm:2:4", "--epochs", "0", "--threads", "1")
    #expect(outcome.status == 64)
    #expect(
      outcome.errors
        == "espalier: no groups of 4 inputs of mlp:3-2 can be removed: fc1: 3 inputs are fewer than 4; give --granularity weight\n")
  }

  @Test func theListHasThePatterns() throws {
    let text = try espalier("methods").output
    for form in ["block:RxC", "kernel", "nm:N:M"] { #expect(text.contains("\n  \(form) "), "\(form)") }
  }

  /// The row names a faster pattern where one was measured to be, and the file has them all.
  @Test func theRowSaysWhichPatternWouldBeFaster() throws {
    try withTemporaryDirectory { folder in
      let run = try espalier(
        "prune", "--network", "mlp:64-128-128-10", "--dataset", "digits", "--epochs", "1", "--sparsity", "0.8", "--no-compact", "--threads",
        "1", "--quiet", "-o", folder + "/m.safetensors", "--report", folder + "/row.json")
      #expect(run.status == 0)
      let row = try RunRecord(json: Data(contentsOf: URL(fileURLWithPath: folder + "/row.json")))
      let patterns = try #require(row.pruned?.patterns)
      #expect(patterns.map(\.pattern) == ["block:1x4", "block:4x1", "block:4x4", "nm:2:4"])
      #expect(patterns.allSatisfy { $0.times.map(\.batch) == [1, 64] && $0.times.allSatisfy { $0.seconds > 0 && $0.ratio > 0 } })
      let fastest = PatternLatency.fastest(of: patterns)
      #expect(row.text(width: 400).contains("\nfaster as ") == (fastest != nil))
      if let fastest { #expect(row.text(width: 400).contains(", if accuracy holds (--granularity \(fastest.pattern))\n")) }
    }
  }
}
