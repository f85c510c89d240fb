public import Interruptions
public import Networks
public import Torch
public import Training

extension Runner {
  /// How a run deals with its surroundings; nothing here changes what is computed.
  public struct Options {
    /// Where checkpoints go; nil for none.
    public var checkpoint: String?
    /// The file that the run is to make; where it replaces one, checkpoints are as private as that.
    public var output: String?
    /// How often; nil for each epoch, but not more than every few seconds.
    public var checkpointEvery: Step?
    /// Whether to go on from the checkpoint, if there is one.
    public var resume: Bool
    /// What computes the trainings.
    public var device: Device
    /// Whether they compute with the kept weights only.
    public var sparse: SparseTraining
    /// Whether surgeries are proved.
    public var proves: Bool
    /// The most memory that the network may need.
    public var memory: MemoryLimit
    /// Asked after every step: whether to stop with a checkpoint; what `Interruption` says unless given.
    public var interrupted: () -> Bool
    /// Told after each checkpoint, and of that which the run goes on from.
    public var didCheckpoint: () -> Void
    /// Gets progress.
    public var report: (RunProgress) -> Void
    /// Gets lines worth reading, such as a removal's counts.
    public var note: (String) -> Void

    /// Options; see the properties.
    public init(
      checkpoint: String? = nil, output: String? = nil, checkpointEvery: Step? = nil, resume: Bool = false, device: Device = .cpu,
      sparse: SparseTraining = .automatic, proves: Bool = true, memory: MemoryLimit = .standard,
      interrupted: @escaping () -> Bool = { Interruption.isRequested() }, didCheckpoint: @escaping () -> Void = {},
      report: @escaping (RunProgress) -> Void = { _ in }, note: @escaping (String) -> Void = { _ in }
    ) {
      self.checkpoint = checkpoint
      self.output = output
      self.checkpointEvery = checkpointEvery
      self.resume = resume
      self.device = device
      self.sparse = sparse
      self.proves = proves
      self.memory = memory
      self.interrupted = interrupted
      self.didCheckpoint = didCheckpoint
      self.report = report
      self.note = note
    }
  }
}
