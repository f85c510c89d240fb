internal import Datasets
internal import SparseRuntime
public import Torch

/// Everything besides model, plan and seed that decides the bits of a training, recorded in whatever may be resumed.
public struct Surroundings: Codable, Hashable, Sendable {
  /// Number of libtorch's threads, which changes the order of sums.
  public var threads: Int
  /// Device that computes.
  public var device: Device
  /// Name of the device if it is not the processor; nil in records of earlier versions, too.
  public var accelerator: String?
  /// The kernels that train fully connected networks and pruned convolutions; nil in records from before there were dense ones of our own.
  public var kernels: TrainingKernels.Choice?
  /// ``TrainingKernels/generation`` of those kernels; nil if libtorch computes everything, and in records from before it was kept.
  public var generation: Int?
  /// Vector instructions of libtorch and of our own kernels, e.g. `AVX512/avx512`.
  public var instructions: String
  /// Version of libtorch.
  public var libtorch: String
  /// Fingerprint of each part of the data.
  public var images: [Part: String]
  /// SHA-256 of the file whose weights the run started from; nil if they were freshly initialised.
  public var start: String?

  /// A part of the data.
  public enum Part: String, Codable, Hashable, Sendable, CaseIterable, CodingKeyRepresentable {
    /// Images that the optimizer learns from.
    case training
    /// Images used for early stopping and other choices.
    case validation
    /// Images that results are reported on.
    case test
  }

  /// Records the surroundings of this process with the given data; reads every example once. Several data sets are recorded as one, in
  /// their order.
  ///
  /// - Parameter start: SHA-256 of the file whose weights are trained or pruned; nil if there is none.
  /// - Throws: errors of reading examples.
  public init(device: Device, kernels: TrainingKernels, data: [TrainingData], start: String? = nil) throws {
    threads = TorchRuntime.threads
    self.device = device
    accelerator = device == .cpu ? nil : TorchRuntime.cudaName
    self.kernels = kernels.choice
    generation = kernels.choice == .libtorch ? nil : TrainingKernels.generation
    let form = kernels.form ?? KernelForm.available.last
    instructions = TorchRuntime.cpuCapability + (form.map { "/" + $0.rawValue } ?? "")
    libtorch = TorchRuntime.version
    images = [:]
    images[.training] = try Self.joined(data.map(\.training))
    images[.validation] = try Self.joined(data.map(\.validation))
    images[.test] = try Self.joined(data.map(\.test))
    self.start = start
  }

  /// The fingerprints of one part of all data sets, joined; nil if none has it.
  private static func joined(_ parts: [ExampleSet?]) throws -> String? {
    guard parts.contains(where: { $0 != nil }) else { return nil }
    return try parts.map { try $0?.fingerprint ?? "none" }.joined(separator: "+")
  }

  /// Records the surroundings of this process with the given data, if there are any.
  ///
  /// - Throws: errors of reading examples.
  public init(device: Device, kernels: TrainingKernels, data: TrainingData?, start: String? = nil) throws {
    try self.init(device: device, kernels: kernels, data: data.map { [$0] } ?? [], start: start)
  }

  /// Decides whether a run begun in these surroundings may continue in others.
  ///
  /// - Parameters:
  ///   - now: the surroundings in which it would continue.
  ///   - path: the path of the checkpoint or record, for messages.
  ///   - file: the path of the file with the weights that it started from, for messages.
  ///   - usesOwnKernels: whether kernels of our own may have computed something of it; where they have not, it does not matter which they were.
  /// - Returns: why the bits may differ from those of an unbroken run, in words that follow the run's name; nil if they will not.
  /// - Throws: ``RecordError`` if the images or the initial weights differ: no unbroken run could have done that.
  public func goOn(in now: Surroundings, from path: String, startedWith file: String? = nil, usesOwnKernels: Bool) throws -> String? {
    let others = Part.allCases.filter { images[$0] != now.images[$0] }.map(\.rawValue)
    guard others.isEmpty else {
      throw RecordError(
        "\(path) was computed with other \(others.joined(separator: " and ")) images than are given now: give the same ones (--data-dir), or "
          + "remove it to start anew")
    }
    guard start == now.start else {
      throw RecordError(
        "\(path) was begun with other weights than \(file ?? "the first model") holds now: put those back, or remove it to start anew")
    }
    func counted(_ threads: Int) -> String { "\(threads) thread\(threads == 1 ? "" : "s")" }
    func named(_ kernels: TrainingKernels.Choice?) -> String { kernels.map { "--kernels \($0)" } ?? "an earlier version's kernels" }
    func known(_ accelerator: String?) -> String { accelerator ?? "an unknown device" }
    let areOtherKernels =
      usesOwnKernels && device == .cpu && kernels != nil && kernels == now.kernels && generation != now.generation
    let changes = [
      (counted(threads), "\(now.threads)", threads != now.threads), ("--device \(device)", "\(now.device)", device != now.device),
      (known(accelerator), known(now.accelerator), device == now.device && accelerator != now.accelerator),
      (named(kernels), now.kernels?.rawValue ?? named(nil), kernels != now.kernels),
      (
        "kernels of \(generation.map { "generation \($0)" } ?? "an earlier generation")",
        now.generation.map { "generation \($0)" } ?? "none", areOtherKernels
      ),
      ("\(instructions) instructions", now.instructions, instructions != now.instructions),
      ("libtorch \(libtorch)", now.libtorch, libtorch != now.libtorch),
    ].filter(\.2)
    guard !changes.isEmpty else { return nil }
    return "was computed with \(changes.map(\.0).joined(separator: ", ")), and continues with "
      + "\(changes.map(\.1).joined(separator: ", ")): its last bits may differ from those of an unbroken run"
  }
}
