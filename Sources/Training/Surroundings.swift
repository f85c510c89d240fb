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
  /// SHA-256 of the file whose weights it began with; nil where they were drawn.
  public var start: String?

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
  ///
  /// - Parameter start: SHA-256 of the file whose weights are trained or pruned; nil where there is none.
  public init(device: Device, sparse: SparseTraining, data: TrainingData?, start: String? = nil) {
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
    self.start = start
  }

  /// Whether what was begun here may go on in other surroundings.
  ///
  /// - Parameters:
  ///   - path: where it was kept.
  ///   - file: that with the weights which it began with, for people.
  /// - Returns: what will make its bits others than those of an unbroken run, to follow a name for it; nil if nothing will.
  /// - Throws: ``RecordError`` if the images or the first weights are others: no unbroken run could have done that.
  public func goOn(in now: Surroundings, from path: String, startedWith file: String? = nil) throws -> String? {
    let others = Part.allCases.filter { images[$0] != now.images[$0] }.map(\.rawValue)
    guard others.isEmpty else {
      throw RecordError(
        "\(path) was computed with other \(others.joined(separator: " and ")) images than there are now: give it those (--data-dir), or "
          + "remove it to start anew")
    }
    guard start == now.start else {
      throw RecordError(
        "\(path) was begun with other weights than \(file ?? "the first model") holds now: put those back, or remove it to start anew")
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
