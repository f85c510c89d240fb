internal import CSparse
internal import Datasets
public import Networks
public import SparseRuntime

/// What trains and evaluates fully connected networks and pruned convolutions.
///
/// Networks of an input and linear layers with ReLU between them, of float32 on the CPU, are trained by kernels of our own: dense layers by
/// products with the optimizer's step fused into them, and sparse ones by kernels that store, multiply, differentiate and update the kept
/// weights alone. Their steps equal libtorch's but for the order of additions, so results agree to rounding, not bit by bit; the same
/// seed on the same machine gives the same bits either way. In every other network, libtorch computes all but the convolutions of one group
/// that have a mask: those compute with their kept weights alone where that is faster, and their gradients of the others are 0.
public struct TrainingKernels: Hashable, Sendable {
  /// A choice of kernels.
  public enum Choice: String, Codable, Hashable, Sendable, CaseIterable {
    /// Our own wherever they can be used: each layer sparse if its density is below the measured crossover, dense otherwise; libtorch's for
    /// dense convolutions.
    case automatic
    /// Our own wherever they can be used, every layer sparse, and every convolution that has a mask.
    case sparse
    /// Our own wherever they can be used, every layer dense; libtorch's for convolutions.
    case dense
    /// Those of libtorch.
    case libtorch
  }

  /// The kernels that are used.
  public var choice: Choice
  /// Form of our kernels; nil for the fastest that the machine has.
  public var form: KernelForm?
  /// The most threads that our kernels compute with, of which any number gives the same bits; nil for as many as libtorch has.
  public var threads: Int?

  /// Creates a policy, with the fastest form and libtorch's number of threads unless others are given.
  public init(_ choice: Choice, form: KernelForm? = nil, threads: Int? = nil) {
    self.choice = choice
    self.form = form
    self.threads = threads
  }

  /// The fastest kernels for each layer.
  public static let automatic = TrainingKernels(.automatic)
  /// Sparse kernels for every layer of a fully connected network.
  public static let sparse = TrainingKernels(.sparse)
  /// Dense kernels for every layer of a fully connected network.
  public static let dense = TrainingKernels(.dense)
  /// libtorch for everything.
  public static let libtorch = TrainingKernels(.libtorch)

  /// The version of our kernels that this program has, which is raised whenever the bits of one of their sums change.
  public static let generation = Int(CS_GENERATION)

  /// Whether kernels of our own may have computed something of a training on the CPU.
  ///
  /// - Parameters:
  ///   - data: what is trained on; nil where that is unknown.
  ///   - isPruned: whether the network has, or had, weights without which convolutions can compute.
  public func mayTrain(_ network: Network, by plan: TrainingPlan, on data: TrainingData?, isPruned: Bool) -> Bool {
    guard choice != .libtorch else { return false }
    let isPlain = plan.distillation == nil && !(plan.augment && data?.augmentation?.isNone == false)
    if isPlain, FullyConnectedChain(network) != nil { return true }
    return isPruned && choice != .dense
      && network.nodes.contains {
        if case .convolution(let layer) = $0.operation { SparseConvolutions.canCompute(layer) } else { false }
      }
  }
}

extension KernelForm {
  var trainingKernels: UnsafePointer<cs_kernels>? { cs_kernels_of_form(code) }

  /// The density of a layer up to which sparse kernels are faster than dense ones, with a margin.
  ///
  /// Measured on LeNet-300-100 on a Zen 4 (`espalier-bench --sparse`), where steps of both kinds take equally long at densities of 0.78
  /// (AVX-512), 0.63 (AVX2) and 1 (portable); a constant, because a choice timed at run time would make the bits of a run depend on the
  /// machine's load. NEON was not measured; it has AVX2's value.
  var crossover: Double {
    switch self {
    case .avx512: 0.7
    case .avx2, .neon: 0.55
    case .portable: 0.9
    }
  }
}
