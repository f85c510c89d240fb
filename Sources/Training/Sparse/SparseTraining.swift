internal import CSparse
internal import Torch

/// Whether a trainer computes only with the weights that masks keep.
///
/// Fully connected networks (input, linear layers with ReLU between them) of float32 on the CPU can be trained by kernels that store,
/// multiply, differentiate and update the kept weights alone. Their steps equal the dense, masked steps except for the order of
/// additions, so results agree to rounding, not bit by bit; the same seed on the same machine gives the same bits either way.
public struct SparseTraining: Hashable, Sendable {
  /// When sparse kernels are used.
  public enum Choice: String, Codable, Hashable, Sendable, CaseIterable {
    /// Wherever they can be used and the density is below the measured crossover.
    case automatic
    /// Wherever they can be used, at any density.
    case always
    /// Not used at all.
    case never
  }

  /// When the kernels are used.
  public var choice: Choice
  /// Form of the kernels; nil for the fastest that the machine has.
  public var form: KernelForm?

  /// Creates a policy, with the fastest form unless one is given.
  public init(_ choice: Choice, form: KernelForm? = nil) {
    self.choice = choice
    self.form = form
  }

  /// Sparse kernels where they are faster.
  public static let automatic = SparseTraining(.automatic)
  /// Sparse kernels wherever they can be used.
  public static let always = SparseTraining(.always)
  /// Dense training only.
  public static let never = SparseTraining(.never)
}

/// A form of the sparse kernels: the same code compiled for one set of vector instructions.
public enum KernelForm: String, Codable, Hashable, Sendable, CaseIterable {
  /// For every machine.
  case portable
  /// For ARM with NEON.
  case neon
  /// For x86-64 with AVX2 and FMA.
  case avx2
  /// For x86-64 with AVX-512.
  case avx512

  /// The forms that this machine has, the fastest last; they give the same bits, except for `portable` on x86.
  public static var available: [KernelForm] { allCases.filter { $0.kernels != nil } }

  var kernels: cs_kernels? {
    let code =
      switch self {
      case .portable: CS_PORTABLE
      case .neon: CS_NEON
      case .avx2: CS_AVX2
      case .avx512: CS_AVX512
      }
    return cs_kernels_of_form(Int32(code))?.pointee
  }

  /// The density up to which a sparse step on one thread is faster than a dense one, with a margin.
  ///
  /// Measured on LeNet-300-100 against a step by libtorch (see Benchmarks/README.md); a constant, because a choice timed at run time
  /// would make the bits of a run depend on the machine's load. NEON was not measured; it has AVX2's value.
  var crossover: Double {
    switch self {
    case .avx512: 0.9
    case .avx2, .neon: 0.5
    case .portable: 0.2
    }
  }
}
