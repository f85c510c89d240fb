import ArgumentParser
@testable import espalier
import TestSupport
import Testing

/// Options that would change nothing are refused before anything is read, with a line that says what they go with.
@Suite struct IdleOptionTests {
  private func refusal(_ line: String) -> String? {
    do { _ = try fields(of: line.split(separator: " ").map(String.init)) } catch { return "\(error)" }
    return nil
  }

  @Test(arguments: ["train --network lenet-5 --dataset mnist", "prune --network lenet-5 --dataset mnist --sparsity 0.9"])
  func ofTraining(line: String) {
    for (options, words) in [
      ("--milestones 30ep", "--milestones goes with --decay multi-step"),
      ("--milestones 30ep --decay cosine", "--milestones goes with --decay multi-step"),
      ("--decay-factor 0.5", "--decay-factor goes with --decay multi-step or exponential"),
      ("--decay-factor 0.5 --decay cosine", "--decay-factor goes with --decay multi-step or exponential"),
      ("--momentum 0.5", "--momentum goes with --optimizer sgd, not adam"),
      ("--momentum 0.9 --optimizer adamw", "--momentum goes with --optimizer sgd, not adamw"),
      ("--nesterov", "--nesterov goes with --optimizer sgd, not adam"),
      ("--weights w.st --initialization pytorch", "--initialization draws fresh weights: w.st has its own"),
    ] {
      #expect(refusal("\(line) \(options)") == words, "\(options)")
    }
    #expect(refusal("\(line) --weights w.st --classes 10 --initialization pytorch") == nil, "a fresh last layer")
  }

  @Test(arguments: [
    ("--threshold 0.1 --scope layer", "--scope does not go with --threshold: each layer loses everything that scores below it"),
    ("--deviations 1 --scope global", "--scope does not go with --deviations: each layer loses everything that scores below it"),
    (
      "--method han --deviations 1 --rounding floor",
      "--rounding does not go with --deviations: each layer loses everything that scores below it"
    ),
    ("--threshold 0.1 --schedule cubic", "--schedule does not go with --threshold: each layer loses everything that scores below it"),
    ("--threshold 0.1 --normalization l2", "--normalization compares layers: a threshold applies to scores as they are"),
    (
      "--fraction 0.1 --schedule cubic",
      "--schedule cubic spreads --sparsity: with --fraction each round removes the same fraction of what is left"
    ),
    (
      "--sparsity 0.5 --scope layer --normalization l2",
      "--normalization goes with --scope global or sets of layers, not layer, which does not compare layers"
    ),
    ("--sparsity 0.5 --examples 100", "--examples goes with criteria and repairs that look at images: magnitude does not"),
    (
      "--granularity unit --criterion activation --fraction 0.5 --examples 100",
      "--examples goes with criteria and repairs that look at images: activation does not"
    ),
    ("--sparsity 0.5 --mean-at output", "--mean-at goes with --repair mean and criteria that read units' values: magnitude does not"),
    (
      "--granularity unit --fraction 0.5 --repair reconstruction --mean-at consumer",
      "--mean-at goes with --repair mean and criteria that read units' values: l2 does not"
    ),
    (
      "--sparsity 0.5 --criterion obd --mean-at output",
      "--mean-at goes with --repair mean and criteria that read units' values: obd does not"
    ),
    ("--sparsity 0.5 --reduction mean", "--reduction goes with --granularity unit or filter: single weights are not removed in groups"),
    ("--granularity unit --fraction 0.5 --repair batch-norm --mean-form exact", "--mean-form goes with --repair mean"),
    (
      "--granularity filter --fraction 0.5 --no-compact",
      "--compact and --no-compact go with --granularity weight: filters are cut out in any case"
    ),
    ("--sparsity 0.5 --at-start --epochs 0 --learning-rate 0.1", "--learning-rate goes with training, and there is none"),
    ("--sparsity 0.5 --epochs 0 --l1 1e-5", "--l1 goes with training, and there is none"),
    (
      "--granularity unit --sparsity 0.5 --of macs --scope global --rounding ceil",
      "--rounding does not go with --of and --scope global: units are removed one by one until the cost is met"
    ),
    (
      "--granularity unit --fraction 0.5 --layers", "--layers shows kept weights: it does not go with --granularity unit"
    ),
    ("--method han --criterion magnitude --deviations 1", "--deviations goes with --criterion threshold, not magnitude"),
    ("--granularity unit --criterion l1 --deviations 1", "--deviations goes with --criterion threshold, not l1"),
  ])
  func ofPruning(options: String, words: String) {
    #expect(refusal("prune --network lenet-5 --dataset mnist " + options) == words)
  }

  @Test(arguments: [
    "--sparsity 0.5 --rounds 1 --schedule cubic", "--fraction 0.5 --schedule iterative",
    "--method edge-popup --sparsity 0.5 --momentum 0.5",
    "--granularity unit --criterion abs-mrs --fraction 0.5 --mean-at output", "--granularity unit --fraction 0.5 --reduction max",
    "--granularity unit --fraction 0.5 --scope global --normalization l2 --epochs 0",
    "--granularity unit --fraction 0.5 --repair mean --examples 9",
    "--sparsity 0.5 --epochs 0 --recovery 2it --learning-rate 0.1",
    "--granularity unit --sparsity 0.5 --of macs --rounding ceil",
  ])
  func whatHasAnEffectStays(options: String) {
    #expect(refusal("prune --network lenet-5 --dataset mnist " + options) == nil)
  }

  /// Those that have a value anyway.
  @Test(arguments: ["--batch-size 64", "--warm-up 1it", "--evaluate-every 1ep", "--label-smoothing 0.1"])
  func ofTrainingWhereThereIsNone(option: String) throws {
    let outcome = try espalier(
      ["prune", "--network", "mlp:64-10", "--sparsity", "0.5", "--epochs", "0"] + option.split(separator: " ").map(String.init))
    #expect(outcome.errors == "espalier: \(option.prefix { $0 != " " }) goes with training, and there is none\n")
    #expect(outcome.status == 64)
  }

  /// A model file is trained already: one of the two lengths is never heard.
  @Test func twoLengthsOfTraining() throws {
    let outcome = try espalier("prune", "m.st", "--sparsity", "0.5", "--epochs", "3ep", "--recovery", "2ep")
    #expect(
      outcome.errors
        == "espalier: --epochs 3ep trains nothing: m.st is trained already, and --recovery 2ep is the training after a removal; "
        + "leave --epochs out\n")
    #expect(outcome.status == 64)
  }
}
