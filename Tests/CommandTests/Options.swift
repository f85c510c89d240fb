import ArgumentParser
@testable import espalier
import Experiments
import Foundation
import Pruning
import Results
import Torch
import Training

/// The command of a line, checked; by its type, as making the whole tree of commands takes its time.
func command(of arguments: [String]) throws -> any ParsableCommand {
  let types: [String: any ParsableCommand.Type] = [
    "train": TrainCommand.self, "prune": PruneCommand.self, "evaluate": EvaluateCommand.self, "sensitivity": SensitivityCommand.self,
    "probe": ProbeCommand.self, "tickets": TicketsCommand.self, "inspect": InspectCommand.self, "compare": CompareCommand.self,
    "export": ExportCommand.self, "compile": CompileCommand.self, "run": RunCommand.self, "benchmark": BenchmarkCommand.self,
    "methods": MethodsCommand.self, "report": ReportCommand.self, "list": DataCommand.List.self, "fetch": DataFetchCommand.self,
    "verify": DataVerifyCommand.self,
  ]
  let studies: [String: any ParsableCommand.Type] = [
    "new": StudyNewCommand.self, "run": StudyRunCommand.self, "status": StudyStatusCommand.self, "claims": StudyClaimsCommand.self,
    "query": StudyQueryCommand.self, "work": StudyWorkCommand.self,
    "export": StudyExportCommand.self, "serve": StudyServeCommand.self,
  ]
  let words = ["data", "study"].contains(arguments.first) ? arguments.dropFirst() : arguments[...]
  guard let type = (arguments.first == "study" ? studies : types)[words.first ?? ""] else {
    throw ValidationError("\(arguments) begin with no command")
  }
  let command = try type.parse(Array(words.dropFirst()))
  try (command as? any CheckedCommand)?.check()
  return command
}

/// What a command line comes to, as a flat list of fields: those of the plan by their paths in its JSON, and those of its surroundings.
func fields(of arguments: [String]) throws -> [String: String] {
  let command = try command(of: arguments)
  switch command {
  case let train as TrainCommand: return try fields(of: train.job())
  case let prune as PruneCommand where prune.pruning.method == "lottery-ticket":
    let run = try LotteryTicketFace.study(prune, GivenOptions(arguments))
    var result = try leaves(run.plan)
    result["directory"] = run.plan.data.directory
    result["seeds"] = try "\(run.run.seeds(run.tickets.seeds ?? 1))"
    result["parallel"] = run.tickets.parallel.map { "\($0)" }
    result["threads"] = run.givenThreads.map { "\($0)" }
    result["kernels"] = run.kernels.rawValue
    result["report"] = run.report
    result["latency"] = words(run.latencyBatches)
    return result.merging(fields(of: run.output, run.run)) { first, _ in first }
  case let prune as PruneCommand: return try fields(of: prune.run(GivenOptions(arguments)))
  case let probe as ProbeCommand:
    let network = probe.given.network ?? ""
    var result = try leaves(probe.study(network))
    result["directory"] = probe.data.dataDir
    result["seeds"] = try "\(probe.running.seeds(probe.training.seeds))"
    result["folder"] = probe.training.output
    result["weights"] = probe.given.weights
    result["match"] = probe.given.match?.rawValue
    result["analyse"] = probe.analyse.first
    result["rows"] = probe.rows
    result["report"] = probe.report
    result["lateStart"] = "\(probe.probe.lateStart)"
    result["quiet"] = "\(probe.quiet)"
    result["json"] = "\(probe.json)"
    result["threads"] = probe.running.threads.map { "\($0)" }
    result["memory"] = "\(probe.running.memory)"
    return result
  case let evaluate as EvaluateCommand:
    var result = try leaves(evaluate.plan()).merging(leaves(evaluate.given.start)) { first, _ in first }
    result["directory"] = try evaluate.plan().directory
    result["json"] = "\(evaluate.json)"
    return result.merging(fields(of: nil, evaluate.running)) { first, _ in first }
  case let sensitivity as SensitivityCommand:
    let scan = try sensitivity.scan()
    var result = try leaves(sensitivity.plan()).merging(leaves(sensitivity.given.start)) { first, _ in first }
    result["directory"] = try sensitivity.plan().directory
    result["criterion"] = scan.criterion.name
    result["granularity"] = scan.granularity.rawValue
    result["fractions"] = "\(scan.fractions)"
    result["rounding"] = scan.rounding.rawValue
    result["ignore"] = "\(sensitivity.ignore)"
    result["examples"] = "\(sensitivity.examples)"
    result["quiet"] = "\(sensitivity.quiet)"
    result["json"] = "\(sensitivity.json)"
    return result.merging(fields(of: nil, sensitivity.running)) { first, _ in first }
  case let tickets as TicketsCommand: return ["folder": tickets.folder, "json": "\(tickets.json)"]
  case let inspect as InspectCommand:
    return [
      "model": inspect.model, "dataset": inspect.dataset ?? "none", "groups": "\(inspect.groups)", "json": "\(inspect.json)",
      "memory": "\(inspect.memory)",
    ]
  case let export as ExportCommand:
    return [
      "model": export.model, "to": export.to?.rawValue ?? "none", "output": export.output ?? "beside",
      "float16": "\(export.float16)", "sparse": "\(export.sparseInitializers)",
    ]
  case let compile as CompileCommand:
    let input = compile.input
    return [
      "imageSize": input.imageSize ?? "the model's", "resize": input.resize.map { "\($0)" } ?? "the model's",
      "channelOrder": input.channelOrder?.rawValue ?? "the model's", "mean": input.mean ?? "the model's",
      "deviation": input.deviation ?? "the model's",
      "model": compile.model, "output": compile.output ?? "beside", "kernels": compile.kernels ?? "known",
      "batch": compile.batch.map { "\($0)" } ?? "all",
      "storage": "\(compile.storage)", "threads": "\(compile.threads)", "json": "\(compile.json)",
    ]
  case let run as RunCommand:
    return [
      "plan": run.plan, "inputs": "\(run.inputs)", "output": run.output ?? "none", "tensor": run.tensor ?? "the only", "top": "\(run.top)",
      "threads": "\(run.threads)", "pin": "\(run.pin)", "json": "\(run.json)",
    ]
  case let benchmark as BenchmarkCommand:
    return [
      "plan": benchmark.plan, "batches": "\(try benchmark.batches())", "threads": "\(benchmark.threads)", "pin": "\(benchmark.pin)",
      "repetitions": "\(benchmark.repetitions)", "model": benchmark.model ?? "none", "json": "\(benchmark.json)",
      "engines": try benchmark.engines().map { "\($0.name) \($0.python ?? "usual")" }.joined(separator: ", "),
    ]
  case let compare as CompareCommand: return ["json": "\(compare.json)"]
  case let methods as MethodsCommand: return ["json": "\(methods.json)"]
  case let list as DataCommand.List: return ["directory": list.location.dataDir ?? "none", "json": "\(list.json)"]
  case let verify as DataVerifyCommand: return ["directory": verify.location.dataDir ?? "none", "json": "\(verify.json)"]
  case let fetch as DataFetchCommand:
    return [
      "directory": fetch.location.dataDir ?? "none", "mirror": fetch.mirror ?? "none", "replace": "\(fetch.replace)",
      "quiet": "\(fetch.quiet)",
    ]
  case let run as StudyRunCommand:
    return [
      "recipe": run.recipe, "scale": run.scale ?? "first", "jobs": run.jobs.map { "\($0)" } ?? "usual", "into": run.root.into,
      "directory": run.dataDir ?? "none", "retryFailed": "\(run.retryFailed)", "extend": "\(run.extend)", "dryRun": "\(run.dryRun)",
      "quiet": "\(run.quiet)", "json": "\(run.json)", "launcher": run.launcher.rawValue, "sbatch": "\(run.sbatch)",
    ]
  case let work as StudyWorkCommand: return ["study": work.study, "key": work.key]
  case let new as StudyNewCommand: return ["words": "\(new.words)", "output": new.output ?? "standard output"]
  case let status as StudyStatusCommand: return ["study": status.study, "show": "\(status.show)", "json": "\(status.json)"]
  case let claims as StudyClaimsCommand: return ["studies": "\(claims.studies)", "json": "\(claims.json)"]
  case let query as StudyQueryCommand: return ["sql": query.sql, "into": query.root.into, "csv": "\(query.csv)"]
  case let report as ReportCommand:
    return [
      "study": report.study, "output": report.output ?? "none", "format": try report.written()?.rawValue ?? "nothing",
      "figures": report.figures ?? "none",
    ]
  case let export as StudyExportCommand: return ["study": export.study]
  case let serve as StudyServeCommand: return ["study": serve.study, "port": "\(serve.port)"]
  default: throw ValidationError("no fields of \(type(of: command)) are known here")
  }
}

private func fields(of run: ExperimentRun) throws -> [String: String] {
  let options = try run.options()
  var result = try leaves(run.experiment)
  result["directory"] = run.experiment.data?.directory
  result["path"] = run.path
  result["report"] = run.checkpoints.report
  result["metrics"] = run.checkpoints.metrics
  result["tensorboard"] = run.checkpoints.tensorboard
  result["checkpoint"] = options.checkpoint
  result["checkpointEvery"] = options.checkpointEvery?.description
  result["resume"] = "\(options.resume)"
  result["device"] = options.device.rawValue
  result["kernels"] = options.kernels.choice.rawValue
  result["proves"] = "\(options.proves)"
  result["latency"] = words(run.latencyBatches)
  result["layers"] = "\(run.showsLayers)"
  result["packs"] = "\(run.packs)"
  return result.merging(fields(of: run.output, run.run)) { first, _ in first }
}

private func words(_ latencyBatches: [Int]?) -> String { latencyBatches.map { "\($0)" } ?? "usual" }

private func fields(of output: OutputOptions?, _ run: RunOptions) -> [String: String] {
  var result = ["threads": run.threads.map { "\($0)" } ?? "by the work", "device": run.torchDevice.rawValue, "memory": "\(run.memory)"]
  if let output {
    result["quiet"] = "\(output.quiet)"
    result["json"] = "\(output.json)"
    result["path"] = output.output
  }
  return result
}

/// The values of a plan's JSON by their paths, e.g. `training.batchSize`.
func leaves(_ value: some Encodable) throws -> [String: String] {
  var result: [String: String] = [:]
  func walk(_ value: JSON, _ path: [String]) {
    switch value {
    case .object(let parts) where !parts.isEmpty: for (key, part) in parts { walk(part, path + [key]) }
    case .list(let parts) where !parts.isEmpty: for (index, part) in parts.enumerated() { walk(part, path + ["\(index)"]) }
    case .object: result[path.joined(separator: ".")] = "{}"
    case .list: result[path.joined(separator: ".")] = "[]"
    case .text(let text): result[path.joined(separator: ".")] = text
    }
  }
  walk(try JSONDecoder().decode(JSON.self, from: JSONEncoder().encode(value)), [])
  return result
}

private enum JSON: Decodable {
  case object([String: JSON])
  case list([JSON])
  case text(String)

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let object = try? container.decode([String: JSON].self) {
      self = .object(object)
    } else if let list = try? container.decode([JSON].self) {
      self = .list(list)
    } else if let flag = try? container.decode(Bool.self) {
      self = .text("\(flag)")
    } else if let count = try? container.decode(UInt64.self) {
      self = .text("\(count)")
    } else if let number = try? container.decode(Double.self) {
      self = .text("\(number)")
    } else {
      self = .text(try container.decode(String.self))
    }
  }
}

/// An option of a command as the program's own help describes it.
struct DescribedOption {
  /// The long names, e.g. `--augment` and `--no-augment`.
  let names: [String]
  /// The title above it in the help; empty for none.
  let section: String
  /// Whether it takes a value that is neither one of a few words nor a place for files.
  let takesFreeText: Bool
}

/// A command of the program as its own help describes it.
struct DescribedCommand: Decodable {
  private struct Argument: Decodable {
    struct Name: Decodable {
      var kind: String
      var name: String
    }
    var kind: String
    var names: [Name]?
    var sectionTitle: String?
    var valueName: String?
    var allValues: [String]?
  }
  private var commandName: String
  private var subcommands: [DescribedCommand]?
  private var arguments: [Argument]?

  /// The options of all commands that do something, by the commands' words.
  static func all() throws -> [String: [DescribedOption]] {
    struct Dump: Decodable { var command: DescribedCommand }
    var result: [String: [DescribedOption]] = [:]
    func walk(_ command: DescribedCommand, _ path: [String]) {
      let parts = (command.subcommands ?? []).filter { $0.commandName != "help" }
      for part in parts { walk(part, path + [part.commandName]) }
      guard parts.isEmpty else { return }
      result[path.joined(separator: " ")] = (command.arguments ?? []).compactMap { argument in
        let names = (argument.names ?? []).filter { $0.kind == "long" }.map { "--" + $0.name }
        guard !names.isEmpty, !names.contains("--help"), !names.contains("--version") else { return nil }
        return DescribedOption(
          names: names, section: argument.sectionTitle ?? "",
          takesFreeText: argument.kind == "option" && argument.allValues == nil
            && !["file", "folder", "url"].contains(argument.valueName))
      }
    }
    walk(try JSONDecoder().decode(Dump.self, from: Data(Espalier._dumpHelp().utf8)).command, [])
    return result
  }
}
