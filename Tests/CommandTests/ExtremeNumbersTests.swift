import ArgumentParser
@testable import espalier
import Experiments
import Foundation
import Results
import TestSupport
import Testing

/// Numbers that nobody means: each is refused in a line, or makes a plan; nothing traps.
@Suite struct ExtremeNumbersTests {
  private static let values = ["9223372036854775807", "-1", "0", "1e308", "nan", "9223372036854775807ep"]

  /// Command lines, each with the sections of its help whose options are tried.
  @Test(arguments: [
    ("train --network mlp:64-10 --dataset digits", ["", "Data", "Training", "Run", "Checkpoints"]),
    ("prune --network mlp:64-10 --dataset digits --sparsity 0.9", ["Pruning", "How much", "When", "Scores", "Repair"]),
    (
      "prune --network mlp:64-12-10 --dataset digits --granularity unit --fraction 0.1 --every 1ep",
      ["Pruning", "How much", "When", "Scores", "Repair"]
    ),
    ("prune --network mlp:64-10 --dataset digits --sparsity 0.9 --method rigl", ["Regrowth", "Scored pruning"]),
    ("prune --network mlp:64-10 --dataset digits --sparsity 0.9 --method scored-pruning", ["Regrowth", "Scored pruning"]),
    ("prune --network mlp:64-10 --dataset digits --sparsity 0.9 --method double-pruning", ["Regrowth", "Double pruning"]),
    ("prune --network mlp:64-10 --dataset digits --method lottery-ticket --branches reinit", ["Lottery tickets and rewinding", "Run"]),
    (
      "probe --network mlp:64-12-10 --dataset digits --output study --retrain 1 --examples 10", ["Probe", "Training with probes", "Run"]
    ),
  ])
  func everyOptionTakesOrRefusesThem(line: String, sections: [String]) throws {
    let words = line.split(separator: " ").map(String.init)
    let options = try #require(try DescribedCommand.all()[words[0]]).filter { $0.takesFreeText && sections.contains($0.section) }
    #expect(options.count > 3)
    try withTemporaryDirectory { folder in
      for option in options {
        for value in Self.values {
          let arguments = words + ["\(option.names[0])=\(value)"]
          do { try prepare(arguments, folder: folder + "/study") } catch {
            let text = Espalier.message(for: error)
            #expect(!text.isEmpty && !text.contains("\n") && !text.contains("EncodingError"), "\(arguments): \(text)")
          }
        }
      }
    }
  }

  /// All that a run does before its first step.
  private func prepare(_ arguments: [String], folder: String) throws {
    switch try command(of: arguments) {
    case let train as TrainCommand: try prepare(train.job())
    case let prune as PruneCommand where prune.pruning.method == "lottery-ticket":
      let run = try LotteryTicketFace.study(prune, GivenOptions(arguments))
      _ = try run.run.seeds(run.tickets.seeds ?? 1)
      // Thousands of rounds are counted through for each layer, which takes its time.
      if run.plan.rounds < 1000 { _ = try TicketStudy(run.plan, in: folder) }
    case let prune as PruneCommand: try prepare(prune.run(GivenOptions(arguments)))
    case let probe as ProbeCommand:
      guard let network = probe.given.network, probe.given.weights == nil else { return }
      let study = try probe.study(network)
      _ = try JSONEncoder().encode(study)
      try study.check(seed: probe.running.seeds(probe.training.seeds)[0])
    default: break
    }
  }

  private func prepare(_ run: ExperimentRun) throws {
    _ = try (run.options(), run.experiment.json)
    _ = try Runner(run.experiment)
  }

  @Test func moreThreadsThanCoresAreSaidAndNotUsed() throws {
    struct Row: Decodable {
      struct Machine: Decodable { var threads: Int }
      var machine: Machine
    }
    try withTemporaryDirectory { folder in
      let cores = Machine.logicalCores
      for (threads, used, words) in [
        (1, 1, ""), (cores, cores, ""), (1000, cores, "--threads 1000 is more than the cores of this machine: using \(cores)\n"),
        (Int.max, cores, "--threads \(Int.max) is more than the cores of this machine: using \(cores)\n"),
      ] {
        let outcome = try espalier(
          "train", "--network", "mlp:64-10", "--dataset", "digits", "--epochs", "1it", "--threads", "\(threads)", "--quiet", "--json", "-o",
          folder + "/m.safetensors")
        #expect(outcome.status == 0 && outcome.errors == words, "\(outcome.errors)")
        #expect(try JSONDecoder().decode(Row.self, from: Data(outcome.output.utf8)).machine.threads == used)
      }
      let none = try espalier("train", "--network", "mlp:64-10", "--dataset", "digits", "--threads", "0")
      #expect(none.errors == "espalier: --threads 0 is impossible: give at least 1; see \"espalier train --help\"\n")
    }
  }

  /// These ended the program by a trap.
  @Test(arguments: [
    ("--epochs 9223372036854775807", "a training of 9223372036854775807ep is too long: 1000000000 steps are possible"),
    ("--epochs 9223372036854775807it", "a training of 9223372036854775807it is too long: 1000000000 steps are possible"),
    (
      "--epochs 8 --method double-pruning --every 9223372036854775807ep",
      "--every 9223372036854775807ep removes nothing until 6ep: the longest that works is --every 6ep"
    ),
  ])
  func traps(options: String, words: String) throws {
    try withTemporaryDirectory { folder in
      let line = "prune --network mlp:64-10 --dataset digits --threads 1 --sparsity 0.9 " + options + " -o \(folder)/m"
      let outcome = try espalier(line.split(separator: " ").map(String.init))
      #expect(outcome.status == 64 && outcome.errors == "espalier: \(words)\n", "\(outcome.errors)")
    }
  }

  @Test func seedsOfAProbe() throws {
    for count in [Int.max, 100_001, 0, -1] {
      let outcome = try espalier("probe", "--network", "mlp:64-12-10", "--dataset", "digits", "--seeds=\(count)", "--output", "study")
      #expect(outcome.status == 64 && outcome.errors == "espalier: --seeds \(count) is impossible: give 1 to 100000\n", "\(outcome.errors)")
    }
  }
}
