internal import CTorch

/// How the losses of a batch become one.
public enum LossReduction: String, Codable, Sendable {
  /// One loss per example.
  case none
  case mean
  case sum

  var code: Int32 {
    switch self {
    case .none: Int32(CT_REDUCE_NONE)
    case .mean: Int32(CT_REDUCE_MEAN)
    case .sum: Int32(CT_REDUCE_SUM)
    }
  }
}

/// Height and width for C, without an array.
private struct Pair {
  var values: (Int64, Int64)
  init(_ pair: (height: Int, width: Int)) { values = (Int64(pair.height), Int64(pair.width)) }
  @inline(__always)
  mutating func withPointer<Result>(_ body: (UnsafePointer<Int64>) -> Result) -> Result {
    withUnsafePointer(to: &values) { $0.withMemoryRebound(to: Int64.self, capacity: 2, body) }
  }
}

extension Tensor {
  /// x·Wᵀ + b for x [batch, inputs] and W [outputs, inputs].
  public func linear(_ weight: Tensor, _ bias: Tensor?) throws -> Tensor {
    try checked(ct_layer_linear(handle, weight.handle, bias?.handle))
  }

  /// Cross-correlation of [batch, channels, height, width] with W [outputs, channels/groups, kernel height, kernel width].
  public func convolution(
    _ weight: Tensor, _ bias: Tensor?, stride: (height: Int, width: Int) = (1, 1), padding: (height: Int, width: Int) = (0, 0),
    dilation: (height: Int, width: Int) = (1, 1), groups: Int = 1
  ) throws -> Tensor {
    var (stride, padding, dilation) = (Pair(stride), Pair(padding), Pair(dilation))
    return try checked(
      stride.withPointer { stride in
        padding.withPointer { padding in
          dilation.withPointer { ct_layer_convolution(handle, weight.handle, bias?.handle, stride, padding, $0, Int64(groups)) }
        }
      })
  }

  /// What each window of a convolution sees: [batch, channels·kernel height·kernel width, windows], windows in row-major order.
  public func unfolded(
    kernel: (height: Int, width: Int), stride: (height: Int, width: Int) = (1, 1), padding: (height: Int, width: Int) = (0, 0),
    dilation: (height: Int, width: Int) = (1, 1)
  ) throws -> Tensor {
    var (kernel, stride, padding, dilation) = (Pair(kernel), Pair(stride), Pair(padding), Pair(dilation))
    return try checked(
      kernel.withPointer { kernel in
        stride.withPointer { stride in
          padding.withPointer { padding in dilation.withPointer { ct_layer_unfold(handle, kernel, stride, padding, $0) } }
        }
      })
  }

  /// The maximum over windows.
  public func maxPool(
    kernel: (height: Int, width: Int), stride: (height: Int, width: Int), padding: (height: Int, width: Int) = (0, 0),
    ceilMode: Bool = false
  ) throws -> Tensor {
    try pool(ct_layer_max_pool, kernel, stride, padding, ceilMode)
  }

  /// The mean over windows, padding counted as zeros.
  public func averagePool(
    kernel: (height: Int, width: Int), stride: (height: Int, width: Int), padding: (height: Int, width: Int) = (0, 0),
    ceilMode: Bool = false
  ) throws -> Tensor {
    try pool(ct_layer_average_pool, kernel, stride, padding, ceilMode)
  }

  private typealias Sizes = (height: Int, width: Int)

  private func pool(
    _ call: (ct_tensor, UnsafePointer<Int64>, UnsafePointer<Int64>, UnsafePointer<Int64>, Int32) -> ct_tensor?, _ kernel: Sizes,
    _ stride: Sizes, _ padding: Sizes, _ ceilMode: Bool
  ) throws -> Tensor {
    var (kernel, stride, padding) = (Pair(kernel), Pair(stride), Pair(padding))
    return try checked(
      kernel.withPointer { kernel in
        stride.withPointer { stride in padding.withPointer { call(handle, kernel, stride, $0, ceilMode ? 1 : 0) } }
      })
  }

  /// The mean over a grid of windows of this size.
  public func adaptiveAveragePool(height: Int, width: Int) throws -> Tensor {
    try checked(ct_layer_adaptive_average_pool(handle, Int64(height), Int64(width)))
  }

  /// γ·(x − μ)/√(σ² + ε) + β per channel; in training with the batch's statistics, which also move the running ones, if there are any.
  public func batchNorm(
    weight: Tensor?, bias: Tensor?, runningMean: Tensor?, runningVariance: Tensor?, training: Bool, momentum: Double, epsilon: Double
  ) throws -> Tensor {
    try checked(
      ct_layer_batch_norm(
        handle, weight?.handle, bias?.handle, runningMean?.handle, runningVariance?.handle, training ? 1 : 0, momentum, epsilon))
  }

  /// γ·(x − μ)/√(σ² + ε) + β, mean and variance of each example over groups of channels and all positions.
  ///
  /// - Parameter absent: channels of each group that are not there and count as zeros in mean and variance.
  public func groupNorm(groups: Int, weight: Tensor?, bias: Tensor?, epsilon: Double, absent: Int = 0) throws -> Tensor {
    try checked(ct_layer_group_norm(handle, Int64(groups), weight?.handle, bias?.handle, epsilon, Int64(absent)))
  }

  /// Each element 0 with this probability, the others divided by 1 − p.
  public func dropout(_ probability: Double, generator: Generator) throws -> Tensor {
    try checked(ct_layer_dropout(handle, probability, generator.handle))
  }

  /// ln of ``softmax(_:)``.
  public func logSoftmax(_ dim: Int = -1) throws -> Tensor { try checked(ct_layer_log_softmax(handle, Int64(dim))) }
  /// eˣ/Σeˣ along a dimension.
  public func softmax(_ dim: Int = -1) throws -> Tensor { try checked(ct_layer_softmax(handle, Int64(dim))) }

  /// −ln softmax(x)[label] for logits [batch, classes] and labels [batch] of int64.
  public func crossEntropy(_ labels: Tensor, reduction: LossReduction = .mean, labelSmoothing: Double = 0) throws -> Tensor {
    try checked(ct_loss_cross_entropy(handle, labels.handle, reduction.code, labelSmoothing))
  }

  /// (x − y)².
  public func meanSquaredError(_ target: Tensor, reduction: LossReduction = .mean) throws -> Tensor {
    try checked(ct_loss_mean_squared(handle, target.handle, reduction.code))
  }
}
