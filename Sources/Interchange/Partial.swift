internal import Networks

/// A part of a formula of one variable, or of the comparison of two.
struct Partial {
  enum Form: Equatable {
    /// σ(x)
    case sigmoid
    /// x + 3
    case raised
    /// c·min(max(x + 3, 0), 6), which is a hard sigmoid for c = 1/6
    case ramp(Double)
    /// c·x·min(max(x + 3, 0), 6), which is a hard swish for c = 1/6
    case ramped(Double)
    /// c·x
    case scaled(Double)
    /// g(x), the curve of a GELU
    case curve(GELUCurve)
    /// c·(1 + g(x))
    case curvePlusOne(GELUCurve, Double)
    /// c·x·(1 + g(x)), which is GELU for c = ½
    case gated(GELUCurve, Double)
    /// Every so many pixels
    case strided(Extent)
    /// Zeros around an image: above, left, below, right
    case padded([Int])
    /// softmax(x) of the channels
    case softmax
    /// μ, the mean of all channels
    case mean
    /// x − μ
    case centred
    /// (x − μ)²
    case squares
    /// σ² + ε, the mean of the squares; ε is nil before it is added
    case variance(epsilon: Double?)
    /// √(σ² + ε)
    case deviation(epsilon: Double)
    /// c·x·kᵀ + b in each head, where x are queries
    case scores(Scores)
    /// softmax(c·x·kᵀ + b) over the keys in each head
    case attention(Scores)
    /// |x| over the channels of each head, the last axis, or at least a number by which division is safe
    case length(least: Double)
    /// x divided by that
    case unit(least: Double)
  }
  var form: Form
  /// The variable x, however its axes are turned.
  var view: View
}

/// What a GELU computes of x before the gate.
enum GELUCurve: Equatable {
  /// erf(x/√2)
  case exact
  /// tanh of a cubic of x that approximates it, which the value `of` is
  case tanh(of: View)
}

extension Partial {
  /// Whether the part is a function of single elements, or of the channels of a head, whose axes can be turned before it as well as behind it.
  var isElementwise: Bool {
    switch form {
    case .sigmoid, .raised, .ramp, .ramped, .scaled, .curve, .curvePlusOne, .gated, .unit: true
    case .strided, .padded, .softmax, .scores, .attention, .length, .mean, .centred, .squares, .variance, .deviation: false
    }
  }

  /// The operation that the part is by itself; nil if it is none.
  var operation: Operation? {
    switch form {
    case .sigmoid: .activation(.sigmoid)
    case .ramp(let factor) where abs(factor - 1 / 6) < 1e-4: .activation(.hardSigmoid())
    case .softmax: .softmax
    case .padded(let pads): .pad(top: pads[0], bottom: pads[2], left: pads[1], right: pads[3])
    default: nil
    }
  }

  /// The part in words, for messages.
  var words: String {
    switch form {
    case .sigmoid: "a sigmoid"
    case .raised, .ramp, .ramped: "a part of hard swish"
    case .scaled: "a multiple"
    case .curve, .curvePlusOne, .gated: "a part of GELU"
    case .strided: "every second pixel"
    case .padded: "a padded image"
    case .softmax: "a softmax"
    case .scores, .attention, .length, .unit: "a part of attention"
    case .mean, .centred, .squares, .variance, .deviation: "a part of layer normalisation"
    }
  }
}
