public import Networks
public import Torch

extension Tensor {
  /// Returns f(x) of each element.
  public func activated(by function: Activation) throws -> Tensor {
    switch function {
    case .relu: try relu()
    case .relu6: try relu6()
    case .tanh: try tanh()
    case .gelu: try gelu()
    case .tanhGELU: try tanhGELU()
    case .silu: try silu()
    case .sigmoid: try sigmoid()
    case .hardSigmoid(let slope): try slope == 1 / 6 ? hardSigmoid() : (self * slope + 0.5).clamped(0, 1)
    case .hardSwish: try hardSwish()
    case .leakyReLU(let slope): try leakyReLU(slope: slope)
    case .elu(let alpha): try elu(alpha: alpha)
    case .softplus: try softplus()
    case .mish: try mish()
    case .affine(let scale, 0): try self * scale
    case .affine(1, let shift): try self + shift
    case .affine(let scale, let shift): try self * scale + shift
    }
  }
}
