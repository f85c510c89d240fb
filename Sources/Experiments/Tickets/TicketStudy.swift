public import Files
internal import Foundation
public import Interruptions
public import Networks
public import Results
public import Torch
public import Training

/// Runs a ``TicketPlan`` in a folder, seed by seed, training by training; finished trainings are not repeated.
///
/// ```
/// tickets/plan.json
/// tickets/seed-0/initial.safetensors           (and rewind.safetensors where weights go back to a step)
/// tickets/seed-0/trunk/round-00.safetensors    the trained model, its masks and recipe; round-00.json what came of it
/// tickets/seed-0/reinit-1/round-07.safetensors …
/// ```
/// Model files are written atomically, a training's record after its model. An interrupted training resumes from `round-07.checkpoint` and
/// ends with the same bytes. The weights kept in round k are among those of round k − 1; at its start they equal `initial.safetensors`
/// times the mask, bit for bit, as do biases; optimizer and data order start anew, identically in every round.
public struct TicketStudy {
  /// The plan of every seed; seeds are given to ``run(seeds:options:)``.
  public let plan: TicketPlan
  /// Path of the study's folder.
  public let path: String
  /// The lock on the folder, held as long as the study exists; nil if another process, for which this one works, holds it.
  public let claim: FolderClaim?
  private let reader: WeightsReader
  /// The folder's plan extended by this one, to be written when the first training begins; nil if there is nothing to add.
  private let extended: TicketPlan?

  /// Checkpoints, device and callbacks of a study; none of them is part of its plan.
  public struct Options {
    /// Seconds between checkpoints.
    public var checkpointSeconds: Double
    /// The device of the trainings.
    public var device: Device
    /// The kernels that train fully connected networks.
    public var kernels: TrainingKernels
    /// Called after every step; returns whether to stop with a checkpoint. By default `Interruption.isRequested`.
    public var interrupted: () -> Bool
    /// Called with the progress of trainings.
    public var report: (TicketProgress) -> Void
    /// Called with lines for the user, e.g. the result of a round.
    public var note: (String) -> Void
    /// Called before each training begins, e.g. to count trainings.
    public var willTrain: (_ seed: UInt64, _ branch: String, _ round: Int) throws -> Void
    /// Called with the path of each file after it is written.
    public var didWrite: (String) throws -> Void

    /// Creates options; every parameter sets the property of the same name.
    public init(
      checkpointSeconds: Double = 5, device: Device = .cpu, kernels: TrainingKernels = .automatic,
      interrupted: @escaping () -> Bool = { Interruption.isRequested() },
      report: @escaping (TicketProgress) -> Void = { _ in }, note: @escaping (String) -> Void = { _ in },
      willTrain: @escaping (UInt64, String, Int) throws -> Void = { _, _, _ in }, didWrite: @escaping (String) throws -> Void = { _ in }
    ) {
      self.checkpointSeconds = checkpointSeconds
      self.device = device
      self.kernels = kernels
      self.interrupted = interrupted
      self.report = report
      self.note = note
      self.willTrain = willTrain
      self.didWrite = didWrite
    }
  }

  /// Opens a study of a plan in a folder, which is created, or must hold the same study; the folder is locked as long as the study exists.
  ///
  /// - Parameters:
  ///   - isWorker: whether this process works for another one, which has locked the folder.
  ///   - reader: what reads the plan's file of weights.
  /// - Throws: `PlanError` and `PruningError` if the plan contradicts itself or is not the folder's, ``FolderInUse`` if another process is
  ///   running a study in the folder.
  public init(
    _ plan: TicketPlan, in path: String, memory: MemoryLimit = .standard, isWorker: Bool = false, reader: WeightsReader = .safetensors
  ) throws {
    try plan.validate()
    try plan.training.check(plan.network, for: plan.data, within: memory)
    // Before the folder is looked at: what is refused must not depend on its content, and must leave nothing behind.
    _ = try TicketRun.Setting(plan, seed: plan.training.seed, reader: reader)
    self.plan = plan
    self.path = path
    self.reader = reader
    claim = try isWorker ? nil : FolderClaim(path)
    if !isWorker { try TicketFolder(path).check() }
    extended = try TicketFolder(path).adopt(plan)
  }

  /// Runs the trainings that are not finished in the folder.
  ///
  /// - Throws: ``TrainingError/interrupted(iteration:)`` after a checkpoint, and errors of trainings.
  public func run(seeds: [UInt64], options: Options = Options()) throws {
    try withExtendedLifetime(claim) { try carryOut(seeds, options) }
  }

  private func carryOut(_ seeds: [UInt64], _ options: Options) throws {
    let (folder, jobs) = (TicketFolder(path), plan.jobs)
    let left = seeds.map { seed in jobs.filter { !folder.isFinished($0, seed) } }
    // A kill right after a record was written leaves the checkpoint that led to it.
    for seed in seeds {
      for job in jobs where folder.isFinished(job, seed) { Checkpoint.remove(folder.checkpoint(job, seed)) }
    }
    var options = options
    if let extended {
      options.willTrain = { [willTrain = options.willTrain] seed, branch, round in
        try folder.start(extended)
        try willTrain(seed, branch, round)
      }
    }
    var later = left.reduce(0) { $0 + $1.count }
    for (seed, left) in zip(seeds, left) {
      guard !left.isEmpty else {
        options.note("seed \(seed): all \(jobs.count) trainings are already finished")
        continue
      }
      let run = try TicketRun(plan.seeded(seed), seed: seed, folder: folder, reader: reader, options: options)
      for job in left {
        later -= 1
        try run.carryOut(job, later: later)
      }
    }
  }

  /// Number of trainings per seed.
  public var trainings: Int { plan.trainings }

  /// Returns the number of a seed's finished trainings.
  public func finished(seed: UInt64) -> Int { plan.jobs.count { TicketFolder(path).isFinished($0, seed) } }

  /// Reads the records of all finished trainings in a folder, of all seeds.
  ///
  /// - Throws: ``MissingFolder``, `PlanError` if nothing is finished, `RecordError` for damaged records.
  public static func records(in path: String) throws -> [TicketRound] { try TicketFolder(path).records() }

  /// Analyses all finished trainings in a folder, also while a study is running there: tables, and a verdict on each of the paper's claims.
  ///
  /// - Throws: ``MissingFolder``, `PlanError` if nothing is finished, `RecordError` for damaged records.
  public static func analysis(of path: String) throws -> TicketAnalysis {
    let folder = TicketFolder(path)
    return TicketAnalysis(try folder.records(), departure: try folder.storedPlan().map { try $0.departure } ?? "its plan.json is gone")
  }
}

/// Progress of a study, reported while it trains.
public struct TicketProgress: Sendable {
  /// Seed of the run.
  public var seed: UInt64
  /// Name of the branch, e.g. `trunk` or `reinit-1`.
  public var branch: String
  /// Number of the training's round.
  public var round: Int
  /// Total number of rounds.
  public var rounds: Int
  /// Fraction of the prunable weights that are kept.
  public var density: Double
  /// Number of trainings after this one, over all seeds.
  public var later: Int
  /// Progress of the trainer within the training.
  public var training: TrainingProgress
}
