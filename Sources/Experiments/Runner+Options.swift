public import Interruptions
public import Networks
public import Torch
public import Training

extension Runner {
  /// Checkpoints, device, limits and callbacks of a run; none of them is part of its recipe.
  public struct Options {
    /// Path of the checkpoint; nil for none.
    public var checkpoint: String?
    /// Path of the model file that the run is to write; if it replaces a file, checkpoints get that file's permissions.
    public var output: String?
    /// Interval between checkpoints; nil for each epoch, but at most every few seconds.
    public var checkpointEvery: Step?
    /// Whether to resume from the checkpoint, if it exists.
    public var resume: Bool
    /// The device of the trainings.
    public var device: Device
    /// The kernels that train fully connected networks.
    public var kernels: TrainingKernels
    /// The most threads, if the numbers for libtorch and for our own kernels are to follow the work
    /// (``TrainingKernels/threads(for:batch:most:)``); nil to keep libtorch's setting for both.
    public var mostThreads: Int?
    /// Whether every surgery is proved by comparing outputs before and after it.
    public var proves: Bool
    /// What reads a file of weights that the run begins with.
    public var reader: WeightsReader
    /// Maximum memory that the network may need.
    public var memory: MemoryLimit
    /// Called after every step; returns whether to stop with a checkpoint. By default `Interruption.isRequested`.
    public var interrupted: () -> Bool
    /// Called after each checkpoint, and when the run has resumed from one.
    public var didCheckpoint: () -> Void
    /// Called with the progress of trainings.
    public var report: (RunProgress) -> Void
    /// Learn every moment of the run, in this order.
    public var observers: [any RunObserver]
    /// Called with lines for the user, e.g. the counts of a removal.
    public var note: (String) -> Void

    /// Creates options; every parameter sets the property of the same name.
    public init(
      checkpoint: String? = nil, output: String? = nil, checkpointEvery: Step? = nil, resume: Bool = false, device: Device = .cpu,
      kernels: TrainingKernels = .automatic, mostThreads: Int? = nil, proves: Bool = true, reader: WeightsReader = .safetensors,
      memory: MemoryLimit = .standard,
      interrupted: @escaping () -> Bool = { Interruption.isRequested() }, didCheckpoint: @escaping () -> Void = {},
      report: @escaping (RunProgress) -> Void = { _ in }, observers: [any RunObserver] = [], note: @escaping (String) -> Void = { _ in }
    ) {
      self.checkpoint = checkpoint
      self.output = output
      self.checkpointEvery = checkpointEvery
      self.resume = resume
      self.device = device
      self.kernels = kernels
      self.mostThreads = mostThreads
      self.proves = proves
      self.reader = reader
      self.memory = memory
      self.interrupted = interrupted
      self.didCheckpoint = didCheckpoint
      self.report = report
      self.observers = observers
      self.note = note
    }
  }
}
