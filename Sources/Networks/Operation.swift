/// The operation that a node of a network computes.
///
/// The enum is closed on purpose: a pruning system switches over operations in many places (shapes, execution, cost, coupling, surgery …), and
/// the compiler names them all to anyone who adds a case.
public enum Operation: Hashable, Sendable {
  /// An input of the network; its value is a batch of examples of this shape.
  case input(FeatureShape)
  /// y = x·Wᵀ + b with W of shape [outputs, inputs].
  case linear(Linear)
  /// Cross-correlation with a weight of shape [outputs, inputs/groups, kernel height, kernel width]; transposed, each pixel is spread by the
  /// kernel instead.
  case convolution(Convolution)
  /// y = γ·(x − μ)/√(σ² + ε) + β per channel; batch statistics in training, running ones in evaluation.
  case batchNorm(BatchNorm)
  /// y = γ·(x − μ)/√(σ² + ε) + β with mean and variance of each example over groups of channels (layer norm: one group).
  case groupNorm(GroupNorm)
  /// y = γ·(x − μ)/√(σ² + ε) + β with mean and variance over all channels at each position (ConvNeXt's layer norm).
  case channelNorm(ChannelNorm)
  /// y = γ·x + β per channel; without β a layer scale.
  case channelAffine(ChannelAffine)
  /// x/(k + α/n·Σx²)^β with the sum over n neighbouring channels at each position (AlexNet's norm).
  case localResponseNorm(LocalResponseNorm)
  /// An element-wise activation without learned numbers.
  case activation(Activation)
  /// max(x, 0) + a·min(x, 0) with a learned a, one for each channel or one for all.
  case prelu(PReLU)
  /// eˣ/Σeˣ over all channels, at each position.
  case softmax
  /// softmax(s·q·kᵀ)·v in each head, of queries, keys and values, the node's three inputs; perhaps within windows, and with a learned bias.
  case attention(Attention)
  /// A learned token before the positions of a sequence: channels×1×n becomes channels×1×(n + 1).
  case classToken(features: Int)
  /// A learned number for each channel at each position, added.
  case positionEmbedding(PositionEmbedding)
  /// Maximum over each window.
  case maxPool(Pooling)
  /// Mean over each window.
  case averagePool(Pooling)
  /// Mean over a grid of `height` × `width` windows whatever the input's size (1 × 1 is global pooling).
  case adaptiveAveragePool(height: Int, width: Int)
  /// Maximum over a grid of `height` × `width` windows whatever the input's size (1 × 1 is global pooling).
  case adaptiveMaxPool(height: Int, width: Int)
  /// Zero pixels around an image, as many on each side as given; a negative number cuts pixels off.
  case pad(top: Int, bottom: Int, left: Int, right: Int)
  /// The image in another size, its pixels interpolated.
  case resize(height: Int, width: Int, Interpolation)
  /// The same positions in rows of another length: an image as a sequence (height 1), or back.
  case arrange(height: Int, width: Int)
  /// The image moved down and to the right by so many pixels, those beyond its borders coming in from the other side (Swin's shift).
  case roll(down: Int, right: Int)
  /// Zeroes each element with this probability in training, scaling the others by 1/(1 − p).
  case dropout(Double)
  /// [channels, height, width] → [channels·height·width], row-major.
  case flatten
  /// Element-wise sum of all inputs, which must have the same shape.
  case add
  /// The first input minus the second, which must have the same shape.
  case subtract
  /// Element-wise product of two inputs of one shape; or the second has one number for each channel of the first, C×1×1 or a vector of C
  /// (the gate of a squeeze-and-excitation block).
  case multiply
  /// Concatenation of the inputs along channels.
  case concat
  /// `count` consecutive channels from `start` on: one part of a split.
  case narrow(start: Int, count: Int)
  /// The channels (or features) at the given indices, in this order and each once at most; the others are not read. With all channels it
  /// is a permutation, such as the shuffle between grouped convolutions.
  case indexSelect([Int])
  /// ResNet's parameter-free shortcut (option A): every `stride`-th pixel, with zero channels before and after; with stride 1 also a vector
  /// between zeros.
  case subsamplePad(stride: Int, before: Int, after: Int)
  /// A function without a rule for pruning, of one value or two: the channels that it reads are kept.
  case opaque(OpaqueFunction)
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
  /// Rows and columns that a transposed convolution (the gradient of a convolution by its input) adds behind its output; nil for an ordinary
  /// convolution. Its stride then is that of the output, and its padding is cut off there.
  public var outputPadding: Extent?
  /// Creates a convolution from `inputs` channels to `outputs` filters; by default with stride 1, no padding, one group and a bias.
  public init(
    _ inputs: Int, _ outputs: Int, kernel: Extent, stride: Extent = Extent(1), padding: Extent = Extent(0),
    dilation: Extent = Extent(1), groups: Int = 1, bias: Bool = true, outputPadding: Extent? = nil
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    self.bias = bias
    self.outputPadding = outputPadding
  }

  /// Whether each input pixel is spread over the output, rather than each output pixel gathered from the input.
  public var isTransposed: Bool { outputPadding != nil }
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

/// Normalisation over all channels at each position, per example and identical in training and evaluation.
public struct ChannelNorm: Hashable, Sendable {
  /// Channels of an image, features of a vector.
  public var features: Int
  /// ε, added to the variance.
  public var epsilon: Double
  /// Whether the scale γ and shift β are learned; otherwise they are 1 and 0.
  public var affine: Bool
  /// Removed channels that still count as zeros in mean and variance, as in ``GroupNorm/absent``.
  public var absent: Int
  /// Creates a norm; the defaults are PyTorch's.
  public init(_ features: Int, epsilon: Double = 1e-5, affine: Bool = true, absent: Int = 0) {
    self.features = features
    self.epsilon = epsilon
    self.affine = affine
    self.absent = absent
  }
}

/// A learned scale, and perhaps shift, of each channel.
public struct ChannelAffine: Hashable, Sendable {
  /// Channels of an image, features of a vector.
  public var features: Int
  /// Whether each channel adds a learned shift.
  public var bias: Bool
  /// Creates a scale of the given number of channels, by default with a shift.
  public init(_ features: Int, bias: Bool = true) {
    self.features = features
    self.bias = bias
  }
}

/// A rectifier whose slope below 0 is learned.
public struct PReLU: Hashable, Sendable {
  /// Number of slopes: one for each channel, or 1 for all of them.
  public var features: Int
  /// Creates a rectifier with one slope for each of the given number of channels, or with 1 for all.
  public init(_ features: Int = 1) { self.features = features }
}

/// Normalisation of each channel by its neighbours (Krizhevsky et al. 2012).
public struct LocalResponseNorm: Hashable, Sendable {
  /// Number of neighbouring channels n, the channel itself included, at most twice as many as there are; those beyond the first and the last
  /// count as 0.
  public var size: Int
  /// Factor α of the mean square.
  public var alpha: Double
  /// Exponent β.
  public var beta: Double
  /// Number k added to the mean square.
  public var k: Double
  /// Creates a norm; the defaults are PyTorch's.
  public init(_ size: Int, alpha: Double = 1e-4, beta: Double = 0.75, k: Double = 1) {
    self.size = size
    self.alpha = alpha
    self.beta = beta
    self.k = k
  }
}

/// How a resized image's pixels come from the original's.
public enum Interpolation: String, Hashable, Sendable, CaseIterable {
  /// The pixel at ⌊i·size/new size⌋ (ONNX: asymmetric, floor).
  case nearest
  /// Between the four nearest pixels, whose corners lie on the new image's corners (ONNX: half_pixel).
  case bilinear
  /// Between the four nearest pixels, the outermost of which stay the outermost (ONNX: align_corners).
  case bilinearAligned
}

/// Window size, stride and padding of a pooling operation.
public struct Pooling: Hashable, Sendable {
  /// Height and width of the window in pixels.
  public var kernel: Extent
  /// Pixels from one window to the next.
  public var stride: Extent
  /// Pixels on each side; they never win a maximum.
  public var padding: Extent
  /// Whether a partly covered last window counts (PyTorch's `ceil_mode`).
  public var ceilMode: Bool
  /// Whether padding counts, as 0, in a mean (PyTorch's `count_include_pad`); otherwise the mean is that of the image's pixels alone.
  public var countsPadding: Bool
  /// Creates a pooling window; windows do not overlap unless a stride is given.
  public init(
    kernel: Extent, stride: Extent? = nil, padding: Extent = Extent(0), ceilMode: Bool = false, countsPadding: Bool = true
  ) {
    self.kernel = kernel
    self.stride = stride ?? kernel
    self.padding = padding
    self.ceilMode = ceilMode
    self.countsPadding = countsPadding
  }
}

extension Operation {
  /// Name of the operation in JSON and in tables, e.g. `convolution`.
  public var kind: String { type.rawValue }

  /// The values of the `type` field in JSON.
  enum Kind: String, CaseIterable {
    case input, linear, convolution, batchNorm, groupNorm, channelNorm, channelAffine, localResponseNorm, activation, prelu, softmax
    case attention, classToken, positionEmbedding
    case maxPool, averagePool, adaptiveAveragePool, adaptiveMaxPool, pad, resize, arrange, roll, dropout, flatten
    case add, subtract, multiply, concat, narrow, indexSelect, subsamplePad, opaque
  }

  var type: Kind {
    switch self {
    case .input: .input
    case .linear: .linear
    case .convolution: .convolution
    case .batchNorm: .batchNorm
    case .groupNorm: .groupNorm
    case .channelNorm: .channelNorm
    case .channelAffine: .channelAffine
    case .localResponseNorm: .localResponseNorm
    case .activation: .activation
    case .prelu: .prelu
    case .softmax: .softmax
    case .attention: .attention
    case .classToken: .classToken
    case .positionEmbedding: .positionEmbedding
    case .maxPool: .maxPool
    case .averagePool: .averagePool
    case .adaptiveAveragePool: .adaptiveAveragePool
    case .adaptiveMaxPool: .adaptiveMaxPool
    case .pad: .pad
    case .resize: .resize
    case .arrange: .arrange
    case .roll: .roll
    case .dropout: .dropout
    case .flatten: .flatten
    case .add: .add
    case .subtract: .subtract
    case .multiply: .multiply
    case .concat: .concat
    case .narrow: .narrow
    case .indexSelect: .indexSelect
    case .subsamplePad: .subsamplePad
    case .opaque: .opaque
    }
  }
}
