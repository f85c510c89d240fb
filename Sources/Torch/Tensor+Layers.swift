internal import CTorch

/// How the losses of a batch are combined.
public enum LossReduction: String, Codable, Sendable {
  /// One loss per example, [batch].
  case none
  /// The mean of the losses, a scalar.
  case mean
  /// The sum of the losses, a scalar.
  case sum

  var code: Int32 {
    switch self {
    case .none: Int32(CT_REDUCE_NONE)
    case .mean: Int32(CT_REDUCE_MEAN)
    case .sum: Int32(CT_REDUCE_SUM)
    }
  }
}

/// Height and width as a C array, without allocating one.
struct Pair {
  var values: (Int64, Int64)
  init(_ pair: (height: Int, width: Int)) { values = (Int64(pair.height), Int64(pair.width)) }
  @inline(__always)
  mutating func withPointer<Result>(_ body: (UnsafePointer<Int64>) -> Result) -> Result {
    withUnsafePointer(to: &values) { $0.withMemoryRebound(to: Int64.self, capacity: 2, body) }
  }
}

extension Tensor {
  /// Returns x·Wᵀ + b for x [batch, inputs] and W [outputs, inputs].
  public func linear(_ weight: Tensor, _ bias: Tensor?) throws -> Tensor {
    try checked(ct_layer_linear(handle, weight.handle, bias?.handle))
  }

  /// Returns the cross-correlation of [batch, channels, height, width] with W [outputs, channels/groups, kernel height, kernel width].
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

  /// Returns the input of each window of a convolution as columns: [batch, channels·kernel height·kernel width, windows], windows in
  /// row-major order.
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

  /// Returns the maximum over each window.
  public func maxPool(
    kernel: (height: Int, width: Int), stride: (height: Int, width: Int), padding: (height: Int, width: Int) = (0, 0),
    ceilMode: Bool = false
  ) throws -> Tensor {
    try pool(ct_layer_max_pool, kernel, stride, padding, ceilMode)
  }

  /// Returns the mean over each window; padding counts as zeros, or not at all.
  public func averagePool(
    kernel: (height: Int, width: Int), stride: (height: Int, width: Int), padding: (height: Int, width: Int) = (0, 0),
    ceilMode: Bool = false, countsPadding: Bool = true
  ) throws -> Tensor {
    try pool(
      { ct_layer_average_pool($0, $1, $2, $3, $4, countsPadding ? 1 : 0) }, kernel, stride, padding, ceilMode)
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

  /// Returns the mean over a grid of height × width windows, whatever the input's size.
  public func adaptiveAveragePool(height: Int, width: Int) throws -> Tensor {
    try checked(ct_layer_adaptive_average_pool(handle, Int64(height), Int64(width)))
  }

  /// Returns the maximum over a grid of height × width windows, whatever the input's size.
  public func adaptiveMaxPool(height: Int, width: Int) throws -> Tensor {
    try checked(ct_layer_adaptive_max_pool(handle, Int64(height), Int64(width)))
  }

  /// Returns [batch, channels, height, width] with zero pixels around it.
  public func padded(top: Int, bottom: Int, left: Int, right: Int) throws -> Tensor {
    try checked(ct_layer_pad(handle, Int64(top), Int64(bottom), Int64(left), Int64(right)))
  }

  /// Returns the images in another size: pixel ⌊i·size/new size⌋ of each dimension.
  public func resizedToNearest(height: Int, width: Int) throws -> Tensor {
    try checked(ct_layer_resize(handle, Int64(height), Int64(width), Int32(CT_NEAREST)))
  }

  /// Returns the images in another size, interpolated between the four nearest pixels.
  ///
  /// - Parameter aligned: whether the centres of the outermost pixels, and not the images' corners, lie on each other.
  public func resizedBilinearly(height: Int, width: Int, aligned: Bool) throws -> Tensor {
    try checked(ct_layer_resize(handle, Int64(height), Int64(width), Int32(aligned ? CT_BILINEAR_ALIGNED : CT_BILINEAR)))
  }

  /// Returns max(x, 0) + a·min(x, 0) with slopes a [channels] or [1].
  public func prelu(_ slopes: Tensor) throws -> Tensor { try checked(ct_layer_prelu(handle, slopes.handle)) }

  /// Returns the product with a tensor of the same shape, of [batch, channels, 1, 1] or of [batch, channels].
  public func gated(by gate: Tensor) throws -> Tensor { try checked(ct_layer_gate(handle, gate.handle)) }

  /// Returns γ·x + β with one γ, and perhaps β, for each channel.
  public func channelAffine(_ weight: Tensor, _ bias: Tensor?) throws -> Tensor {
    try checked(ct_layer_channel_affine(handle, weight.handle, bias?.handle))
  }

  /// Returns γ·(x − μ)/√(σ² + ε) + β, with the mean and variance over all channels at each position.
  ///
  /// - Parameter absent: removed channels, which still count as zeros in mean and variance.
  public func channelNorm(weight: Tensor?, bias: Tensor?, epsilon: Double, absent: Int = 0) throws -> Tensor {
    try checked(ct_layer_channel_norm(handle, weight?.handle, bias?.handle, epsilon, Int64(absent)))
  }

  /// Returns x/(k + α/n·Σx²)^β, with the sum over `size` neighbouring channels n of [batch, channels, height, width].
  public func localResponseNorm(size: Int, alpha: Double, beta: Double, k: Double) throws -> Tensor {
    try checked(ct_layer_local_response_norm(handle, Int64(size), alpha, beta, k))
  }

  /// Returns γ·(x − μ)/√(σ² + ε) + β per channel. In training μ and σ² are the batch's statistics, which also update the running ones, if
  /// any.
  public func batchNorm(
    weight: Tensor?, bias: Tensor?, runningMean: Tensor?, runningVariance: Tensor?, training: Bool, momentum: Double, epsilon: Double
  ) throws -> Tensor {
    try checked(
      ct_layer_batch_norm(
        handle, weight?.handle, bias?.handle, runningMean?.handle, runningVariance?.handle, training ? 1 : 0, momentum, epsilon))
  }

  /// Returns γ·(x − μ)/√(σ² + ε) + β, with the mean and variance of each example over groups of channels and all positions.
  ///
  /// - Parameter absent: removed channels of each group, which still count as zeros in mean and variance.
  public func groupNorm(groups: Int, weight: Tensor?, bias: Tensor?, epsilon: Double, absent: Int = 0) throws -> Tensor {
    try checked(ct_layer_group_norm(handle, Int64(groups), weight?.handle, bias?.handle, epsilon, Int64(absent)))
  }

  /// Returns the transposed convolution, the gradient of a convolution by its input, of [batch, inputs, height, width].
  ///
  /// - Parameters:
  ///   - weight: [outputs, inputs/groups, kernel height, kernel width], as convolutions have it; PyTorch has the first two the other way round.
  ///   - padding: pixels that are cut off on each side of the output.
  ///   - outputPadding: rows and columns that are added behind the output.
  public func transposedConvolution(
    _ weight: Tensor, _ bias: Tensor?, stride: (height: Int, width: Int), padding: (height: Int, width: Int),
    outputPadding: (height: Int, width: Int), dilation: (height: Int, width: Int), groups: Int
  ) throws -> Tensor {
    var (stride, padding, more, dilation) = (Pair(stride), Pair(padding), Pair(outputPadding), Pair(dilation))
    return try checked(
      stride.withPointer { stride in
        padding.withPointer { padding in
          more.withPointer { more in
            dilation.withPointer {
              ct_layer_transposed_convolution(handle, weight.handle, bias?.handle, stride, padding, more, $0, Int64(groups))
            }
          }
        }
      })
  }

  /// Returns softmax(s·q·kᵀ)·v in each head, of queries [batch, channels, height, width], the tensor, and of keys and values.
  ///
  /// The channels of a head lie side by side. Cost: memory for queries·keys scores in each head.
  /// - Parameters:
  ///   - weights: [heads]; with them queries and keys are divided by their lengths, and each head multiplies their products by its number.
  ///   - bias: [heads, queries, keys], added to the scores.
  ///   - window: rows and columns of the windows that keep pixels apart; nil for all of them together.
  ///   - isGrid: whether a window's pixels lie at equal distances over the image.
  ///   - shift: rows and columns by which the image was rolled: pairs of pixels that were apart before get −100.
  public func attention(
    keys: Tensor, values: Tensor, heads: Int, scale: Double, weights: Tensor? = nil, bias: Tensor? = nil, window: (Int, Int)? = nil,
    isGrid: Bool = false, shift: (Int, Int) = (0, 0)
  ) throws -> Tensor {
    let window = ct_attention_window(
      height: Int64(window?.0 ?? 0), width: Int64(window?.1 ?? 0), shift_down: Int64(shift.0), shift_right: Int64(shift.1),
      is_grid: isGrid ? 1 : 0)
    return try checked(
      ct_layer_attention(handle, keys.handle, values.handle, Int64(heads), scale, weights?.handle, bias?.handle, window))
  }

  /// Returns images moved down and to the right by so many pixels, those beyond the borders coming in from the other side.
  public func rolled(down: Int, right: Int) throws -> Tensor { try checked(ct_layer_roll(handle, Int64(down), Int64(right))) }

  /// Returns the tensor with each element zeroed with probability p, and the others divided by 1 − p.
  public func dropout(_ probability: Double, generator: Generator) throws -> Tensor {
    try checked(ct_layer_dropout(handle, probability, generator.handle))
  }

  /// Returns the logarithm of ``softmax(_:)`` along a dimension.
  public func logSoftmax(_ dim: Int = -1) throws -> Tensor { try checked(ct_layer_log_softmax(handle, Int64(dim))) }
  /// Returns eˣ/Σeˣ along a dimension.
  public func softmax(_ dim: Int = -1) throws -> Tensor { try checked(ct_layer_softmax(handle, Int64(dim))) }

  /// Returns −ln softmax(x)[label] for logits x [batch, classes] and int64 labels [batch].
  public func crossEntropy(_ labels: Tensor, reduction: LossReduction = .mean, labelSmoothing: Double = 0) throws -> Tensor {
    try checked(ct_loss_cross_entropy(handle, labels.handle, reduction.code, labelSmoothing))
  }

  /// Returns the mean over the batch of (1 − w)·CE(labels) + w·T²·KL(softmax(t/T) ‖ softmax(x/T)) for logits x and a teacher's logits t,
  /// both [batch, classes]; no gradient reaches the teacher.
  ///
  /// - Parameters:
  ///   - labels: int64 [batch]; nil for w·T²·KL alone.
  ///   - labelSmoothing: the share of the labels' target that is spread evenly over the classes.
  public func distillationLoss(
    from teacher: Tensor, labels: Tensor?, temperature: Double, weight: Double, labelSmoothing: Double = 0
  ) throws -> Tensor {
    try checked(ct_loss_distillation(handle, teacher.handle, labels?.handle, temperature, weight, labelSmoothing))
  }

  /// Returns where in an image features are large (Zagoruyko & Komodakis 2017): for x of [batch, channels, …] the mean of x² over the
  /// channels at each position, as vectors of Euclidean norm 1, [batch, positions].
  public func attentionMap() throws -> Tensor { try checked(ct_layer_attention_map(handle)) }

  /// Returns (x − y)², reduced over all elements.
  public func meanSquaredError(_ target: Tensor, reduction: LossReduction = .mean) throws -> Tensor {
    try checked(ct_loss_mean_squared(handle, target.handle, reduction.code))
  }
}
