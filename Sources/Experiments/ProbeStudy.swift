internal import Files
internal import Foundation
public import Interruptions
public import Networks
public import Pruning
internal import Results
internal import Torch
public import Training

/// Trainings from scratch with probes in their course, one for each seed (Mean Replacement Pruning, anonymous, 2019).
///
/// A folder holds what they found: `study.json` says what was asked; for each seed `seed-N.csv` holds the penalties,
/// `seed-N.units.jsonl` the chosen units and `seed-N.sha256` the checksums of both. The table is written last, so that a seed that has one
/// is finished, and is skipped when the study is run again; a seed that was broken off goes on from `seed-N.checkpoint`.
public struct ProbeStudy: Codable, Hashable, Sendable {
  /// A name of the architectures' catalogue.
  public var network: String
  /// Which data; its seed is replaced by the run's.
  public var data: DataPlan
  /// How fresh weights are drawn.
  public var initialization: Initialization
  /// How it is trained; the seed is replaced by the run's.
  public var training: TrainingPlan
  /// What is looked at; the seeds are replaced by the run's. At most one for each place of means.
  public var probes: [PenaltyProbe]
  /// How often.
  public var every: Step
  /// Whether also before the first step.
  public var atStart: Bool

  /// A study of these parts.
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

  /// How a study deals with its surroundings; nothing here changes what is computed.
  public struct Options {
    /// How often a checkpoint is written, in seconds.
    public var checkpointSeconds: Double
    /// The most memory that the network may need.
    public var memory: MemoryLimit
    /// Asked after every step: whether to stop with a checkpoint; what `Interruption` says unless given.
    public var interrupted: () -> Bool
    /// Gets progress.
    public var report: (RunProgress) -> Void
    /// Gets lines worth reading.
    public var note: (String) -> Void
    /// Told once the folder is the study's, so that the same study goes on from what is in it.
    public var didBegin: () -> Void

    /// Options; see the properties.
    public init(
      checkpointSeconds: Double = 5, memory: MemoryLimit = .standard, interrupted: @escaping () -> Bool = { Interruption.isRequested() },
      report: @escaping (RunProgress) -> Void = { _ in }, note: @escaping (String) -> Void = { _ in },
      didBegin: @escaping () -> Void = {}
    ) {
      self.checkpointSeconds = checkpointSeconds
      self.memory = memory
      self.interrupted = interrupted
      self.report = report
      self.note = note
      self.didBegin = didBegin
    }
  }

  /// The text of `study.json`: the same study, the same bytes.
  private var json: String {
    get throws { try Format.json(self) + "\n" }
  }

  /// Runs the seeds that the folder does not hold yet.
  ///
  /// - Throws: ``FolderInUse`` if another study is at work in the folder; `PlanError` if it belongs to one; `RecordError` if what it holds is
  ///   damaged; ``TrainingError/interrupted(iteration:)`` after a checkpoint; and what training and probes throw.
  public func run(seeds: [UInt64], into folder: String, options: Options = Options()) throws {
    try training.check(network, for: data.dataset, examples: probes.map(\.examples).max() ?? 0, within: options.memory)
    let files = ProbeFolder(folder)
    // Before the folder is looked at: what is refused must not depend on what lies there, and leaves nothing behind.
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
    // Without its study nobody knows what was found there; and files of that name may be somebody else's.
    if isNew, let file = try files.firstOfSeeds() {
      throw RecordError("\(files.path) holds \(file), but no study.json: put it back, or give another folder")
    }
    if isNew { try SealedRecord.write(json, to: files.study) }
    options.didBegin()
    for seed in seeds {
      if FileManager.default.fileExists(atPath: files.rows(seed)) {
        options.note("seed \(seed): \(files.rows(seed)) is there already")
        continue
      }
      let result = try run(seed: seed, checkpoint: files.checkpoint(seed), options: options)
      try files.write(result, seed: seed)
      Checkpoint.remove(files.checkpoint(seed))
    }
  }

  /// Whether a seed can be run: its data, network and probes; nothing is trained or written.
  ///
  /// - Throws: `PlanError` and `PruningError` for a study that data and network do not allow.
  public func check(seed: UInt64) throws { _ = try trainer(seed: seed) }

  /// One training with its probes.
  ///
  /// - Parameter checkpoint: where it goes on from, if there is one, and is kept; nil for none.
  public func run(seed: UInt64, checkpoint path: String? = nil, options: Options = Options()) throws -> PenaltyProbeResult {
    var (trainer, hooks, data) = try trainer(seed: seed, note: options.note)
    let surroundings = path.map { _ in Surroundings(device: .cpu, sparse: .automatic, data: data) }
    if let path, FileManager.default.fileExists(atPath: path) {
      let checkpoint = try Checkpoint(contentsOf: path)
      guard checkpoint.progress == (try json) else {
        throw PlanError("\(path) belongs to a study with other options; repeat those, or remove it")
      }
      guard checkpoint.training != nil, checkpoint.model.network.nodes == trainer.model.network.nodes else {
        throw RecordError("\(path) is a damaged checkpoint: its network is not the study's")
      }
      if let surroundings, let words = try checkpoint.surroundings?.goOn(in: surroundings, from: path) { options.note("\(path) \(words)") }
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
    return PenaltyProbeResult(rows: hooks.flatMap(\.result.rows), choices: hooks.flatMap(\.result.choices))
  }

  /// The training of a seed, at its start or from a checkpoint, and the probes among its hooks; nothing is written.
  ///
  /// - Throws: `PlanError` and `PruningError` for a study that these data and this network do not allow.
  private func trainer(
    seed: UInt64, from checkpoint: Checkpoint? = nil, note: (String) -> Void = { _ in }
  ) throws -> (Trainer, [PenaltyProbeHook], TrainingData) {
    var (plan, source) = (training, data)
    plan.seed = seed
    source.seed = seed
    try plan.validate()
    let data = try source.load(note: note)
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

  /// - Throws: `PlanError` for a study without a probe, and for a step of retraining at which nothing is probed: its rows would be missed
  ///   only at the end.
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
