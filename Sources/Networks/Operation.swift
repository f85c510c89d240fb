/// The operation that a node of a network computes.
///
/// The enum is closed on purpose: a pruning system switches over operations in four places (shapes, execution, cost, coupling), and the
/// compiler names all four to anyone who adds a case.
public enum Operation: Hashable, Sendable {
  /// An input of the network; its value is a batch of examples of this shape.
  case input(FeatureShape)
  /// y = x·Wᵀ + b with W of shape [outputs, inputs].
  case linear(Linear)
  /// Cross-correlation with a weight of shape [outputs, inputs/groups, kernel height, kernel width].
  case convolution(Convolution)
  /// y = γ·(x − μ)/√(σ² + ε) + β per channel; batch statistics in training, running ones in evaluation.
  case batchNorm(BatchNorm)
  /// y = γ·(x − μ)/√(σ² + ε) + β with mean and variance of each example over groups of channels (layer norm: one group).
  case groupNorm(GroupNorm)
  /// An element-wise activation; every one of them maps 0 to 0.
  case activation(Activation)
  /// Maximum over each window.
  case maxPool(Pooling)
  /// Mean over each window.
  case averagePool(Pooling)
  /// Mean over a grid of `height` × `width` windows whatever the input's size (1 × 1 is global pooling).
  case adaptiveAveragePool(height: Int, width: Int)
  /// Zeroes each element with this probability in training, scaling the others by 1/(1 − p).
  case dropout(Double)
  /// [channels, height, width] → [channels·height·width], row-major.
  case flatten
  /// Element-wise sum of all inputs, which must have the same shape.
  case add
  /// Concatenation of the inputs along channels.
  case concat
  /// `count` consecutive channels from `start` on: one part of a split.
  case narrow(start: Int, count: Int)
  /// The channels (or features) at the given ascending indices; the others are not read.
  case indexSelect([Int])
  /// ResNet's parameter-free shortcut (option A): every `stride`-th pixel, with zero channels before and after.
  case subsamplePad(stride: Int, before: Int, after: Int)
}

/// A fully connected layer, y = x·Wᵀ + b.
public struct Linear: Hashable, Sendable {
  /// Features of the input vector.
  public var inputs: Int
  /// Units, that is, features of the output vector.
  public var outputs: Int
  /// Whether the layer adds a learned bias.
  public var bias: Bool
  /// Creates a layer from `inputs` features to `outputs` units.
  public init(_ inputs: Int, _ outputs: Int, bias: Bool = true) {
    self.inputs = inputs
    self.outputs = outputs
    self.bias = bias
  }
}

/// A height and a width, for kernels, strides, padding and dilation.
public struct Extent: Hashable, Sendable, CustomStringConvertible {
  /// Along the rows.
  public var height: Int
  /// Along the columns.
  public var width: Int
  /// Creates an extent from its height and width.
  public init(_ height: Int, _ width: Int) {
    self.height = height
    self.width = width
  }
  /// Creates a square extent.
  public init(_ both: Int) { self.init(both, both) }
  /// The extent as `height×width`.
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
  /// Number of independent convolutions that the channels are divided among.
  public var groups: Int
  /// Whether each filter adds a learned bias.
  public var bias: Bool
  /// Creates a convolution from `inputs` channels to `outputs` filters; by default with stride 1, no padding, one group and a bias.
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

/// Batch normalisation of each channel (or feature).
public struct BatchNorm: Hashable, Sendable {
  /// Channels of an image, features of a vector.
  public var features: Int
  /// ε, added to the variance.
  public var epsilon: Double
  /// Weight of the newest batch in the running statistics (PyTorch's convention).
  public var momentum: Double
  /// Whether the scale γ and shift β are learned; otherwise they are 1 and 0.
  public var affine: Bool
  /// Creates a norm; the defaults are PyTorch's.
  public init(_ features: Int, epsilon: Double = 1e-5, momentum: Double = 0.1, affine: Bool = true) {
    self.features = features
    self.epsilon = epsilon
    self.momentum = momentum
    self.affine = affine
  }
}

/// Normalisation over groups of channels and all positions, per example and identical in training and evaluation.
public struct GroupNorm: Hashable, Sendable {
  /// Number of equally large runs of channels that are normalised together; 1 is layer norm, one per channel instance norm.
  public var groups: Int
  /// Channels of an image, features of a vector.
  public var features: Int
  /// ε, added to the variance.
  public var epsilon: Double
  /// Whether the scale γ and shift β are learned; otherwise they are 1 and 0.
  public var affine: Bool
  /// Removed channels of each group that still count as zeros in its mean and variance, so that surgery does not change the norm of the
  /// remaining channels.
  public var absent: Int
  /// Creates a norm; the defaults are PyTorch's.
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
  /// x·Φ(x), exact (by the error function).
  case gelu
  /// x·σ(x), also called swish.
  case silu
}

/// Window size, stride and padding of a pooling operation.
public struct Pooling: Hashable, Sendable {
  /// Height and width of the window in pixels.
  public var kernel: Extent
  /// Pixels from one window to the next.
  public var stride: Extent
  /// Pixels on each side; they never win a maximum and count as 0 in a mean.
  public var padding: Extent
  /// Whether a partly covered last window counts (PyTorch's `ceil_mode`).
  public var ceilMode: Bool
  /// Creates a pooling window; windows do not overlap unless a stride is given.
  public init(kernel: Extent, stride: Extent? = nil, padding: Extent = Extent(0), ceilMode: Bool = false) {
    self.kernel = kernel
    self.stride = stride ?? kernel
    self.padding = padding
    self.ceilMode = ceilMode
  }
}

extension Operation {
  /// Name of the operation in JSON and in tables, e.g. `convolution`.
  public var kind: String { type.rawValue }

  /// The values of the `type` field in JSON.
  enum Kind: String, CaseIterable {
    case input, linear, convolution, batchNorm, groupNorm, activation, maxPool, averagePool, adaptiveAveragePool, dropout, flatten
    case add, concat, narrow, indexSelect, subsamplePad
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
    case .indexSelect: .indexSelect
    case .subsamplePad: .subsamplePad
    }
  }
}
