internal import CSparse

/// A form of the kernels, of training and of inference: the same code compiled for one set of vector instructions.
public enum KernelForm: String, Codable, Hashable, Sendable, CaseIterable {
  /// For every machine.
  case portable
  /// For ARM with NEON.
  case neon
  /// For x86-64 with AVX2 and FMA.
  case avx2
  /// For x86-64 with AVX-512.
  case avx512

  /// The forms that this machine has, the fastest last. In trainings of fully connected networks all but `portable` on x86 give the same bits;
  /// convolutions add their sums in different orders.
  public static var available: [KernelForm] { allCases.filter { $0.kernels != nil } }
  /// The fastest form that this machine has.
  public static var fastest: KernelForm { available.last ?? .portable }

  /// The number by which the kernels know it.
  package var code: Int32 {
    switch self {
    case .portable: Int32(CS_PORTABLE)
    case .neon: Int32(CS_NEON)
    case .avx2: Int32(CS_AVX2)
    case .avx512: Int32(CS_AVX512)
    }
  }

  var kernels: UnsafePointer<cs_inference>? { cs_inference_of_form(code) }
}

/// The form that a compiled model runs with.
public typealias InferenceForm = KernelForm
