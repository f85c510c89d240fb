internal import ArgumentParser
internal import Datasets
internal import Experiments
internal import Files
internal import Foundation
internal import Networks
internal import Results
internal import Studies
internal import Torch
internal import Training

/// Finds what decides the result of a command line, without computing anything: the same parsing and checks as the command itself makes.
final class RunResolver {
  /// The commands that recipes may use, and their options but those of where and how a run writes.
  static func vocabulary() throws -> Recipe.Vocabulary {
    let own: Set = [
      "output", "report", "metrics", "tensorboard", "resume", "checkpoint", "checkpoint-every", "json", "quiet", "help", "version",
      "worker", "parallel", "seeds", "analyse", "rows", "late-start",
    ]
    return try ["prune": PruneCommand.self, "train": TrainCommand.self, "probe": ProbeCommand.self].mapValues {
      (command: any ParsableCommand.Type) in
      let options = try DescribedOptions(of: command).options.filter { !own.contains($0.name) }
      let model = Recipe.Option(
        Recipe.Setting.modelOption, help: "The model file to prune, which stands on the command line without a name.")
      return Recipe.CommandOptions((command == PruneCommand.self ? [model] : []) + options)
    }
  }

  private var known: [String: (fingerprint: String, example: ExampleSet)] = [:]
  private let note: (String) -> Void

  /// Creates a resolver.
  ///
  /// - Parameter note: called with lines for the user, as when data are read.
  init(note: @escaping (String) -> Void = { _ in }) { self.note = note }

  /// Version of the program, as it decides a run's key.
  static var tool: String { "espalier \(Espalier.version), libtorch \(TorchRuntime.version)" }

  /// Resolves the words of a command line.
  ///
  /// - Throws: what the command would throw for them, and `DatasetError` for data that cannot be read.
  func callAsFunction(_ arguments: [String]) throws -> ResolvedRun {
    let rest = Array(arguments.dropFirst())
    switch arguments.first {
    case "train":
      let command = try Self.parsed(TrainCommand.self, rest)
      return try resolved(command.job())
    case "prune":
      let command = try Self.parsed(PruneCommand.self, rest)
      switch try command.job(GivenOptions(rest)) {
      case let run as ExperimentRun: return try resolved(run)
      case let run as TicketCommandRun: return try resolved(run, seed: command.running.seed)
      default: throw PlanError("this method cannot be a part of a study")
      }
    case "probe":
      // The folder is where the study keeps the run; without one the options do not describe a training.
      return try resolved(Self.parsed(ProbeCommand.self, rest + ["--output", Self.probes]))
    default: throw PlanError("a study has no command \((arguments.first ?? "").debugDescription)")
    }
  }

  private static func parsed<Command: ParsableCommand>(_ type: Command.Type, _ arguments: [String]) throws -> Command {
    do {
      let command = try type.parse(arguments)
      try (command as? any CheckedCommand)?.check()
      return command
    } catch { throw PlanError(type.message(for: error)) }
  }

  private struct Settings: Encodable {
    var experiment: String
    var threads: Int?
    var device: String
    var kernels: String
    var proves: Bool
    var latency: Bool
    /// Nil for a plain file, which keeps the keys of earlier studies.
    var packs: Bool?
  }

  private func resolved(_ run: ExperimentRun) throws -> ResolvedRun {
    let experiment = run.experiment
    let data = experiment.sequence?.datasets ?? [experiment.data].compactMap(\.self)
    let sets = try data.map { try read($0, experiment.start) }
    // The data sets of a sequence are fitted to the network.
    if experiment.sequence == nil { try Self.check(experiment, on: sets.last?.example) }
    let prints = sets.map(\.fingerprint)
    let settings = Settings(
      experiment: try Self.withoutStart(experiment).json, threads: run.run.threads, device: run.run.device.rawValue,
      kernels: "\(run.kernels)", proves: run.proves, latency: run.latencyBatches == nil, packs: run.packs ? true : nil)
    return ResolvedRun(
      settings: try Format.json(settings),
      data: (prints + [try checksum(experiment.start), try teacher(of: experiment)].compactMap(\.self)).joined(separator: "+"),
      artefact: "model.safetensors", dataset: experiment.data?.dataset)
  }

  private func resolved(_ run: TicketCommandRun, seed: UInt64) throws -> ResolvedRun {
    struct TicketSettings: Encodable {
      var plan: TicketPlan
      var seed: UInt64
      var device: String
      var latency: Bool
    }
    let settings = TicketSettings(
      plan: run.plan, seed: seed, device: run.run.device.rawValue, latency: run.latencyBatches == nil)
    let start = Experiment.Start.network(run.plan.network, weights: run.plan.weights)
    return ResolvedRun(settings: try Format.json(settings), data: try fingerprint(run.plan.data, start), artefact: "tickets")
  }

  /// Name of the folder that a training with probes writes.
  private static let probes = "probes"

  private func resolved(_ command: ProbeCommand) throws -> ResolvedRun {
    struct ProbeSettings: Encodable {
      var study: ProbeStudy
      var seed: UInt64
      var threads: Int?
    }
    guard let network = command.given.network, !command.given.hasWeights else {
      throw PlanError("a study probes trainings: give --network without --weights")
    }
    let study = try command.study(network)
    let settings = ProbeSettings(study: study, seed: command.running.seed, threads: command.running.threads)
    return ResolvedRun(
      settings: try Format.json(settings), data: try fingerprint(study.data, .network(network, weights: nil)), artefact: Self.probes)
  }

  /// The experiment without the path of its model, which its content or key stands for.
  private static func withoutStart(_ experiment: Experiment) -> Experiment {
    var experiment = experiment
    switch experiment.start {
    case .file: experiment.start = .file("")
    case .imported: experiment.start = .imported("")
    case .network: break
    }
    return experiment
  }

  /// Checksum of the file that a run begins with; nil if it begins with none, or with the model of a run yet to come.
  private func checksum(_ start: Experiment.Start) throws -> String? {
    let path: String? =
      switch start {
      case .file(let path), .imported(let path): path
      case .network(_, let weights): weights?.path
      }
    guard let path, !Self.isToCome(start) else { return nil }
    return try RunStore.checksum(path)
  }

  /// Checksum of the file of a teacher; nil without one.
  private func teacher(of experiment: Experiment) throws -> String? { try experiment.distillation?.teacher.map(RunStore.checksum) }

  private static func isToCome(_ start: Experiment.Start) -> Bool {
    if case .file(let path) = start { RunStore.isOne(path) } else { false }
  }

  /// The fingerprint of the data of a training that begins with a network, which must take them.
  private func fingerprint(_ plan: DataPlan, _ start: Experiment.Start) throws -> String {
    let data = try read(plan, start)
    try Self.check(Experiment(start: start, data: plan, training: nil), on: data.example)
    return data.fingerprint
  }

  private static func check(_ experiment: Experiment, on example: ExampleSet?) throws {
    do { try experiment.checkNetwork(for: example) } catch let error as NetworkError { throw PlanError("--network: \(error)") }
  }

  /// Fingerprint of all examples of a data set, whatever part of them a run draws, and one of them.
  private func read(_ plan: DataPlan, _ start: Experiment.Start) throws -> (fingerprint: String, example: ExampleSet) {
    var whole = plan
    (whole.subset, whole.validation, whole.seed) = (nil, 0, 0)
    let key = "\(plan.directory ?? "") \(try Format.json(whole)) \(plan.preparation == nil ? "" : try Format.json("\(start)"))"
    if let known = known[key] { return known }
    note("reading \(plan.dataset)")
    // The model of a run yet to come cannot say what it takes.
    let data = try whole.load(for: Self.isToCome(start) ? nil : start, takesUnlabelled: true, note: note)
    let print = try [data.training, data.validation, data.test].map { try $0?.fingerprint ?? "none" }.joined(separator: "/")
    let found = (print, try data.training.selecting([0]))
    known[key] = found
    return found
  }
}

/// A command's long options, as it describes them itself.
struct DescribedOptions {
  private struct Dump: Decodable { var command: Described }
  private struct Described: Decodable {
    struct Argument: Decodable {
      struct Name: Decodable {
        var kind: String
        var name: String
      }
      var names: [Name]?
      var kind: String
      var isRepeating: Bool?
      var allValues: [String]?
      var abstract: String?

      var long: [String] { (names ?? []).filter { $0.kind == "long" }.map(\.name) }
    }
    var arguments: [Argument]?
  }

  /// The options by their names without dashes, in the order of the help.
  let options: [Recipe.Option]
  /// The names without dashes, in the order of the help.
  var names: [String] { options.map(\.name) }
  /// Those that may be given several times.
  var repeating: Set<String> { Set(options.filter(\.isRepeating).map(\.name)) }
  /// All names, long or short, of those that take a value.
  let valued: Set<String>

  init(of command: any ParsableCommand.Type) throws {
    let dump = try JSONDecoder().decode(Dump.self, from: Data(command._dumpHelp().utf8))
    let arguments = dump.command.arguments ?? []
    options = arguments.flatMap { argument in
      argument.long.map { name in
        Recipe.Option(
          name, isFlag: argument.kind == "flag", isRepeating: argument.isRepeating ?? false, values: argument.allValues ?? [],
          help: argument.abstract ?? "")
      }
    }
    valued = Set(arguments.filter { $0.kind == "option" }.flatMap { ($0.names ?? []).map(\.name) })
  }
}
