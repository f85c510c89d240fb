internal import Networks

/// A part of a formula of one variable.
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
    /// erf(x/√2)
    case erf
    /// c·(1 + erf(x/√2))
    case erfPlusOne(Double)
    /// c·x·(1 + erf(x/√2)), which is GELU for c = ½
    case gated(Double)
    /// Every so many pixels
    case strided(Extent)
    /// Zeros around an image: above, left, below, right
    case padded([Int])
    /// softmax(x) of the channels
    case softmax
    /// The channels as so many groups, along an axis of their own
    case grouped(Int)
    /// Groups of channels, along an axis of their own that was exchanged with that of their members
    case exchanged(Int)
  }
  var form: Form
  /// Name of the network's node whose value is x.
  var source: String
}

extension Partial {
  /// The operation that the part is by itself; nil if it is none.
  var operation: Operation? {
    switch form {
    case .sigmoid: .activation(.sigmoid)
    case .ramp(let factor) where abs(factor - 1 / 6) < 1e-4: .activation(.hardSigmoid)
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
    case .grouped, .exchanged: "a part of a channel shuffle"
    case .scaled: "a multiple"
    case .erf, .erfPlusOne, .gated: "a part of GELU"
    case .strided: "every second pixel"
    case .padded: "a padded image"
    case .softmax: "a softmax"
    }
  }
}
