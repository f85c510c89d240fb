internal import Files
internal import Foundation
public import Interruptions
public import Networks
public import Pruning
internal import Results
internal import Torch
public import Training

/// Trainings from scratch, one for each seed, with probes at regular steps (Mean Replacement Pruning, anonymous, 2019).
///
/// A folder holds the results: `study.json` holds this plan; for each seed, `seed-N.csv` holds the penalties, `seed-N.units.jsonl` the
/// chosen units and `seed-N.sha256` the checksums of both. The table is written last: a seed that has one is finished, and is skipped when
/// the study is run again; an interrupted seed is resumed from `seed-N.checkpoint`.
public struct ProbeStudy: Codable, Hashable, Sendable {
  /// Name of a network in the catalogue.
  public var network: String
  /// The data; the plan's seed is replaced by that of each run.
  public var data: DataPlan
  /// Distribution of freshly initialised weights.
  public var initialization: Initialization
  /// The training; the plan's seed is replaced by that of each run.
  public var training: TrainingPlan
  /// The probes, whose seeds are replaced by that of each run; at most one for each place of means.
  public var probes: [PenaltyProbe]
  /// Interval between probes.
  public var every: Step
  /// Whether to probe also before the first step.
  public var atStart: Bool

  /// Creates a study; every parameter sets the property of the same name.
  public init(
    network: String, data: DataPlan, initialization: Initialization = .kaimingUniform, training: TrainingPlan, probes: [PenaltyProbe],
    every: Step, atStart: Bool = false
  ) {
    self.network = network
    self.data = data
    self.initialization = initialization
    self.training = training
    self.probes = probes
    self.every = every
    self.atStart = atStart
  }

  /// Checkpoints, limits and callbacks of a study; nothing here changes the results.
  public struct Options {
    /// Seconds between checkpoints.
    public var checkpointSeconds: Double
    /// Maximum memory that the network may need.
    public var memory: MemoryLimit
    /// Called after every step; returns whether to stop with a checkpoint. By default `Interruption.isRequested`.
    public var interrupted: () -> Bool
    /// Called with the progress of trainings.
    public var report: (RunProgress) -> Void
    /// Called with lines for the user, e.g. how long probes took.
    public var note: (String) -> Void
    /// Called once the folder holds the study, so that repeating the command resumes it.
    public var didBegin: () -> Void
    /// What to do with the row of each training; nil for nothing.
    public var row: RowRequest?

    /// Creates options; every parameter sets the property of the same name.
    public init(
      checkpointSeconds: Double = 5, memory: MemoryLimit = .standard, interrupted: @escaping () -> Bool = { Interruption.isRequested() },
      report: @escaping (RunProgress) -> Void = { _ in }, note: @escaping (String) -> Void = { _ in },
      didBegin: @escaping () -> Void = {}, row: RowRequest? = nil
    ) {
      self.checkpointSeconds = checkpointSeconds
      self.memory = memory
      self.interrupted = interrupted
      self.report = report
      self.note = note
      self.didBegin = didBegin
      self.row = row
    }
  }

  /// The text of `study.json`; equal studies give equal bytes.
  private var json: String {
    get throws { try Format.json(self) + "\n" }
  }

  /// Runs the seeds that are not finished in the folder.
  ///
  /// - Throws: ``FolderInUse`` if another process is running a study in the folder; `PlanError` if the folder belongs to another study;
  ///   `RecordError` if its files are damaged; ``TrainingError/interrupted(iteration:)`` after a checkpoint; and errors of trainings and
  ///   probes.
  public func run(seeds: [UInt64], into folder: String, options: Options = Options()) throws {
    try training.check(network, for: data, examples: probes.map(\.examples).max() ?? 0, within: options.memory)
    let files = ProbeFolder(folder)
    // Before the folder is looked at: what is refused must not depend on its content, and must leave nothing behind.
    if let first = seeds.first { try check(seed: first) }
    let claim = try FolderClaim(folder)
    try withExtendedLifetime(claim) { try carryOut(seeds, files, options) }
  }

  private func carryOut(_ seeds: [UInt64], _ files: ProbeFolder, _ options: Options) throws {
    let isNew = !FileManager.default.fileExists(atPath: files.study)
    guard try isNew || files.storedStudy() == Data(json.utf8) else {
      throw PlanError("\(files.path) belongs to a study with other options; repeat those, or give another folder")
    }
    try files.check(seeds)
    // Without study.json the results cannot be interpreted, and files of these names may belong to something else.
    if isNew, let file = try files.firstOfSeeds() {
      throw RecordError("\(files.path) holds \(file), but no study.json: put it back, or give another folder")
    }
    if isNew { try SealedRecord.write(json, to: files.study) }
    options.didBegin()
    for seed in seeds {
      if FileManager.default.fileExists(atPath: files.rows(seed)) {
        options.note("seed \(seed): \(files.rows(seed)) is already there")
        continue
      }
      let result = try run(seed: seed, checkpoint: files.checkpoint(seed), options: options)
      try files.write(result, seed: seed)
      Checkpoint.remove(files.checkpoint(seed))
    }
  }

  /// Checks the data, network and probes of a seed without training or writing anything.
  ///
  /// - Throws: `PlanError` and `PruningError` if the study is impossible with its data and network.
  public func check(seed: UInt64) throws { _ = try trainer(seed: seed) }

  /// Runs the training of one seed with its probes.
  ///
  /// - Parameter checkpoint: path of the checkpoint to write, and to resume from if it exists; nil for none.
  /// - Throws: ``TrainingError/interrupted(iteration:)`` after a checkpoint; `PlanError` for a checkpoint of another study, `RecordError`
  ///   for a damaged one; and errors of trainings and probes.
  public func run(seed: UInt64, checkpoint path: String? = nil, options: Options = Options()) throws -> PenaltyProbeResult {
    var (trainer, hooks, data) = try trainer(seed: seed, note: options.note)
    let surroundings = try path.map { _ in try Surroundings(device: .cpu, kernels: .automatic, data: data) }
    if let path, FileManager.default.fileExists(atPath: path) {
      let checkpoint = try Checkpoint(contentsOf: path)
      guard checkpoint.progress == (try json) else {
        throw PlanError("\(path) belongs to a study with other options; repeat those, or remove it")
      }
      guard checkpoint.training != nil, checkpoint.model.network.nodes == trainer.model.network.nodes else {
        throw RecordError("\(path) is a damaged checkpoint: its network is not the study's")
      }
      let usesOwnKernels = TrainingKernels.automatic.mayTrain(
        checkpoint.model.network, by: trainer.plan, on: data, isPruned: !checkpoint.model.masks.isEmpty)
      if let surroundings,
        let words = try checkpoint.surroundings?.goOn(in: surroundings, from: path, usesOwnKernels: usesOwnKernels)
      {
        options.note("\(path) \(words)")
      }
      (trainer, hooks, data) = try RecordError.naming(path, as: "a damaged checkpoint") {
        try self.trainer(seed: seed, from: checkpoint)
      }
    }
    func save() throws {
      guard let path else { return }
      try Checkpoint(model: trainer.model, training: trainer.state(), progress: json, surroundings: surroundings).write(to: path)
    }
    if atStart { for hook in hooks { try hook.probeStart(trainer) } }
    var saved = Date()
    try trainer.run(
      afterStep: { trainer in
        guard !trainer.isFinished else { return }
        let stop = options.interrupted()
        if stop || -saved.timeIntervalSinceNow > options.checkpointSeconds {
          try save()
          saved = Date()
        }
        if stop { throw TrainingError.interrupted(iteration: trainer.iteration) }
      }, report: { options.report(RunProgress(phase: "seed \(seed)", training: $0)) })
    for hook in hooks {
      guard let seconds = Statistics.median(hook.seconds) else { continue }
      let passes = try seconds / hook.evaluationSeconds(of: trainer.model)
      let settings = hook.probe.layers.count * hook.probe.amounts.count
      let share = settings == 1 ? "" : ", \(Format.significant(passes / Double(settings), 3)) for each of \(settings) settings"
      options.note(
        "seed \(seed), means at \(hook.probe.replacement.place.rawValue): \(hook.seconds.count) probes without retraining; the median took "
          + "\(Format.duration(seconds)), as long as \(Format.significant(passes, 3)) evaluations\(share)")
    }
    let result = PenaltyProbeResult(rows: hooks.flatMap(\.result.rows), choices: hooks.flatMap(\.result.choices))
    if let wanted = options.row {
      try wanted.write(row(of: trainer, on: data, seed: seed, result: result, command: wanted.command, version: wanted.version))
    }
    return result
  }

  /// Returns the trainer of a seed, at its start or from a checkpoint, with the probes among its hooks; nothing is written.
  ///
  /// - Throws: `PlanError` and `PruningError` if the study is impossible with its data and network.
  private func trainer(
    seed: UInt64, from checkpoint: Checkpoint? = nil, note: (String) -> Void = { _ in }
  ) throws -> (Trainer, [PenaltyProbeHook], TrainingData) {
    var (plan, source) = (training, data)
    plan.seed = seed
    source.seed = seed
    try plan.validate()
    let data = try source.load(for: .network(network, weights: nil), note: note)
    let start = Experiment(start: .network(network, weights: nil), data: source, initialization: initialization, training: plan)
    let model = try start.startingFile(for: data.training).model
    let hooks = try probes.map { probe in
      var probe = probe
      probe.seed = seed
      try probe.check(on: model.network)
      return try PenaltyProbeHook(probe, every: every, data: data, channelsLast: model.network.hasConvolutions)
    }
    let trainer = try Trainer(plan, model: checkpoint?.model ?? model, data: data, hooks: hooks, state: checkpoint?.training)
    try check(trainer.span)
    return (trainer, hooks, data)
  }

  /// Checks that the training has a probe at all, and one at each step of retraining; otherwise the missing rows would be noticed only at
  /// the end.
  ///
  /// - Throws: `PlanError` if it has not.
  private func check(_ span: TrainingSpan) throws {
    let interval = max(every.iterations(perEpoch: span.perEpoch), 1)
    guard interval <= span.total || atStart else {
      throw PlanError("--every \(every) probes nothing in a training of \(span.length): \(span.longest(within: span.total, as: every))")
    }
    for step in probes.flatMap({ $0.retraining?.at ?? [] })
    where step == 0 ? !atStart : step % interval != 0 || step > span.total {
      throw PlanError(
        "there is no probe at step \(step) to retrain at: probes are every \(every) of \(span.total) steps"
          + (step == 0 ? ", and not before the first one" : ""))
    }
  }
}
