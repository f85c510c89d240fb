@testable import espalier
import Foundation
import TestSupport
import Testing

@Suite struct MetaPruningCommandTests {
  private func refusal(_ options: String) -> String? {
    let line = "prune --network lenet-5 --dataset mnist --sparsity 0.9 --method meta-pruning \(options)"
    do { _ = try fields(of: line.split(separator: " ").map(String.init)) } catch { return "\(error)" }
    return nil
  }

  private static let foreign = "does not go with --method meta-pruning; \"espalier help prune meta-pruning\" shows what does"

  @Test(arguments: [
    ("--ways 1", "--ways 1 is impossible: give 2 to 10000"),
    ("--shots 0", "--shots 0 is impossible: give 1 to 10000"),
    ("--queries 10001", "--queries 10001 is impossible: give 1 to 10000"),
    ("--tasks 0", "--tasks 0 is impossible: give 1 to 10000"),
    ("--inner-steps 0", "--inner-steps 0 is impossible: give 1 to 10000"),
    ("--inner-rate 0", "--inner-rate 0.0 is impossible: give a number above 0"),
    ("--inner-rate nan", "--inner-rate nan is impossible: give a number above 0"),
    ("--outer mldg --pseudo-test 0", "--pseudo-test 0.0 is impossible: give a number above 0"),
    ("--pseudo-test 2", "--pseudo-test goes with --outer mldg, not reptile"),
    ("--outer mldg --inner-steps 2", "--inner-steps 2 does not go with --outer mldg, which takes one"),
    (
      "--prune-gradient straight-through",
      "--prune-gradient straight-through goes with --outer fomaml, maml or mldg: reptile moves towards weights that are 0 where pruned"
    ),
    ("--lambda 1", "--lambda goes with --meta masks, not weights"),
    ("--meta architecture --drop-rate 0.3", "--drop-rate goes with --meta masks, not architecture"),
    ("--meta masks --lambda=-1", "--lambda -1.0 is impossible: give 0 or a positive number, e.g. 0.1"),
    ("--meta masks --criterion taylor", "--criterion does not go with --meta masks: the weights of lowest ln α leave"),
    ("--meta masks --granularity unit", "--meta masks learns gates on single weights: --granularity unit does not go with it"),
    ("--meta masks --gate-learning-rate 0.1", "--gate-learning-rate goes with --method l0, not meta-pruning"),
    (
      "--meta masks --outer maml --prune-gradient straight-through",
      "--prune-gradient straight-through does not go with --meta masks: gates decide what may return, until it leaves"
    ),
    ("--keep-if 5", "--keep-if 5 is impossible: of 4 tasks, give 1 to 4"),
    (
      "--keep-if all --criterion random",
      "--keep-if all does not go with --criterion random, by which all vote for the same: what is kept would be chance"
    ),
    ("--tasks 1 --keep-if all", "--keep-if all lets tasks vote, and there is one: give --tasks 2 or more"),
    ("--learn-fractions 0", "--learn-fractions 0 is impossible: give 1 to 10000"),
    (
      "--meta masks --learn-fractions 3", "--learn-fractions does not go with --meta masks, whose gates decide what each layer keeps"
    ),
    ("--judging-tasks 0", "--judging-tasks 0 is impossible: give 1 to 10000"),
    ("--head-steps 0", "--head-steps 0 is impossible: give 1 to 100000"),
    ("--controls full,full", "--controls names full twice"),
    ("--controls full,half", "unknown control \"half\" in --controls: choose from full, random, one-dataset, or none"),
    ("--controls full,", "unknown control \"\" in --controls: choose from full, random, one-dataset, or none"),
    (
      "--epochs 20", "--epochs 20ep does not go with --method meta-pruning: tasks have no epochs; give outer steps, e.g. 1000it"
    ),
    (
      "--recovery 3ep", "--recovery 3ep does not go with --method meta-pruning: tasks have no epochs; give outer steps, e.g. 1000it"
    ),
    ("--epochs 0", "--method meta-pruning learns its weights from tasks: --epochs 0 leaves it nothing"),
    ("--recovery 0it", "--method meta-pruning goes on learning after each removal: --recovery 0 leaves it nothing"),
    ("--batch-size 5", "--batch-size " + foreign), ("--at-start", "--at-start " + foreign), ("--every 2it", "--every " + foreign),
    ("--l1 0.1", "--l1 " + foreign), ("--no-augment", "--no-augment " + foreign), ("--kernels dense", "--kernels " + foreign),
    ("--device cuda", "--device cuda does not go with --method meta-pruning, which computes on the CPU"),
    ("--drop-fraction 0.1", "--drop-fraction goes with --method rigl, set or scored-pruning, not meta-pruning"),
  ])
  func impossibleOptionsAreOneLine(options: String, words: String) { #expect(refusal(options) == words) }

  @Test func aModelFileIsRefused() {
    let line = "prune a.st --dataset mnist --sparsity 0.9 --method meta-pruning"
    #expect {
      _ = try fields(of: line.split(separator: " ").map(String.init))
    } throws: {
      "\($0)" == "--method meta-pruning learns its weights from tasks: give --network, not a model file"
    }
  }

  @Test(arguments: ["--ways 3", "--meta weights", "--controls none", "--outer maml"]) func elsewhereItsOptionsAreRefused(option: String) {
    let line = "prune --network lenet-5 --dataset mnist --sparsity 0.9 --method rigl " + option
    #expect {
      _ = try fields(of: line.split(separator: " ").map(String.init))
    } throws: {
      "\($0)" == "\(option.prefix { $0 != " " }) goes with --method meta-pruning, not rigl"
    }
  }

  /// From the command line to the row: exact counts, all networks, and a file with as many outputs as a task has classes.
  @Test func aWholeRun() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("meta.safetensors")
    let arguments = [
      "prune", "--network", "mlp:64-16-3", "--dataset", "digits", "--method", "meta-pruning", "--ways", "3", "--shots", "2", "--queries",
      "3",
      "--tasks", "2", "--inner-steps", "1", "--epochs", "4it", "--recovery", "3it", "--sparsity", "0.75", "--judging-tasks", "5",
      "--threads",
      "1", "--no-latency", "--keep-if", "majority", "-o", path,
    ]
    let outcome = try espalier(arguments)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("asked 75.000 %, achieved 75.000 % (804 of 1,072 weights, 268 left"))
    for name in ["full", "random, of equal size", "pruned by one data set", "pruned"] {
      #expect(outcome.output.contains("\n" + name + "  "))
    }
    #expect(
      outcome.output.contains(
        "reptile, 2 tasks a step, 1 inner step at 0.1, 3-way 2-shot, 3 queries; kept if 2 of 2\n"
          + "             tasks keep it; weights kept; 6"),
      "\(outcome.output)")
    #expect(outcome.output.contains("\nvotes        804 removed ("))
    #expect(try espalier("inspect", path).status == 0)
    #expect(try espalier("methods", "methods").output.contains("meta-pruning"))
  }
}
