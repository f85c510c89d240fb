/// A norm over a single example's values.
public struct PlanNorm: Sendable {
  /// What is normalised by what.
  public enum Kind: UInt32, CaseIterable, Sendable {
    /// (x − μ)/√(σ² + ε) of groups of channels over all pixels; of all channels at each pixel; eˣ/Σeˣ over all channels at each pixel;
    /// x/(k + α/n·Σx²)^β over n neighbouring channels.
    case group, channel, softmax, localResponse
  }
  /// Name of the node.
  public var name: String
  /// The map that is read, and the one that is written.
  public var x: Int, y: Int
  /// The norm.
  public var kind: Kind
  /// Groups of channels, of `group`; neighbouring channels, of `localResponse`.
  public var size: Int
  /// Channels of each group that are no longer there and count as 0.
  public var absent: Int
  /// Numbers of the formulas.
  public var epsilon: Float, alpha: Float, beta: Float, k: Float
  /// One number for each channel.
  public var scale: PlanNumbers<Float>?, shift: PlanNumbers<Float>?
  /// Creates a norm.
  public init(
    name: String, x: Int, y: Int, kind: Kind, size: Int = 1, absent: Int = 0, epsilon: Float = 0, alpha: Float = 0, beta: Float = 0,
    k: Float = 0, scale: PlanNumbers<Float>? = nil, shift: PlanNumbers<Float>? = nil
  ) {
    (self.name, self.x, self.y, self.kind, self.size, self.absent) = (name, x, y, kind, size, absent)
    (self.epsilon, self.alpha, self.beta, self.k, self.scale, self.shift) = (epsilon, alpha, beta, k, scale, shift)
  }
}

/// Pixels that come from others of the same channel.
public struct PlanResample: Sendable {
  /// Name of the node.
  public var name: String
  /// The map that is read, and the one that is written.
  public var x: Int, y: Int
  /// Pixels that each pixel is made of.
  public var taps: Int
  /// [pixels of y][taps]: pixels of x, counted row by row; −1 for the channel's token.
  public var places: PlanNumbers<Int32>
  /// [pixels of y][taps]: the share of each; nil where one pixel is taken whole.
  public var shares: PlanNumbers<Float>?
  /// One number for each channel, the value of a token; nil without one.
  public var token: PlanNumbers<Float>?
  /// Creates a resampling step.
  public init(
    name: String, x: Int, y: Int, taps: Int, places: PlanNumbers<Int32>, shares: PlanNumbers<Float>? = nil, token: PlanNumbers<Float>? = nil
  ) {
    (self.name, self.x, self.y, self.taps, self.places, self.shares, self.token) = (name, x, y, taps, places, shares, token)
  }
}

/// A number for each channel and pixel, added.
public struct PlanOffset: Sendable {
  /// Name of the node.
  public var name: String
  /// The map that is read, and the one that is written.
  public var x: Int, y: Int
  /// [channels][pixels].
  public var numbers: PlanNumbers<Float>
  /// Creates a step that adds numbers.
  public init(name: String, x: Int, y: Int, numbers: PlanNumbers<Float>) {
    (self.name, self.x, self.y, self.numbers) = (name, x, y, numbers)
  }
}
