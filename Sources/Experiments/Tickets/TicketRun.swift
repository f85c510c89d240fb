internal import Datasets
internal import Files
internal import Foundation
internal import Networks
internal import Pruning
internal import Results
internal import Torch
internal import Training

/// One seed of a ticket study; keeps the data and everything else that several trainings share.
final class TicketRun {
  let plan: TicketPlan
  let seed: UInt64
  let folder: TicketFolder
  let data: TrainingData
  let initial: Model
  private let options: TicketStudy.Options
  private let counts: [[Int]]
  private let evaluated: EvaluatedParts
  private let core: String
  private let surroundings: Surroundings
  private let span: TrainingSpan
  // The trained model of the last round, from which the next round starts.
  private var last: (job: TicketJob, model: Model)?

  init(_ plan: TicketPlan, seed: UInt64, folder: TicketFolder, reader: WeightsReader, options: TicketStudy.Options) throws {
    self.plan = plan
    self.seed = seed
    self.folder = folder
    self.options = options
    let setting = try Setting(plan, seed: seed, reader: reader, note: options.note)
    (data, span, counts) = (setting.data, setting.span, setting.counts)
    try Folder.make(folder.seed(seed))
    let path = folder.initial(seed)
    if FileManager.default.fileExists(atPath: path) {
      initial = try ModelFile(contentsOf: path).model
    } else {
      initial = setting.initial
      try ModelFile(
        model: initial, preprocessing: data.preprocessing, classes: data.training.classNames, recipe: try setting.start.json
      ).write(to: path)
      try options.didWrite(path)
    }
    surroundings = try Surroundings(device: options.device, kernels: options.kernels, data: data, start: try RegularFile(path).checksum())
    // Rounds after the first train what the rounds before have pruned.
    let usesOwnKernels = options.kernels.mayTrain(initial.network, by: plan.training, on: data, isPruned: plan.rounds > 0)
    try Self.note(surroundings, usesOwnKernels: usesOwnKernels, in: folder, seed: seed, options)
    core = try plan.core.json
    evaluated = try EvaluatedParts(of: data, for: initial.network)
  }

  /// Records the surroundings of a seed's trainings, and notes differences from those of its rounds so far.
  ///
  /// - Throws: `RecordError` if earlier rounds used other images.
  private static func note(
    _ surroundings: Surroundings, usesOwnKernels: Bool, in folder: TicketFolder, seed: UInt64, _ options: TicketStudy.Options
  ) throws {
    let (path, earlier) = (folder.surroundings(seed), try folder.storedSurroundings(seed))
    guard earlier != surroundings else { return }
    if let words = try earlier?.goOn(
      in: surroundings, from: folder.seed(seed), startedWith: folder.initial(seed), usesOwnKernels: usesOwnKernels)
    {
      options.note("\(folder.seed(seed)) \(words)")
    }
    try SealedRecord.write(Format.json(surroundings) + "\n", to: path)
    try options.didWrite(path)
  }

  /// Maximum number of evaluations in a training, limited by the size of its record.
  static let maximumEvaluations = 100_000

  /// The data, initial model and counts of a seed, made without writing anything.
  struct Setting {
    let data: TrainingData
    let span: TrainingSpan
    let start: Experiment
    let initial: Model
    let counts: [[Int]]

    /// Loads the data and initialises the model.
    ///
    /// - Throws: `PlanError` if the plan is impossible with these data, and errors of data and network.
    init(_ plan: TicketPlan, seed: UInt64, reader: WeightsReader, note: (String) -> Void = { _ in }) throws {
      let plan = plan.seeded(seed)
      data = try plan.data.load(for: .network(plan.network, weights: plan.weights), note: note)
      span = try TrainingSpan(plan.training, on: data)
      if case .step(let step) = plan.rewinding, step.iterations(perEpoch: span.perEpoch) >= span.total {
        throw PlanError("--rewind \(step) is not before the end of the training, which has \(span.total) steps")
      }
      let every = max(plan.training.evaluateEvery.iterations(perEpoch: span.perEpoch), 1)
      guard span.total / every <= TicketRun.maximumEvaluations else {
        throw PlanError(
          "--evaluate-every \(plan.training.evaluateEvery) asks for \(span.total / every) evaluations in each training: at most "
            + "\(TicketRun.maximumEvaluations) are possible")
      }
      start = Experiment(
        start: .network(plan.network, weights: plan.weights), data: plan.data, initialization: plan.initialization, training: plan.training)
      initial = try start.startingFile(for: data.training, reader: reader, note: note).model
      counts = try plan.counts(for: initial.network)
    }
  }

  // MARK: - One training

  func carryOut(_ job: TicketJob, later: Int) throws {
    let begun = try begin(job)
    try Folder.make(folder.branch(job, seed))
    let trainer = try RecordError.naming(folder.checkpoint(job, seed), as: "a damaged checkpoint") {
      try Trainer(
        begun.training, model: begun.model, data: data, state: begun.state, device: options.device, evaluated: evaluated,
        kernels: options.kernels)
    }
    let layers = try MaskSet(begun.model).layers.map { TicketRound.Layer(name: $0.name, prunable: $0.prunable, kept: $0.kept) }
    let density = try MaskSet(begun.model).density
    let rewindStep = job.branch == nil && job.round == 0 ? self.rewindStep : nil
    let before = begun.seconds
    let clock = ContinuousClock()
    let started = clock.now
    var (saved, done) = (started, 0)
    func elapsed() -> Double { before + (clock.now - started) / .seconds(1) }
    func save() throws {
      let progress = try JSONEncoder.records.text(Progress(core: core, seconds: elapsed()))
      try Checkpoint(model: trainer.model, training: trainer.state(), progress: progress, surroundings: surroundings)
        .write(to: folder.checkpoint(job, seed))
      saved = clock.now
      try options.didWrite(folder.checkpoint(job, seed))
    }
    if rewindStep == 0 { try keepForRewinding(trainer.model) }
    try trainer.run(
      afterStep: { trainer in
        done += 1
        // Before any checkpoint of this step or a later one, so that it is never missing.
        if trainer.iteration == rewindStep { try keepForRewinding(trainer.model) }
        guard !trainer.isFinished else { return }
        let stop = options.interrupted()
        if stop || clock.now - saved > .seconds(options.checkpointSeconds) { try save() }
        if stop { throw TrainingError.interrupted(iteration: trainer.iteration) }
      },
      report: {
        options.report(
          TicketProgress(
            seed: seed, branch: job.folder, round: job.round, rounds: plan.rounds, density: density, later: later, training: $0))
      })
    // The trained weights must survive a kill between the two files below.
    try save()
    // Row-major, as when read from a file: sums over another memory layout are rounded differently.
    var model = try trainer.model.moved(to: .cpu)
    model.tensors = try model.tensors.mapValues { try $0.detached().contiguous() }
    try file(model, job, layers, iterations: trainer.totalIterations).write(to: folder.model(job, seed))
    try options.didWrite(folder.model(job, seed))
    let record = TicketRound(
      seed: seed, branch: job.folder, round: job.round, layers: layers, iterations: trainer.totalIterations,
      firstIteration: begun.firstIteration, evaluations: trainer.log.evaluations.map(TicketRound.Evaluation.init),
      iterationsPerSecond: Self.rate(trainer, done: done), seconds: elapsed(), model: try RegularFile(folder.model(job, seed)).checksum(),
      rewind: try rewindStep.map { _ in try RegularFile(folder.rewind(seed)).checksum() })
    try SealedRecord.write(record.json(), to: folder.record(job, seed))
    try options.didWrite(folder.record(job, seed))
    Checkpoint.remove(folder.checkpoint(job, seed))
    if job.branch == nil { last = (job, model) }
    options.note("seed \(seed): \(job.folder) \(record.summary(of: plan.rounds))")
  }

  /// Returns steps per second of whole epochs, without evaluations; including them for trainings shorter than an epoch.
  private static func rate(_ trainer: Trainer, done: Int) -> Double? {
    let seconds = trainer.epochSeconds.reduce(0) { $0 + $1.seconds }
    if seconds > 0 { return Double(trainer.epochSeconds.count * trainer.iterationsPerEpoch) / seconds }
    return done > 0 && trainer.seconds > 0 ? Double(done) / trainer.seconds : nil
  }

  private struct Progress: Codable {
    var core: String
    var seconds: Double
  }

  private struct Beginning {
    var model: Model
    var training: TrainingPlan
    var state: Trainer.State?
    var seconds = 0.0
    var firstIteration = 0
  }

  /// Returns the model and plan that a training starts or resumes with.
  private func begin(_ job: TicketJob) throws -> Beginning {
    var training = plan.training
    // As in the trunk, the rewinding decides what follows the removal.
    let followsTrunk = job.branch == nil || job.branch == .oneShot
    let keepsLastRate = job.round > 0 && (job.branch == .finetune || (followsTrunk && plan.rewinding == .none))
    if keepsLastRate {
      let rate = training.learningRate.rate(at: max(span.total - 1, 0), of: span.total, perEpoch: span.perEpoch)
      training.learningRate = LearningRateSchedule(base: rate)
    }
    var first = 0
    if case .step = plan.rewinding, job.round > 0, job.branch != .reinit, job.branch != .finetune {
      first = rewindStep ?? 0
    }
    let path = folder.checkpoint(job, seed)
    if FileManager.default.fileExists(atPath: path) {
      let checkpoint = try Checkpoint(contentsOf: path)
      guard let progress = try? JSONDecoder.records.decode(Progress.self, from: Data(checkpoint.progress.utf8)),
        checkpoint.training != nil, checkpoint.model.network.nodes == initial.network.nodes
      else { throw RecordError("\(path) is a damaged checkpoint: its record is none of a round's") }
      guard progress.core == core else {
        throw PlanError("\(path) belongs to a study with other options; remove it to train this round anew")
      }
      // Differences of threads and kernels were reported when the seed began.
      _ = try checkpoint.surroundings?.goOn(in: surroundings, from: path, usesOwnKernels: false)
      return Beginning(
        model: checkpoint.model, training: training, state: checkpoint.training, seconds: progress.seconds, firstIteration: first)
    }
    let state = first == 0 ? nil : try Self.state(at: first, seed: plan.training.seed)
    let model = try startingModel(job)
    // The starting model may be damaged: until here nothing has been written for this training.
    try options.willTrain(seed, job.folder, job.round)
    return Beginning(model: model, training: training, state: state, firstIteration: first)
  }

  /// Returns the state of a trainer without any history at a given step of the data order and the learning-rate schedule.
  private static func state(at iteration: Int, seed: UInt64) throws -> Trainer.State {
    Trainer.State(
      iteration: iteration, log: TrainingLog(), optimizer: .init(stepCount: 0, moments: [:]),
      dropout: try Generator(seed: SeedPurpose.dropout.seed(from: seed)).state(), hooks: [:])
  }

  // MARK: - Where weights begin

  private var rewindStep: Int? {
    guard case .step(let step) = plan.rewinding else { return nil }
    return step.iterations(perEpoch: span.perEpoch)
  }

  private func keepForRewinding(_ model: Model) throws {
    try ModelFile(model: model, preprocessing: data.preprocessing, classes: data.training.classNames).write(to: folder.rewind(seed))
    try options.didWrite(folder.rewind(seed))
  }

  private func startingModel(_ job: TicketJob) throws -> Model {
    guard job.round > 0 else { return initial }
    guard let branch = job.branch else {
      let previous = try trained(TicketJob(branch: nil, round: job.round - 1))
      let pruned = try pruned(previous, to: job.round)
      return plan.rewinding.resetsWeights ? try pruned.rewound(to: origin()) : pruned
    }
    let ticket = try trained(TicketJob(branch: nil, round: job.round))
    switch branch {
    case .reinit:
      let mixed = SeedPurpose.initialization.seed(from: plan.training.seed) &+ UInt64(job.draw)
      let fresh = try Model(
        initial.network, initialization: plan.initialization, seed: SeedPurpose.initialization.seed(from: mixed))
      return try ticket.rewound(to: fresh)
    case .finetune:
      let previous = try trained(TicketJob(branch: nil, round: job.round - 1))
      return try ticket.rewound(to: previous)
    case .oneShot:
      let dense = try trained(TicketJob(branch: nil, round: 0))
      let kept = try MaskSet(ticket).layers.map(\.kept)
      let pruned =
        try plan.scope == .layer
        ? dense.pruned(by: plan.criterion, keeping: kept, seed: scoreSeed)
        : dense.pruned(by: plan.criterion, keeping: counts[job.round][0], ignoring: plan.rates.ignored, seed: scoreSeed)
      return try plan.rewinding.resetsWeights ? pruned.rewound(to: origin()) : pruned
    case .randomMask:
      return try initial.pruned(by: .random, keeping: MaskSet(ticket).layers.map(\.kept), seed: scoreSeed).rewound(to: origin())
    case .randomMaskERK:
      return try initial.prunedByERK(keeping: MaskSet(ticket).kept, ignoring: plan.rates.ignored, seed: scoreSeed).rewound(to: origin())
    }
  }

  private var scoreSeed: UInt64 { SeedPurpose.scores.seed(from: plan.training.seed) }

  /// Returns the weights that rewinding restores.
  private func origin() throws -> Model {
    guard case .step = plan.rewinding else { return initial }
    let path = folder.rewind(seed)
    let model = try ModelFile(contentsOf: path).model
    try check(path, against: record(TicketJob(branch: nil, round: 0)).rewind)
    return model
  }

  private func pruned(_ model: Model, to round: Int) throws -> Model {
    try plan.scope == .layer
      ? model.pruned(by: plan.criterion, keeping: counts[round], seed: scoreSeed, round: round)
      : model.pruned(by: plan.criterion, keeping: counts[round][0], ignoring: plan.rates.ignored, seed: scoreSeed, round: round)
  }

  private func trained(_ job: TicketJob) throws -> Model {
    if let last, last.job == job { return last.model }
    let path = folder.model(job, seed)
    let model = try ModelFile(contentsOf: path).model
    try check(path, against: record(job).model)
    return model
  }

  /// Compares a file with the checksum in its record.
  ///
  /// - Throws: `RecordError` if they differ.
  private func check(_ path: String, against checksum: String?) throws {
    guard let checksum, try RegularFile(path).checksum() != checksum else { return }
    throw RecordError("\(path) has changed since it was written: its checksum differs from the one in its round's record")
  }
}
