import Foundation
import TestSupport
import Testing

@Suite struct GateCommandTests {
  private static let l0 = ["prune", "--network", "mlp:64-16-10", "--dataset", "digits", "--method", "l0"]
  private static let lambda = " is not a strength: give a number, or LAYER=NUMBER, e.g. 0.1,conv1=10"

  @Test(arguments: [
    (["--lambda", "much"], "--lambda \"much\"" + lambda), (["--lambda", ""], "--lambda \"\"" + lambda),
    (["--lambda", "0.1,=3"], "--lambda \"=3\"" + lambda), (["--lambda", "fc1=x"], "--lambda \"fc1=x\"" + lambda),
    (["--lambda=-0.1"], "--lambda -0.1 is impossible: give 0 or a positive number, e.g. 0.1"),
    (["--lambda", "1e300"], "--lambda 1e+300 is impossible: give 0 or a positive number, e.g. 0.1"),
    (["--lambda", "fc9=1"], "--lambda \"fc9\" matches no layer: choose from fc1.inputs, fc1"),
    (["--ignore", "fc9"], "--ignore \"fc9\" matches no layer: choose from fc1.inputs, fc1"),
    (["--lambda-warm-up", "soon"], "--lambda-warm-up \"soon\" is not a length of training: write 40ep or 50000it"),
    (["--lambda-warm-up", "21ep"], "--lambda-warm-up 21ep is longer than the training of 20ep"),
    (["--drop-rate", "1"], "--drop-rate 1.0 is impossible: give a number between 0 and 1, e.g. 0.5"),
    (["--drop-rate", "nan"], "--drop-rate nan is impossible: give a number between 0 and 1, e.g. 0.5"),
    (["--gate-learning-rate", "0"], "--gate-learning-rate 0.0 is impossible: give a number above 0, e.g. 0.001"),
    (["--gate-cost", "euros"], "'euros' is invalid for '--gate-cost"),
    (
      ["--gate-cost", "macs", "--granularity", "weight"],
      "--gate-cost macs goes with --granularity unit or filter: each weight of a linear layer is one multiplication"
    ),
    (["--fraction", "0.5"], "--method l0 counts gates: give --sparsity, or nothing, and --lambda decides how many close"),
    (["--sparsity", "0.5", "--of", "macs"], "--method l0 counts gates: give --sparsity, or nothing, and --lambda decides how many close"),
    (["--sparsity", "1"], "--sparsity 1 is not a fraction: give a number from 0 up to, but not including, 1"),
    (["--scope", "layer"], "--scope goes with --sparsity: without it the gates' penalty decides how many close"),
    (["--rounding", "floor"], "--rounding goes with --sparsity: without it the gates' penalty decides how many close"),
    (["--epochs", "0"], "--method l0 trains its gates: --epochs 0 leaves it nothing"),
    (
      ["--rounds", "2"],
      "--method l0 selects anew at every step by its own scores: "
        + "--criterion, --at-start, --rounds, --recovery, --every, --until and --schedule do not go with it"
    ),
    (
      ["--repair", "mean"],
      "--repair does not go with --method l0: what leaves is decided by its gates, which weights have learned to do without"
    ),
    (["--granularity", "filter"], "no filters of mlp:64-16-10 can be removed: it has no convolutions; give --granularity unit or weight"),
    (["--sparsity", "0.999"], "cannot remove 80 of 80: at least 2 must stay (fc1.inputs 1, fc1 1)"),
    (
      ["--sparsity", "0.9", "--minimum-layer-density", "0.2"],
      "cannot remove 72 of 80: at least 17 must stay (fc1.inputs 13, fc1 4)"
    ),
    (["--sparsity", "0.001"], "--sparsity 0.001 comes to none of 80 units: give at least 0.0063, which takes one"),
  ])
  func whatIsImpossibleIsSaid(options: [String], words: String) throws {
    let outcome = try espalier(Self.l0 + options)
    #expect(outcome.status == 64, "\(outcome.errors)")
    #expect(outcome.errors.contains(words), "\(outcome.errors)")
  }

  @Test func optionsOfGatesAreRefusedElsewhere() throws {
    let outcome = try espalier("prune", "--network", "mlp:64-16-10", "--dataset", "digits", "--sparsity", "0.5", "--lambda", "1")
    #expect(outcome.errors == "espalier: --lambda goes with --method l0 or meta-pruning\n" && outcome.status == 64)
  }

  @Test func aRunSaysWhatItsGatesDid() throws {
    let folder = try TemporaryDirectory()
    let outcome = try espalier(
      Self.l0 + [
        "--sparsity", "0.6", "--gate-learning-rate", "0.05", "--epochs", "6", "--threads", "1", "--quiet", "--no-latency", "-o",
        folder.file("m.safetensors"),
      ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let words = outcome.output.split { " \n".contains($0) }.joined(separator: " ")
    #expect(words.contains("l0: units by hard-concrete gates, λ 0.1, 60 % over all layers in all, after training"))
    #expect(words.contains("asked 60.000 %, achieved 60.000 % (48 of 80 units, 32 left)"), "\(outcome.output)")
    #expect(words.contains("adapted to what was asked; left: fc1.inputs "))
    let inspected = try espalier("inspect", folder.file("m.safetensors"))
    #expect(inspected.status == 0 && inspected.output.contains("indexSelect"), "\(inspected.output)")
    let evaluated = try espalier("evaluate", folder.file("m.safetensors"), "--dataset", "digits", "--threads", "1")
    #expect(evaluated.status == 0, "\(evaluated.errors)")
    // What is left can be pruned further, by anything.
    let again = try espalier(
      "prune", folder.file("m.safetensors"), "--sparsity", "0.5", "--rounds", "1", "--recovery", "1ep", "--threads", "1", "--quiet",
      "--no-latency", "-o", folder.file("n.safetensors"))
    #expect(again.status == 0, "\(again.errors)")
  }
}
