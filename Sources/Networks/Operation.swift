/// What a node of a network computes.
///
/// The enum is closed on purpose: a pruning system switches over operations in four places (shapes, execution,
/// cost, coupling), and the compiler names all four to whoever adds a case.
public enum Operation: Hashable, Sendable {
  /// An entry of the network; its value is a batch of this per-example shape.
  case input(FeatureShape)
  /// y = x·Wᵀ + b, weight [outputs, inputs].
  case linear(Linear)
  /// Cross-correlation, weight [outputs, inputs/groups, kernel height, kernel width].
  case convolution(Convolution)
  /// y = γ·(x − μ)/√(σ² + ε) + β per channel; batch statistics in training, running ones in evaluation.
  case batchNorm(BatchNorm)
  /// y = γ·(x − μ)/√(σ² + ε) + β with mean and variance of each example over groups of channels (layer norm: one group).
  case groupNorm(GroupNorm)
  /// An element-wise activation; every one of them maps 0 to 0.
  case activation(Activation)
  /// Maximum over a window.
  case maxPool(Pooling)
  /// Mean over a window.
  case averagePool(Pooling)
  /// Mean over a grid of `height` × `width` windows whatever the input's size (1 × 1: global pooling).
  case adaptiveAveragePool(height: Int, width: Int)
  /// Zeroes each element with this probability in training, scaling the others by 1/(1 − p).
  case dropout(Double)
  /// [channels, height, width] → [channels·height·width], row-major.
  case flatten
  /// Element-wise sum of all inputs, which have one shape.
  case add
  /// Concatenation along channels.
  case concat
  /// Some of the channels, one after another: a part of a split.
  case narrow(start: Int, count: Int)
  /// ResNet's parameter-free shortcut (option A): every `stride`-th pixel, with zero channels before and after.
  case subsamplePad(stride: Int, before: Int, after: Int)
}

/// A fully connected layer.
public struct Linear: Hashable, Sendable {
  /// Features of the input vector.
  public var inputs: Int
  /// Units, that is features of the output vector.
  public var outputs: Int
  /// Whether a learned constant is added.
  public var bias: Bool
  /// A layer from `inputs` features to `outputs` units.
  public init(_ inputs: Int, _ outputs: Int, bias: Bool = true) {
    self.inputs = inputs
    self.outputs = outputs
    self.bias = bias
  }
}

/// Two numbers, one for height and one for width.
public struct Extent: Hashable, Sendable, CustomStringConvertible {
  /// Along the rows.
  public var height: Int
  /// Along the columns.
  public var width: Int
  /// Height and width.
  public init(_ height: Int, _ width: Int) {
    self.height = height
    self.width = width
  }
  /// The same for both.
  public init(_ both: Int) { self.init(both, both) }
  /// `height×width`.
  public var description: String { "\(height)×\(width)" }
}

/// A two-dimensional convolution.
public struct Convolution: Hashable, Sendable {
  /// Channels of the input image.
  public var inputs: Int
  /// Filters, that is channels of the output image.
  public var outputs: Int
  /// Taps of a filter.
  public var kernel: Extent
  /// Pixels from one window to the next.
  public var stride: Extent
  /// Zero pixels on each side.
  public var padding: Extent
  /// Pixels from one tap to the next.
  public var dilation: Extent
  /// Into how many separate convolutions the channels are split.
  public var groups: Int
  /// Whether a learned constant per filter is added.
  public var bias: Bool
  /// A convolution from `inputs` channels to `outputs` filters; stride 1, no padding, ungrouped and with bias unless said.
  public init(
    _ inputs: Int, _ outputs: Int, kernel: Extent, stride: Extent = Extent(1), padding: Extent = Extent(0),
    dilation: Extent = Extent(1), groups: Int = 1, bias: Bool = true
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    self.bias = bias
  }
}

/// Batch normalisation over channels (or features).
public struct BatchNorm: Hashable, Sendable {
  /// Channels of an image, features of a vector.
  public var features: Int
  /// ε, added to the variance.
  public var epsilon: Double
  /// Weight of the newest batch in the running statistics (PyTorch's convention).
  public var momentum: Double
  /// Whether scale γ and shift β are learned; else they are 1 and 0.
  public var affine: Bool
  /// A norm with PyTorch's defaults.
  public init(_ features: Int, epsilon: Double = 1e-5, momentum: Double = 0.1, affine: Bool = true) {
    self.features = features
    self.epsilon = epsilon
    self.momentum = momentum
    self.affine = affine
  }
}

/// Normalisation over groups of channels and all positions, example by example, the same in training and evaluation.
public struct GroupNorm: Hashable, Sendable {
  /// Into how many runs of equally many channels these are divided; one: layer norm, as many as channels: instance norm.
  public var groups: Int
  /// Channels of an image, features of a vector.
  public var features: Int
  /// ε, added to the variance.
  public var epsilon: Double
  /// Whether scale γ and shift β are learned; else they are 1 and 0.
  public var affine: Bool
  /// Channels of each group that were removed and still count, as zeros, in its mean and variance: only so does the norm of the
  /// channels that are left stay what it was.
  public var absent: Int
  /// A norm with PyTorch's defaults.
  public init(groups: Int, _ features: Int, epsilon: Double = 1e-5, affine: Bool = true, absent: Int = 0) {
    self.groups = groups
    self.features = features
    self.epsilon = epsilon
    self.affine = affine
    self.absent = absent
  }
}

/// An element-wise non-linearity with f(0) = 0.
public enum Activation: String, Codable, Hashable, Sendable, CaseIterable {
  /// max(x, 0).
  case relu
  /// min(max(x, 0), 6).
  case relu6
  /// Hyperbolic tangent.
  case tanh
  /// x·Φ(x), exact (error function).
  case gelu
  /// x·σ(x).
  case silu
}

/// A pooling window.
public struct Pooling: Hashable, Sendable {
  /// Pixels of a window.
  public var kernel: Extent
  /// Pixels from one window to the next.
  public var stride: Extent
  /// Pixels on each side that never win a maximum and count as 0 in a mean.
  public var padding: Extent
  /// Whether a last, partly covered window counts (PyTorch's `ceil_mode`).
  public var ceilMode: Bool
  /// Windows side by side unless a stride is given.
  public init(kernel: Extent, stride: Extent? = nil, padding: Extent = Extent(0), ceilMode: Bool = false) {
    self.kernel = kernel
    self.stride = stride ?? kernel
    self.padding = padding
    self.ceilMode = ceilMode
  }
}

extension Operation {
  /// The operation's name in JSON and in tables, e.g. `convolution`.
  public var kind: String { type.rawValue }

  /// What JSON's `type` field may say.
  enum Kind: String, CaseIterable {
    case input, linear, convolution, batchNorm, groupNorm, activation, maxPool, averagePool, adaptiveAveragePool, dropout, flatten
    case add, concat, narrow, subsamplePad
  }

  var type: Kind {
    switch self {
    case .input: .input
    case .linear: .linear
    case .convolution: .convolution
    case .batchNorm: .batchNorm
    case .groupNorm: .groupNorm
    case .activation: .activation
    case .maxPool: .maxPool
    case .averagePool: .averagePool
    case .adaptiveAveragePool: .adaptiveAveragePool
    case .dropout: .dropout
    case .flatten: .flatten
    case .add: .add
    case .concat: .concat
    case .narrow: .narrow
    case .subsamplePad: .subsamplePad
    }
  }
}
