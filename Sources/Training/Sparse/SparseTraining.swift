internal import CSparse
internal import Torch

/// Whether a trainer computes only with the weights that masks leave.
///
/// Fully connected networks (input, linear layers with ReLU between them) of float32 on the CPU can be trained by kernels that store,
/// multiply, differentiate and move the kept weights alone. Their steps equal the dense, masked steps but for the order of additions,
/// so results agree to rounding, not bit by bit; the same seed on the same machine gives the same bits either way.
public struct SparseTraining: Hashable, Sendable {
  /// When sparse kernels are used.
  public enum Choice: String, Codable, Hashable, Sendable, CaseIterable {
    /// Where they can be and the density lies below the measured crossover.
    case automatic
    /// Where they can be, at any density.
    case always
    /// Not at all.
    case never
  }

  /// When they are used.
  public var choice: Choice
  /// Which form of them; nil for the fastest that the machine has.
  public var form: KernelForm?

  /// A choice, with the fastest form unless one is given.
  public init(_ choice: Choice, form: KernelForm? = nil) {
    self.choice = choice
    self.form = form
  }

  /// Where they pay.
  public static let automatic = SparseTraining(.automatic)
  /// Wherever they can be used.
  public static let always = SparseTraining(.always)
  /// Never.
  public static let never = SparseTraining(.never)
}

/// A form of the sparse kernels: one body of code for each kind of vector instructions.
public enum KernelForm: String, Codable, Hashable, Sendable, CaseIterable {
  /// What every machine computes.
  case portable
  /// ARM.
  case neon
  /// x86-64 with AVX2 and FMA.
  case avx2
  /// x86-64 with AVX-512.
  case avx512

  /// The forms that this machine has, the fastest last; they give the same bits, but for `portable` on x86.
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

  /// The density up to which a sparse step is faster than a dense one on one thread, with a margin.
  ///
  /// Measured on LeNet-300-100 against the step through libtorch (see Benchmarks/README.md); a constant, because a choice timed at run
  /// time would make the bits of a run depend on its machine's load. NEON was not measured; it has AVX2's.
  var crossover: Double {
    switch self {
    case .avx512: 0.9
    case .avx2, .neon: 0.5
    case .portable: 0.2
    }
  }
}
