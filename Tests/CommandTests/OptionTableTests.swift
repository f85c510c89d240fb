import ArgumentParser
@testable import espalier
import Testing

@Suite struct OptionTableTests {
  private func words(_ line: String) -> [String] { line.split(separator: " ").map(String.init) }

  /// The fields with these changes.
  private func changed(_ fields: [String: String], by changes: [String]) -> [String: String] {
    var result = fields
    let parts = changes.flatMap { change in
      change.hasPrefix("*")
        ? ["training", "recovery"].filter { part in fields.keys.contains { $0.hasPrefix(part + ".") } }
          .map { $0 + change.dropFirst() } : [change]
    }
    for part in parts {
      let sides = part.split(separator: "=", maxSplits: 1).map(String.init)
      if sides[1] == "none" {
        for key in fields.keys where key == sides[0] || key.hasPrefix(sides[0] + ".") { result[key] = nil }
      } else {
        result[sides[0]] = sides[1]
      }
    }
    return result
  }

  @Test(arguments: Set(OptionTable.rows.map(\.command)).sorted())
  func everyOptionReachesItsFieldAndNoOther(command: String) throws {
    var bases: [String: [String: String]] = [:]
    for row in OptionTable.rows where row.command == command {
      let before = try bases[row.base] ?? fields(of: words(row.base))
      bases[row.base] = before
      let after = try fields(of: words(row.line))
      let expected = changed(before, by: row.changes)
      for key in Set(after.keys).union(expected.keys).sorted() where after[key] != expected[key] {
        Issue.record("\(row.line): \(key) is \(after[key] ?? "none"), not \(expected[key] ?? "none")")
      }
      #expect(row.changes.isEmpty || after != before, "\(row.line): the value given is the default")
    }
  }

  /// An option that is added must have a row, and its field be thought of.
  @Test func everyOptionHasARow() throws {
    let commands = try DescribedCommand.all()
    #expect(
      commands.keys.sorted() == [
        "benchmark", "compare", "compile", "data fetch", "data list", "data verify", "evaluate", "export", "inspect", "methods", "probe",
        "prune", "report", "run", "sensitivity",
        "study claims",
        "study export", "study new", "study query", "study run", "study schema", "study serve", "study status", "study work", "tickets",
        "train",
      ])
    for (command, options) in commands {
      let table = command == "tickets" ? "looking" : command
      let rows = Set(OptionTable.rows.filter { $0.command == table }.map { String($0.option.prefix { $0 != " " }) })
      let others: Set<String> =
        switch command {
        // Refused: probes compute on the CPU. Stands alone: see ProbeCommandTests.
        case "probe": ["--device", "--analyse"]
        case "prune": ["--branches", "--branch-rounds", "--output-fraction", "--seeds", "--parallel", "--worker"]
        default: []
        }
      for names in options.map(\.names) where others.isDisjoint(with: names) {
        #expect(!rows.isDisjoint(with: names), "\(command) has no row for \(names.joined(separator: "/"))")
      }
      #expect(rows.subtracting(options.flatMap(\.names)) == [], "rows of \(command) that are no options")
    }
  }

  /// What `prune` takes is refused for tickets, or reaches their plan.
  @Test func everyOptionOfPruneIsForTicketsOrRefused() throws {
    let options = try #require(try DescribedCommand.all()["prune"])
    let rows = Set(OptionTable.rows.filter { $0.command == "tickets" }.map { String($0.option.prefix { $0 != " " }) })
    let foreign = Set(LotteryTicketFace.foreign)
    for names in options.map(\.names) where names != ["--method"] && names != ["--worker"] {
      #expect(rows.isDisjoint(with: names) != foreign.isDisjoint(with: names), "\(names.joined(separator: "/"))")
    }
    #expect(foreign.subtracting(options.flatMap(\.names)) == [])
  }

  @Test(arguments: ["branches reinit", "branch-rounds 2", "output-fraction 0.1", "seeds 2", "parallel 2"])
  func optionsOfTicketsAreRefusedElsewhere(option: String) throws {
    let line = try #require(OptionTable.lines["prune"]) + " --" + option
    let error = #expect(throws: (any Error).self) { try fields(of: words(line)) }
    #expect(error.map { "\($0)" } == "--\(option.prefix { $0 != " " }) goes with --method lottery-ticket")
  }

  /// What each method does where nothing else is said, of a training of 20 epochs.
  @Test(arguments: [
    ("", "magnitude global exponential rounds._0=5 rounds.recovery=10ep"),
    ("--granularity unit", "l2 layer exponential rounds._0=1 rounds.recovery=10ep"),
    ("--granularity filter", "l2 layer exponential rounds._0=1 rounds.recovery=10ep"),
    ("--method han", "threshold layer exponential rounds._0=5 rounds.recovery=10ep"),
    ("--method edge-popup", "magnitude layer one-shot everyStep={}"),
    ("--method l0", "magnitude global one-shot everyStep={}"),
    ("--method meta-pruning", "magnitude global exponential rounds._0=1 rounds.recovery=1000it"),
    ("--method snip", "snip global exponential atStart.rounds=1"),
    ("--method grasp", "grasp global exponential atStart.rounds=1"),
    ("--method synflow", "synflow global exponential atStart.rounds=100"),
    ("--method random", "random uniform exponential atStart.rounds=1"),
    ("--method erk", "random erk exponential atStart.rounds=1"),
    ("--method static", "random erk exponential atStart.rounds=1"),
    ("--method rigl", "random erk exponential atStart.rounds=1"),
    ("--method set", "random erk exponential atStart.rounds=1"),
    ("--method double-pruning", "magnitude global cubic during.every=1ep during.until=15ep"),
    ("--method scored-pruning", "magnitude global cubic during.every=1ep during.until=15ep"),
    ("--method splicing", "magnitude global cubic during.every=1ep during.until=15ep"),
    ("--method gradual", "magnitude global cubic during.every=1ep during.until=15ep"),
    ("--method dsd", "magnitude global cubic during.every=6ep during.until=6ep"),
    ("--method dsd+prune", "magnitude global cubic during.every=6ep during.until=6ep"),
  ])
  func defaultsOfMethods(options: String, expected: String) throws {
    let fields = try fields(of: words("prune --network lenet-5 --dataset mnist --sparsity 0.9 " + options))
    let timing = fields.filter { $0.key.hasPrefix("pruning.timing.") }.map { "\($0.key.dropFirst(15))=\($0.value)" }.sorted()
    let found = ["criterion", "allocation", "schedule"].map { fields["pruning." + $0] ?? "none" } + timing
    #expect(found.joined(separator: " ") == expected)
  }

  @Test func defaultsOfATraining() throws {
    let fields = try fields(of: words("train --network lenet-5 --dataset mnist"))
    #expect(
      fields == [
        "start.network._0": "lenet-5", "data.dataset": "mnist", "data.seed": "0", "initialization": "kaiming-uniform",
        "training.length": "20ep", "training.batchSize": "64", "training.optimizer.adam.weightDecay": "0",
        "training.learningRate.base": "0.001", "training.learningRate.decay.constant": "{}", "training.learningRate.warmUp": "0it",
        "training.evaluateEvery": "1ep", "training.labelSmoothing": "0", "training.augment": "true", "training.seed": "0",
        "path": "lenet-5.safetensors", "checkpoint": "lenet-5.safetensors.checkpoint", "resume": "false", "device": "cpu",
        "kernels": "automatic", "proves": "true", "latency": "usual", "layers": "false", "packs": "false", "quiet": "false",
        "json": "false",
        "memory": "4 GB", "threads": "by the work",
      ])
  }
}
