public import Networks
public import Torch

extension Tensor {
  /// Returns an opaque function's value of batches [examples, channels, …].
  ///
  /// - Parameter other: the second operand, for a function that takes two.
  /// - Throws: `TorchError`, also where an operand or a number is missing.
  public func applying(_ function: OpaqueFunction, _ other: Tensor? = nil) throws -> Tensor {
    let name = function.name
    guard function.numbers.count == name.numberNames.count, name.form != .pair || other != nil else {
      throw TorchError("\(name.rawValue): an operand or a number is missing")
    }
    let (numbers, other) = (function.numbers, other ?? self)
    return switch name {
    case .abs: try absolute()
    case .sqrt: try squareRoot()
    case .reciprocal: try reciprocal()
    case .exp: try exponential()
    case .log: try logarithm()
    case .sin: try sine()
    case .cos: try cosine()
    case .tan: try tangent()
    case .asin: try arcSine()
    case .acos: try arcCosine()
    case .atan: try arcTangent()
    case .sinh: try sinh()
    case .cosh: try cosh()
    case .asinh: try asinh()
    case .acosh: try acosh()
    case .atanh: try atanh()
    case .erf: try errorFunction()
    case .sign: try sign()
    case .floor: try floor()
    case .ceil: try ceiling()
    case .round: try rounded()
    case .softsign: try self / (absolute() + 1)
    case .selu: try elu(alpha: numbers[0]) * numbers[1]
    case .celu: try (self / numbers[0]).elu(alpha: 1) * numbers[0]
    case .thresholdedReLU: try greater(numbers[0]).select(self, else: zerosLike())
    case .shrink:
      try greater(numbers[0]).select(self - numbers[1], else: less(-numbers[0]).select(self + numbers[1], else: zerosLike()))
    case .hardSigmoid: try (self * numbers[0] + numbers[1]).clamped(0, 1)
    case .clip: try clamped(numbers[0], numbers[1])
    case .constantPower: try power(numbers[0])
    case .logSoftmax: try logSoftmax(1)
    case .lpNormalize: try normalized(by: numbers[0] == 1 ? l1Norm(1, keep: true) : norm(1, keep: true))
    case .cumulativeSum: try cumulativeSum(exclusive: numbers[0] == 1, reverse: numbers[1] == 1)
    case .channelSum: try sum(1, keep: true)
    case .channelMean: try mean(1, keep: true)
    case .channelMax: try max(1, keep: true)
    case .channelMin: try min(1, keep: true)
    case .channelL1: try l1Norm(1, keep: true)
    case .channelL2: try norm(1, keep: true)
    case .channelProduct: try product(1, keep: true)
    case .channelLogSumExp: try logSumExp(1, keep: true)
    case .add: try self + other
    case .subtract: try self - other
    case .multiply: try self * other
    case .divide: try self / other
    case .maximum: try maximum(other)
    case .minimum: try minimum(other)
    case .power: try power(other)
    }
  }

  /// Where all channels are 0, they stay 0.
  private func normalized(by norm: Tensor) throws -> Tensor { try self / norm.equal(0).select(norm.detached().onesLike(), else: norm) }

  /// Running sums of the channels, in either direction.
  private func cumulativeSum(exclusive: Bool, reverse: Bool) throws -> Tensor {
    let forward = try cumulativeSum(1)
    let inclusive = try reverse ? sum(1, keep: true) - forward + self : forward
    return exclusive ? try inclusive - self : inclusive
  }
}
