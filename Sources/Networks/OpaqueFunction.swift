/// A function of one or two values that runs as it is and has no rule for pruning: the channels that it reads are kept, and so are all that are
/// coupled to them.
///
/// This is how networks of other programs hold what is no layer here; gradients flow through it.
public struct OpaqueFunction: Hashable, Sendable {
  /// The functions; those of single elements come first.
  public enum Name: String, Hashable, Sendable, CaseIterable {
    /// |x|.
    case abs
    /// √x; NaN below 0.
    case sqrt
    /// 1/x.
    case reciprocal
    /// eˣ, the exponential function.
    case exp
    /// ln x; NaN below 0.
    case log
    /// sin x, of radians.
    case sin
    /// cos x, of radians.
    case cos
    /// tan x, of radians.
    case tan
    /// arcsin x, in radians; NaN beyond ±1.
    case asin
    /// arccos x, in radians; NaN beyond ±1.
    case acos
    /// arctan x, in radians.
    case atan
    /// (eˣ − e⁻ˣ)/2.
    case sinh
    /// (eˣ + e⁻ˣ)/2.
    case cosh
    /// ln(x + √(x² + 1)).
    case asinh
    /// ln(x + √(x² − 1)); NaN below 1.
    case acosh
    /// ½·ln((1 + x)/(1 − x)); NaN beyond ±1.
    case atanh
    /// The error function, 2/√π·∫₀ˣ e^(−t²) dt.
    case erf
    /// −1, 0 or 1.
    case sign
    /// ⌊x⌋.
    case floor
    /// ⌈x⌉.
    case ceil
    /// The nearest whole number; ties go to the even one.
    case round
    /// x/(1 + |x|).
    case softsign
    /// `gamma`·x above 0 and `gamma`·`alpha`·(eˣ − 1) below (Klambauer et al. 2017).
    case selu
    /// x above 0 and `alpha`·(e^(x/`alpha`) − 1) below (Barron 2017).
    case celu
    /// x above `threshold`, and 0.
    case thresholdedReLU
    /// x − `bias` above `threshold`, x + `bias` below −`threshold`, and 0 between.
    case shrink
    /// min(max(`slope`·x + `offset`, 0), 1).
    case hardSigmoid
    /// min(max(x, `low`), `high`).
    case clip
    /// x to the power of `exponent`.
    case constantPower
    /// ln(eˣ/Σeˣ) over all channels, at each position.
    case logSoftmax
    /// x/‖x‖ over all channels, at each position, with the norm of `order` 1 or 2.
    case lpNormalize
    /// Sums of each channel and those before it, at each position; without the channel itself if `exclusive` is 1, and from the last on if
    /// `reverse` is 1.
    case cumulativeSum
    /// Σx over all channels, at each position, as one channel.
    case channelSum
    /// The mean of all channels, as one channel.
    case channelMean
    /// The largest of all channels, as one channel.
    case channelMax
    /// The smallest of all channels, as one channel.
    case channelMin
    /// Σ|x| over all channels, as one channel.
    case channelL1
    /// √Σx² over all channels, as one channel.
    case channelL2
    /// The product of all channels, as one channel.
    case channelProduct
    /// ln Σeˣ over all channels, as one channel.
    case channelLogSumExp
    /// x + y of values that broadcast.
    case add
    /// x − y of values that broadcast.
    case subtract
    /// x·y of values that broadcast.
    case multiply
    /// x/y.
    case divide
    /// The larger of x and y.
    case maximum
    /// The smaller of x and y.
    case minimum
    /// x to the power of y.
    case power
  }

  /// What a function does with the shape of its operands.
  public enum Form: Hashable, Sendable {
    /// Each element for itself.
    case elements
    /// All channels together, at each position; there are as many afterwards.
    case channels
    /// All channels become one.
    case reduction
    /// Two values, element by element; along a dimension in which one has the size 1 it is the same everywhere.
    case pair
  }

  /// Which of the functions it is.
  public var name: Name
  /// The numbers that belong to it, in the order of ``Name/numberNames``.
  public var numbers: [Double]

  /// Creates a function, with the numbers that belong to it.
  public init(_ name: Name, _ numbers: Double...) { (self.name, self.numbers) = (name, numbers) }

  /// Creates a function, with the numbers that belong to it in an array.
  public init(_ name: Name, numbers: [Double]) { (self.name, self.numbers) = (name, numbers) }
}

extension OpaqueFunction.Name {
  /// Names of the function's numbers, as in JSON and in what is said of each function.
  public var numberNames: [String] {
    switch self {
    case .selu: ["alpha", "gamma"]
    case .celu: ["alpha"]
    case .thresholdedReLU: ["threshold"]
    case .shrink: ["threshold", "bias"]
    case .hardSigmoid: ["slope", "offset"]
    case .clip: ["low", "high"]
    case .constantPower: ["exponent"]
    case .lpNormalize: ["order"]
    case .cumulativeSum: ["exclusive", "reverse"]
    default: []
    }
  }

  /// What the function does with the shape of its operands.
  public var form: OpaqueFunction.Form {
    switch self {
    case .abs, .sqrt, .reciprocal, .exp, .log, .sin, .cos, .tan, .asin, .acos, .atan, .sinh, .cosh, .asinh, .acosh, .atanh, .erf, .sign,
      .floor, .ceil, .round, .softsign, .selu, .celu, .thresholdedReLU, .shrink, .hardSigmoid, .clip, .constantPower:
      .elements
    case .logSoftmax, .lpNormalize, .cumulativeSum: .channels
    case .channelSum, .channelMean, .channelMax, .channelMin, .channelL1, .channelL2, .channelProduct, .channelLogSumExp: .reduction
    case .add, .subtract, .multiply, .divide, .maximum, .minimum, .power: .pair
    }
  }
}

extension OpaqueFunction {
  /// What is wrong with the function's numbers, in words, or nil.
  var problem: String? {
    let names = name.numberNames
    guard numbers.count == names.count else { return "\(name.rawValue) takes \(names.count) numbers, gets \(numbers.count)" }
    for (name, number) in zip(names, numbers) where !number.isFinite { return "\(name) must be finite, is \(number)" }
    switch name {
    case .celu where numbers[0] <= 0: return "alpha must be positive, is \(numbers[0])"
    case .lpNormalize where ![1, 2].contains(numbers[0]): return "order must be 1 or 2, is \(numbers[0])"
    case .cumulativeSum:
      return zip(names, numbers).first { ![0, 1].contains($1) }.map { "\($0) must be 0 or 1, is \($1)" }
    default: return nil
    }
  }

  /// Returns the shape of the value for the operands' shapes; nil where two of them do not meet.
  func shape(of operands: [FeatureShape]) -> FeatureShape? {
    guard let first = operands.first else { return nil }
    switch name.form {
    case .elements, .channels: return first
    case .reduction: return first.with(channels: 1)
    case .pair:
      guard let other = operands.dropFirst().first, other.dimensions.count == first.dimensions.count else { return nil }
      let pairs = zip(first.dimensions, other.dimensions)
      guard pairs.allSatisfy({ $0 == $1 || $0 == 1 || $1 == 1 }) else { return nil }
      let sizes = pairs.map { max($0, $1) }
      return sizes.count == 3 ? .image(channels: sizes[0], height: sizes[1], width: sizes[2]) : .vector(sizes[0])
    }
  }
}
