public import Files
internal import Foundation
public import Interruptions
public import Networks
public import Results
public import Torch
public import Training

/// Carries a ``TicketPlan`` out in a folder, seed by seed, training by training; what is there is never computed again.
///
/// ```
/// tickets/plan.json
/// tickets/seed-0/initial.safetensors           (and rewind.safetensors where weights go back to a step)
/// tickets/seed-0/trunk/round-00.safetensors    the trained model, its masks and recipe; round-00.json what came of it
/// tickets/seed-0/reinit-1/round-07.safetensors …
/// ```
/// Model files are written whole or not at all, a training's record after its model. A training that was broken off goes on from
/// `round-07.checkpoint` and ends with the same bytes. Round k's weights are among round k − 1's; at its start they are those of
/// `initial.safetensors` times the mask, bit for bit, biases too; optimizer and data order begin anew, the same in every round.
public struct TicketStudy {
  /// What is carried out.
  public let plan: TicketPlan
  /// Where.
  public let path: String
  /// The hold on the folder, for as long as there is this study; nil where another process has it, for which this one works.
  public let claim: FolderClaim?
  /// What the folder's plan becomes with the first training; nil where it stays.
  private let extended: TicketPlan?

  /// How a study deals with its surroundings; nothing here changes what is computed.
  public struct Options {
    /// How often a checkpoint is written, in seconds.
    public var checkpointSeconds: Double
    /// What computes the trainings.
    public var device: Device
    /// Whether they compute with the kept weights only.
    public var sparse: SparseTraining
    /// Asked after every step: whether to stop with a checkpoint; what `Interruption` says unless given.
    public var interrupted: () -> Bool
    /// Gets progress.
    public var report: (TicketProgress) -> Void
    /// Gets lines worth reading.
    public var note: (String) -> Void
    /// Gets each training before it begins; for those who count them.
    public var willTrain: (_ seed: UInt64, _ branch: String, _ round: Int) throws -> Void
    /// Gets the path of each file that has just been written.
    public var didWrite: (String) throws -> Void

    /// Options; see the properties.
    public init(
      checkpointSeconds: Double = 5, device: Device = .cpu, sparse: SparseTraining = .automatic,
      interrupted: @escaping () -> Bool = { Interruption.isRequested() },
      report: @escaping (TicketProgress) -> Void = { _ in }, note: @escaping (String) -> Void = { _ in },
      willTrain: @escaping (UInt64, String, Int) throws -> Void = { _, _, _ in }, didWrite: @escaping (String) throws -> Void = { _ in }
    ) {
      self.checkpointSeconds = checkpointSeconds
      self.device = device
      self.sparse = sparse
      self.interrupted = interrupted
      self.report = report
      self.note = note
      self.willTrain = willTrain
      self.didWrite = didWrite
    }
  }

  /// A study of this plan in this folder, which is made, or must hold the same study; no other can be made there while this one lasts.
  ///
  /// - Parameter isWorker: whether this process works for another one, which has the folder.
  /// - Throws: `PlanError` and `PruningError` for a plan that contradicts itself or is not the folder's, ``FolderInUse`` if another study
  ///   has the folder.
  public init(_ plan: TicketPlan, in path: String, memory: MemoryLimit = .standard, isWorker: Bool = false) throws {
    try plan.validate()
    try plan.training.check(plan.network, for: plan.data.dataset, within: memory)
    // Before the folder is looked at: what is refused must not depend on what lies there, and leaves nothing behind.
    _ = try TicketRun.Setting(plan, seed: plan.training.seed)
    self.plan = plan
    self.path = path
    claim = try isWorker ? nil : FolderClaim(path)
    if !isWorker { try TicketFolder(path).check() }
    extended = try TicketFolder(path).adopt(plan)
  }

  /// Runs what the folder does not hold yet.
  ///
  /// - Throws: ``TrainingError/interrupted(iteration:)`` after a checkpoint; and what training throws.
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
        options.note("seed \(seed): all \(jobs.count) trainings are there already")
        continue
      }
      let run = try TicketRun(plan.seeded(seed), seed: seed, folder: folder, options: options)
      for job in left {
        later -= 1
        try run.carryOut(job, later: later)
      }
    }
  }

  /// Trainings of one seed.
  public var trainings: Int { plan.trainings }

  /// How many of a seed's trainings are done.
  public func finished(seed: UInt64) -> Int { plan.jobs.count { TicketFolder(path).isFinished($0, seed) } }

  /// The records of all finished trainings in a folder, of all seeds.
  ///
  /// - Throws: ``MissingFolder``, `PlanError` for a folder without any, `RecordError` for damaged ones.
  public static func records(in path: String) throws -> [TicketRound] { try TicketFolder(path).records() }

  /// Tables and claims over all finished trainings in a folder, also while a study goes on in it.
  ///
  /// - Throws: as ``records(in:)``.
  public static func analysis(of path: String) throws -> TicketAnalysis {
    let folder = TicketFolder(path)
    return TicketAnalysis(try folder.records(), departure: try folder.storedPlan().map { try $0.departure } ?? "its plan.json is gone")
  }
}

/// What a study reports while it goes on.
public struct TicketProgress: Sendable {
  /// The run.
  public var seed: UInt64
  /// `trunk`, `reinit-1`, ….
  public var branch: String
  /// The training's round.
  public var round: Int
  /// Rounds in all.
  public var rounds: Int
  /// Kept fraction of the prunable weights.
  public var density: Double
  /// Trainings that are to come after this one, of all seeds.
  public var later: Int
  /// The trainer's.
  public var training: TrainingProgress
}
