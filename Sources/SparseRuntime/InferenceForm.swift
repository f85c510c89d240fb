internal import CSparse

/// A form of the kernels: the same code compiled for one set of vector instructions.
public enum InferenceForm: String, Hashable, Sendable, CaseIterable {
  /// For every machine.
  case portable
  /// For ARM with NEON.
  case neon
  /// For x86-64 with AVX2 and FMA.
  case avx2
  /// For x86-64 with AVX-512.
  case avx512

  /// The forms that this machine has, the fastest last.
  public static var available: [InferenceForm] { allCases.filter { $0.kernels != nil } }
  /// The fastest form that this machine has.
  public static var fastest: InferenceForm { available.last ?? .portable }

  var kernels: UnsafePointer<cs_inference>? {
    let code =
      switch self {
      case .portable: CS_PORTABLE
      case .neon: CS_NEON
      case .avx2: CS_AVX2
      case .avx512: CS_AVX512
      }
    return cs_inference_of_form(Int32(code))
  }
}
