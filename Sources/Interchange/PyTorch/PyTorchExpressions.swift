internal import Networks

extension Activation {
  /// The function of a tensor, in Python.
  func expression(of x: String) -> String {
    switch self {
    case .relu: "F.relu(\(x))"
    case .relu6: "F.relu6(\(x))"
    case .tanh: "torch.tanh(\(x))"
    case .gelu: "F.gelu(\(x))"
    case .tanhGELU: "F.gelu(\(x), approximate=\"tanh\")"
    case .silu: "F.silu(\(x))"
    case .sigmoid: "torch.sigmoid(\(x))"
    case .hardSigmoid(let slope): slope == 1 / 6 ? "F.hardsigmoid(\(x))" : "(\(x) * \(slope) + 0.5).clamp(0, 1)"
    case .hardSwish: "F.hardswish(\(x))"
    case .leakyReLU(let slope): "F.leaky_relu(\(x), \(slope))"
    case .elu(let alpha): "F.elu(\(x), \(alpha))"
    case .softplus: "F.softplus(\(x))"
    case .mish: "F.mish(\(x))"
    case .affine(let scale, let shift):
      x + (scale == 1 ? "" : " * \(scale)") + (shift == 0 ? "" : shift < 0 ? " - \(-shift)" : " + \(shift)")
    }
  }
}

extension OpaqueFunction {
  /// The function of tensors, in Python.
  func expression(_ operands: [String]) -> String {
    let (x, y) = (operands.first ?? "", operands.last ?? "")
    // Their count was checked with the network.
    func number(_ index: Int) -> String { numbers.indices.contains(index) ? "\(numbers[index])" : "0" }
    return switch name {
    case .abs, .sqrt, .reciprocal, .exp, .log, .sin, .cos, .tan, .asin, .acos, .atan, .sinh, .cosh, .asinh, .acosh, .atanh, .erf, .sign,
      .floor, .ceil, .round:
      "torch.\(name.rawValue)(\(x))"
    case .softsign: "F.softsign(\(x))"
    case .selu: "\(number(1)) * F.elu(\(x), \(number(0)))"
    case .celu: "F.celu(\(x), \(number(0)))"
    case .thresholdedReLU: "torch.where(\(x) > \(number(0)), \(x), torch.zeros_like(\(x)))"
    case .shrink:
      "torch.where(\(x) > \(number(0)), \(x) - \(number(1)), torch.where(\(x) < -\(number(0)), \(x) + \(number(1)), torch.zeros_like(\(x))))"
    case .hardSigmoid: "(\(x) * \(number(0)) + \(number(1))).clamp(0, 1)"
    case .clip: "\(x).clamp(\(number(0)), \(number(1)))"
    case .constantPower: "\(x) ** \(number(0))"
    case .logSoftmax: "torch.log_softmax(\(x), 1)"
    case .lpNormalize: "F.normalize(\(x), p=\(number(0)), dim=1, eps=1e-38)"
    case .cumulativeSum:
      (numbers.last == 1
        ? "\(x).sum(1, keepdim=True) - \(x).cumsum(1)" + (numbers.first == 1 ? "" : " + \(x)")
        : "\(x).cumsum(1)" + (numbers.first == 1 ? " - \(x)" : ""))
    case .channelSum: "\(x).sum(1, keepdim=True)"
    case .channelMean: "\(x).mean(1, keepdim=True)"
    case .channelMax: "\(x).amax(1, keepdim=True)"
    case .channelMin: "\(x).amin(1, keepdim=True)"
    case .channelL1: "\(x).abs().sum(1, keepdim=True)"
    case .channelL2: "torch.linalg.vector_norm(\(x), dim=1, keepdim=True)"
    case .channelProduct: "\(x).prod(1, keepdim=True)"
    case .channelLogSumExp: "\(x).logsumexp(1, keepdim=True)"
    case .add: "\(x) + \(y)"
    case .subtract: "\(x) - \(y)"
    case .multiply: "\(x) * \(y)"
    case .divide: "\(x) / \(y)"
    case .maximum: "torch.maximum(\(x), \(y))"
    case .minimum: "torch.minimum(\(x), \(y))"
    case .power: "\(x) ** \(y)"
    }
  }
}
