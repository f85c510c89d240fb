/// An element-wise function without learned numbers: a non-linearity, or fixed numbers to multiply by and to add.
public enum Activation: Hashable, Sendable, CaseIterable {
  /// max(x, 0).
  case relu
  /// min(max(x, 0), 6).
  case relu6
  /// Hyperbolic tangent.
  case tanh
  /// x·Φ(x), exact (by the error function).
  case gelu
  /// x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))), an approximation of ``gelu`` (Hendrycks & Gimpel 2016).
  case tanhGELU
  /// x·σ(x), also called swish.
  case silu
  /// 1/(1 + e⁻ˣ).
  case sigmoid
  /// min(max(`slope`·x + ½, 0), 1); PyTorch's slope is ⅙, that of Keras ⅕.
  case hardSigmoid(slope: Double = 1 / 6)
  /// x·min(max(x/6 + ½, 0), 1).
  case hardSwish
  /// x above 0 and `slope`·x below.
  case leakyReLU(slope: Double = 0.01)
  /// x above 0 and `alpha`·(eˣ − 1) below.
  case elu(alpha: Double = 1)
  /// ln(1 + eˣ).
  case softplus
  /// x·tanh(ln(1 + eˣ)).
  case mish
  /// `scale`·x + `shift` with numbers that training leaves as they are, in contrast to those of a ``ChannelAffine``.
  case affine(scale: Double = 1, shift: Double = 0)

  /// Every function; those with a number have PyTorch's default, and ``affine(scale:shift:)`` numbers that are not those of x itself.
  public static let allCases: [Activation] = [
    .relu, .relu6, .tanh, .gelu, .tanhGELU, .silu, .sigmoid, .hardSigmoid(), .hardSwish, .leakyReLU(), .elu(), .softplus, .mish,
    .affine(scale: -0.5, shift: 0.75),
  ]

  /// Name of the function in JSON and of nodes that a builder names, e.g. `relu6`.
  public var name: String {
    switch self {
    case .relu: "relu"
    case .relu6: "relu6"
    case .tanh: "tanh"
    case .gelu: "gelu"
    case .tanhGELU: "tanhGELU"
    case .silu: "silu"
    case .sigmoid: "sigmoid"
    case .hardSigmoid: "hardSigmoid"
    case .hardSwish: "hardSwish"
    case .leakyReLU: "leakyReLU"
    case .elu: "elu"
    case .softplus: "softplus"
    case .mish: "mish"
    case .affine: "affine"
    }
  }

  /// f(0): where it is not 0, a unit whose weights and bias are 0 is not silent.
  public var valueAtZero: Double {
    switch self {
    case .sigmoid, .hardSigmoid: 0.5
    // ln 2.
    case .softplus: 0.693147180559945309
    case .affine(_, let shift): shift
    case .relu, .relu6, .tanh, .gelu, .tanhGELU, .silu, .hardSwish, .leakyReLU, .elu, .mish: 0
    }
  }

  /// Whether every value is a fixed multiple of x, or that and a fixed number: a step towards the non-linearity rather than one.
  public var isAffine: Bool { if case .affine = self { true } else { false } }

  /// The numbers that belong to the function, by their names in JSON.
  var numbers: [(name: String, value: Double)] {
    switch self {
    case .hardSigmoid(let slope), .leakyReLU(let slope): [("slope", slope)]
    case .elu(let alpha): [("alpha", alpha)]
    case .affine(let scale, let shift): [("scale", scale), ("shift", shift)]
    default: []
    }
  }

  /// Returns the function of a name, its numbers looked up by name; nil for an unknown function.
  static func named(_ name: String, _ number: (_ name: String, _ fallback: Double) throws -> Double) rethrows -> Activation? {
    switch allCases.first(where: { $0.name == name }) {
    case .hardSigmoid(let slope): .hardSigmoid(slope: try number("slope", slope))
    case .leakyReLU(let slope): .leakyReLU(slope: try number("slope", slope))
    case .elu(let alpha): .elu(alpha: try number("alpha", alpha))
    case .affine: .affine(scale: try number("scale", 1), shift: try number("shift", 0))
    case let function: function
    }
  }
}
