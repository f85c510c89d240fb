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
    case .silu: try silu()
    case .sigmoid: try sigmoid()
    case .hardSigmoid: try hardSigmoid()
    case .hardSwish: try hardSwish()
    case .leakyReLU(let slope): try leakyReLU(slope: slope)
    case .elu(let alpha): try elu(alpha: alpha)
    case .softplus: try softplus()
    case .mish: try mish()
    }
  }
}
