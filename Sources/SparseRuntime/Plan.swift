/// A network compiled for the kernels of the sparse runtime: a list of steps over maps, with weights in the order in which the kernels read
/// them.
///
/// Values that steps pass to each other are ``PlanMap``s; a step reads maps that earlier steps (or the input) have written, and writes one.
/// Batch norms, dropout and most activations and residual sums are part of the layers before them.
public struct Plan: Sendable {
  /// Name of the network, e.g. `resnet20`.
  public var name: String
  /// All values, in the order in which they come into being; the first is the network's input.
  public var maps: [PlanMap] = []
  /// What is done, in order.
  public var steps: [PlanStep] = []
  /// Indices of the maps that are the network's outputs.
  public var outputs: [Int] = []
  /// Examples that go through the network side by side at a time, in groups of 16: 1 group, 2 or 4.
  public var groups: Int = 1
  /// Fewer examples than this go through the network one after another.
  public var loneExamples: Int = 8
  /// How images become the network's input.
  public var preparation = PlanPreparation()
  /// Names of the classes, in the order of the outputs; empty where they are not known.
  public var classes: [String] = []
  /// The numbers of all steps.
  public var storage: PlanStorage

  /// Creates an empty plan over the given numbers.
  public init(name: String, storage: PlanStorage) {
    self.name = name
    self.storage = storage
  }

  /// Channels, height and width of an example, or the number of features of a vector.
  public var inputShape: [Int] { maps.first.map { $0.height * $0.width == 1 ? [$0.channels] : [$0.channels, $0.height, $0.width] } ?? [] }
  /// Values of an example.
  public var inputCount: Int { inputShape.reduce(1, *) }
  /// Values of an example's first output.
  public var outputCount: Int { outputs.first.map { maps[$0].channels * maps[$0].height * maps[$0].width } ?? 0 }
}

/// How the bytes of an image become a network's input: (byte/255 − mean)/deviation per channel.
public struct PlanPreparation: Hashable, Sendable {
  /// Channels, height and width of an image, also where the network reads it as a vector; empty where it is the input's own shape.
  public var shape: [Int]
  /// One number for each channel; empty where the network takes values as they are.
  public var mean: [Float], deviation: [Float]
  /// Pixels of the shorter side to which an image is resized before its middle is taken; nil for just the input's size.
  public var resize: Int?
  /// Whether channels come as blue, green and red.
  public var isReversed: Bool
  /// Creates a preparation; by default none.
  public init(shape: [Int] = [], mean: [Float] = [], deviation: [Float] = [], resize: Int? = nil, isReversed: Bool = false) {
    self.shape = shape
    (self.mean, self.deviation, self.resize, self.isReversed) = (mean, deviation, resize, isReversed)
  }
}

/// How the values of one example lie in memory, in *positions*: a position is one value of a lone example, or 16 of a group.
///
/// Rows are `row` positions apart and channels `plane`; what lies between a channel's pixels and the next channel's is 0 and is the padding
/// of the layers that read the map.
public struct PlanMap: Hashable, Sendable {
  /// Channels of an image, features of a vector.
  public var channels: Int
  /// Rows of pixels.
  public var height: Int
  /// Pixels of a row.
  public var width: Int
  /// Rows of zeros above each channel, shared with the one before.
  public var above: Int
  /// Zeros on the left of each row, shared with the right of the row above.
  public var beside: Int
  /// Positions from a row to the next, at least `width + beside`.
  public var row: Int
  /// Positions from a channel to the next, at least `(height + above)·row`; 1 for a vector.
  public var plane: Int

  /// Creates a map.
  public init(channels: Int, height: Int, width: Int, above: Int, beside: Int, row: Int, plane: Int) {
    self.channels = channels
    self.height = height
    self.width = width
    self.above = above
    self.beside = beside
    self.row = row
    self.plane = plane
  }

  /// Creates the map of a vector.
  public init(features: Int) { self.init(channels: features, height: 1, width: 1, above: 0, beside: 0, row: 1, plane: 1) }

  /// Whether the map is a vector, whose features lie side by side.
  public var isVector: Bool { plane == 1 }
  /// Position of the first pixel of the first channel.
  public var origin: Int { above * row + beside }
  /// Positions from a channel's first pixel to behind its last, those between rows included.
  public var flat: Int { (height - 1) * row + width }
  /// All positions.
  public var positions: Int { origin + channels * plane }
}

/// Numbers of one step: where they lie in the plan's storage.
public struct PlanNumbers<Element>: Hashable, Sendable {
  /// Byte offset of the first.
  public var offset: Int
  /// Number of elements.
  public var count: Int
  /// Creates a reference to numbers in a storage.
  public init(offset: Int, count: Int) {
    self.offset = offset
    self.count = count
  }
}

/// A step of a plan. Whatever is computed is at last held between `low` and `high`, which is how a ReLU is fused.
public enum PlanStep: Sendable {
  /// A fully connected layer or a convolution of stride 1.
  case layer(PlanLayer)
  /// Maximum or mean over windows.
  case pool(PlanPool)
  /// An elementwise function, with a scale and a shift for each channel.
  case function(PlanFunction)
  /// A sum, difference or product of two maps.
  case pair(PlanPair)
  /// A norm over a single example's values, or a softmax.
  case norm(PlanNorm)
  /// Pixels in other places, or between others: resized, rolled and rearranged images, and class tokens.
  case resample(PlanResample)
  /// A number for each channel and pixel, added: learned positions.
  case offset(PlanOffset)
  /// Positions that look at each other.
  case attention(PlanAttention)
  /// An image of phases, as transposed convolutions make them.
  case interleave(PlanInterleave)
  /// Channels that come from others, shifted and thinned: concatenations, selections, padding, and the phases of strided convolutions.
  case copy(PlanCopy)

  /// Name of the network's node that the step computes.
  public var name: String {
    switch self {
    case .layer(let step): step.name
    case .pool(let step): step.name
    case .function(let step): step.name
    case .pair(let step): step.name
    case .norm(let step): step.name
    case .resample(let step): step.name
    case .offset(let step): step.name
    case .attention(let step): step.name
    case .interleave(let step): step.name
    case .copy(let step): step.name
    }
  }
  /// The map that the step writes.
  public var output: Int {
    switch self {
    case .layer(let step): step.y
    case .pool(let step): step.y
    case .function(let step): step.y
    case .pair(let step): step.y
    case .norm(let step): step.y
    case .resample(let step): step.y
    case .offset(let step): step.y
    case .attention(let step): step.y
    case .interleave(let step): step.y
    case .copy(let step): step.y
    }
  }
  /// The maps that the step reads.
  public var inputs: [Int] {
    switch self {
    case .layer(let step): step.z.map { [step.x, $0] } ?? [step.x]
    case .pool(let step): [step.x]
    case .function(let step): [step.x]
    case .pair(let step): [step.a, step.b]
    case .norm(let step): [step.x]
    case .resample(let step): [step.x]
    case .offset(let step): [step.x]
    case .attention(let step): [step.queries.map, step.keys.map, step.values.map]
    case .interleave(let step): [step.x]
    case .copy(let step): Array(Set(step.sources.compactMap(\.map))).sorted()
    }
  }
}

/// y = W * x + bias + z.
public struct PlanLayer: Sendable {
  /// Name of the node.
  public var name: String
  /// The map that is read, and the one that is written.
  public var x: Int, y: Int
  /// The map that is added, if any: a residual.
  public var z: Int?
  /// Position in x that the first weight's offset 0 reads for the first output pixel.
  public var first: Int
  /// One number for each output.
  public var bias: PlanNumbers<Float>?
  /// Bounds of the result.
  public var low: Float, high: Float
  /// All weights, zeros included, for tables; 0 where that is not known.
  public var total: Int
  /// The weights.
  public var weights: Weights
  /// Weights as a kernel stores them.
  public enum Weights: Sendable {
    /// Only those that are not 0.
    case sparse(PlanFilters)
    /// All weights, zeros too.
    case dense(PlanMatrix)
    /// Blocks of weights in which at least one is not 0.
    case blocks(PlanBlocks)
  }
  /// Creates a layer.
  public init(
    name: String, x: Int, y: Int, z: Int? = nil, first: Int, bias: PlanNumbers<Float>?, low: Float = -.infinity, high: Float = .infinity,
    total: Int = 0, weights: Weights
  ) {
    (self.name, self.x, self.y, self.z, self.first, self.bias, self.low, self.high) = (name, x, y, z, first, bias, low, high)
    (self.total, self.weights) = (total, weights)
  }
}

/// The weights of a layer that are not 0, by outputs within blocks of offsets that fit into the first-level cache.
public struct PlanFilters: Hashable, Sendable {
  /// [blocks]: offsets count from here.
  public var bases: PlanNumbers<UInt32>
  /// [blocks · outputs + 1]: where the weights of each block and output begin.
  public var starts: PlanNumbers<UInt32>
  /// [weights]: how far from the block's base that lies which the weight multiplies.
  public var offsets: PlanNumbers<UInt16>
  /// [weights].
  public var values: PlanNumbers<Float>
  /// The most vectors of a tile where 16 examples lie side by side: with fewer a tile reads less of each channel, with more a weight is
  /// loaded less often.
  public var vectors: Int
  /// Positions that bases and offsets count: 1, or those of a channel where a layer of single pixels is computed, so that 16 bits reach as many
  /// channels at a time as are wanted, however large an image is.
  public var stride: Int
  /// Creates a layer's kept weights.
  public init(
    bases: PlanNumbers<UInt32>, starts: PlanNumbers<UInt32>, offsets: PlanNumbers<UInt16>, values: PlanNumbers<Float>, vectors: Int,
    stride: Int = 1
  ) {
    (self.bases, self.starts, self.offsets, self.values) = (bases, starts, offsets, values)
    (self.vectors, self.stride) = (vectors, stride)
  }
}

/// All weights of a layer.
public struct PlanMatrix: Hashable, Sendable {
  /// Groups of channels that do not see each other.
  public var groups: Int
  /// Input channels of a group.
  public var inputs: Int
  /// Input channels that are read at a time, as many as fit into the first-level cache.
  public var block: Int
  /// [taps]: positions from a channel's first to each tap.
  public var taps: PlanNumbers<UInt32>
  /// [outputs][inputs][taps].
  public var values: PlanNumbers<Float>
  /// Creates a layer's weights.
  public init(groups: Int, inputs: Int, block: Int, taps: PlanNumbers<UInt32>, values: PlanNumbers<Float>) {
    (self.groups, self.inputs, self.block, self.taps, self.values) = (groups, inputs, block, taps, values)
  }
}

/// Maximum or mean over windows.
public struct PlanPool: Sendable {
  /// Name of the node.
  public var name: String
  /// The map that is read, and the one that is written.
  public var x: Int, y: Int
  /// Whether the mean is taken rather than the maximum.
  public var isMean: Bool
  /// [height] and [width] of the output: the rows and columns of each window, from the first to behind the last, and the factors whose product
  /// a mean's sum is multiplied by.
  public var rows: [Window], columns: [Window]
  /// Bounds of the result.
  public var low: Float, high: Float
  /// Rows, or columns, of a window.
  public struct Window: Hashable, Sendable {
    /// The first, and the one behind the last.
    public var from: Int, to: Int
    /// Factor of a mean.
    public var share: Float
    /// Creates a window.
    public init(from: Int, to: Int, share: Float) { (self.from, self.to, self.share) = (from, to, share) }
  }
  /// Creates a pooling step.
  public init(
    name: String, x: Int, y: Int, isMean: Bool, rows: [Window], columns: [Window], low: Float = -.infinity, high: Float = .infinity
  ) {
    (self.name, self.x, self.y, self.isMean, self.rows, self.columns) = (name, x, y, isMean, rows, columns)
    (self.low, self.high) = (low, high)
  }
}

/// y = f(scale·x + shift).
public struct PlanFunction: Sendable {
  /// Functions of one number.
  public enum Kind: UInt32, CaseIterable, Sendable {
    /// x itself; α·(eˣ − 1) below 0 for `elu`; min(max(α·x + ½, 0), 1) for `hardSigmoid`; s·x below 0 for `slope`, where s is α or a number
    /// for each channel.
    case identity, sigmoid, tanh, silu, gelu, tanhGELU, elu, hardSigmoid, hardSwish, softplus, mish, absolute, slope
  }
  /// Name of the node.
  public var name: String
  /// The map that is read, and the one that is written.
  public var x: Int, y: Int
  /// The function.
  public var kind: Kind
  /// The α of the function, where it has one.
  public var alpha: Float
  /// One number for each channel.
  public var scale: PlanNumbers<Float>?, shift: PlanNumbers<Float>?, slope: PlanNumbers<Float>?
  /// Bounds of the result.
  public var low: Float, high: Float
  /// Creates an elementwise step.
  public init(
    name: String, x: Int, y: Int, kind: Kind = .identity, alpha: Float = 0, scale: PlanNumbers<Float>? = nil,
    shift: PlanNumbers<Float>? = nil, slope: PlanNumbers<Float>? = nil, low: Float = -.infinity, high: Float = .infinity
  ) {
    (self.name, self.x, self.y, self.kind, self.alpha) = (name, x, y, kind, alpha)
    (self.scale, self.shift, self.slope, self.low, self.high) = (scale, shift, slope, low, high)
  }
}

/// y = a + b, a − b or a·b; b may have one pixel for all of a's.
public struct PlanPair: Sendable {
  /// What is done with the two.
  public enum Kind: UInt32, CaseIterable, Sendable { case add, subtract, multiply }
  /// Name of the node.
  public var name: String
  /// The maps that are read, and the one that is written.
  public var a: Int, b: Int, y: Int
  /// What is done with the two.
  public var kind: Kind
  /// Bounds of the result.
  public var low: Float, high: Float
  /// Creates a step of two maps.
  public init(name: String, a: Int, b: Int, y: Int, kind: Kind, low: Float = -.infinity, high: Float = .infinity) {
    (self.name, self.a, self.b, self.y, self.kind, self.low, self.high) = (name, a, b, y, kind, low, high)
  }
}

/// Channels that come from others.
public struct PlanCopy: Sendable {
  /// Where a channel comes from: y[i][j] = x[step·i + down][step·j + right], 0 beyond x's pixels.
  public struct Source: Hashable, Sendable {
    /// The map, or nil for a channel of zeros.
    public var map: Int?
    /// The channel of that map.
    public var channel: Int
    /// The pixel that becomes the first; it may lie beyond x.
    public var down: Int, right: Int
    /// Pixels from one to the next, downwards and to the right.
    public var downStep: Int, rightStep: Int
    /// Creates a source, by default all pixels of the channel.
    public init(map: Int?, channel: Int, down: Int = 0, right: Int = 0, downStep: Int = 1, rightStep: Int = 1) {
      (self.map, self.channel, self.down, self.right) = (map, channel, down, right)
      (self.downStep, self.rightStep) = (downStep, rightStep)
    }
  }
  /// Name of the node.
  public var name: String
  /// The map that is written.
  public var y: Int
  /// [channels of y].
  public var sources: [Source]
  /// Creates a copying step.
  public init(name: String, y: Int, sources: [Source]) { (self.name, self.y, self.sources) = (name, y, sources) }
}
