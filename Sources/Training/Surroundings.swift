internal import Datasets
public import Torch

/// What decides the bits of a training beside model, plan and seed: kept with whatever is to be gone on with.
public struct Surroundings: Codable, Hashable, Sendable {
  /// Threads of libtorch's, which sum in another order when there are more of them.
  public var threads: Int
  /// What computes.
  public var device: Device
  /// Whether trainings compute with the kept weights only.
  public var sparse: SparseTraining.Choice
  /// The vector instructions of libtorch and of the sparse kernels here, e.g. `AVX512/avx512`.
  public var instructions: String
  /// libtorch's version.
  public var libtorch: String
  /// The fingerprint of each part of the data that there is.
  public var images: [Part: String]

  /// A part of the data.
  public enum Part: String, Codable, Hashable, Sendable, CaseIterable, CodingKeyRepresentable {
    /// What is learned from.
    case training
    /// What choices look at.
    case validation
    /// What results are reported on.
    case test
  }

  /// Those of this process, with these data; looks at every image once.
  public init(device: Device, sparse: SparseTraining, data: TrainingData?) {
    threads = TorchRuntime.threads
    self.device = device
    self.sparse = sparse.choice
    let form = sparse.form ?? KernelForm.available.last
    instructions = TorchRuntime.cpuCapability + (form.map { "/" + $0.rawValue } ?? "")
    libtorch = TorchRuntime.version
    images = [:]
    images[.training] = data?.training.fingerprint
    images[.validation] = data?.validation?.fingerprint
    images[.test] = data?.test?.fingerprint
  }

  /// Whether what was begun here may go on in other surroundings.
  ///
  /// - Parameter path: where it was kept.
  /// - Returns: what will make its bits others than those of an unbroken run, to follow a name for it; nil if nothing will.
  /// - Throws: ``RecordError`` if the images are others: no unbroken run could have done that.
  public func goOn(in now: Surroundings, from path: String) throws -> String? {
    let others = Part.allCases.filter { images[$0] != now.images[$0] }.map(\.rawValue)
    guard others.isEmpty else {
      throw RecordError(
        "\(path) was computed with other \(others.joined(separator: " and ")) images than there are now: give it those (--data-dir), or "
          + "remove it to start anew")
    }
    func counted(_ threads: Int) -> String { "\(threads) thread\(threads == 1 ? "" : "s")" }
    let changes = [
      (counted(threads), "\(now.threads)", threads != now.threads), ("--device \(device)", "\(now.device)", device != now.device),
      ("--sparse-kernels \(sparse)", "\(now.sparse)", sparse != now.sparse),
      ("\(instructions) instructions", now.instructions, instructions != now.instructions),
      ("libtorch \(libtorch)", now.libtorch, libtorch != now.libtorch),
    ].filter(\.2)
    guard !changes.isEmpty else { return nil }
    return "was computed with \(changes.map(\.0).joined(separator: ", ")), and goes on with "
      + "\(changes.map(\.1).joined(separator: ", ")): its last bits may be others than those of an unbroken run"
  }
}
