internal import Networks
internal import SparseRuntime

/// A value of a network on its way into a plan: what it holds, and what those who read it need around it.
struct DraftValue {
  var channels: Int, height: Int, width: Int
  /// Zeros that readers need above each channel and beside each row.
  var above = 0, beside = 0
  /// Whether it has more than one pixel: a layer that writes such a value needs rows as far apart as those that it reads.
  var isImage: Bool { height * width > 1 }
}

/// A tap of a layer: input channel c is read in channel c + `shift` of the value, so many pixels below and to the right of the output's pixel.
struct DraftTap: Hashable {
  var shift = 0
  var down: Int, right: Int
}

/// A fully connected layer or a convolution of stride 1, with everything that was fused into it.
struct DraftLayer {
  var name: String
  var x: Int, y: Int
  var z: Int?
  var groups: Int
  /// Input channels of a group.
  var inputs: Int
  var outputs: Int
  var taps: [DraftTap]
  /// [outputs][inputs][taps].
  var weights: [Float]
  /// [outputs].
  var bias: [Float]
  /// Phases of a transposed convolution: outputs of each group that stand for one.
  var phases = 1
  var low: Float = -.infinity, high: Float = .infinity

  var isBounded: Bool { low != -.infinity || high != .infinity }

  /// Returns a number for each output, given one for each channel of the network.
  func spread(_ numbers: [Float]) -> [Float] {
    let size = outputs / (groups * phases)
    return (0..<outputs).map { numbers[$0 / (size * phases) * size + $0 % size] }
  }

  /// Multiplies each output by a number and adds another: a batch norm, or a learned scale.
  mutating func scale(by scale: [Float], shift: [Float]) {
    let size = inputs * taps.count
    for o in 0..<outputs {
      for i in o * size..<(o + 1) * size { weights[i] *= scale[o] }
      bias[o] = bias[o] * scale[o] + shift[o]
    }
  }
}

/// A step of a plan whose maps have no geometry yet.
enum DraftStep {
  case layer(DraftLayer)
  case pool(PlanPool)
  case function(DraftFunction)
  case pair(PlanPair)
  case norm(PlanNorm, scale: [Float]?, shift: [Float]?)
  case resample(DraftResample)
  case offset(name: String, x: Int, y: Int, numbers: [Float])
  case copy(PlanCopy)
  case interleave(PlanInterleave)
  case attention(DraftAttention)
}

/// An elementwise step whose numbers are not written yet.
struct DraftFunction {
  var name: String
  var x: Int, y: Int
  var kind: PlanFunction.Kind = .identity
  var alpha: Float = 0
  var scale: [Float]?, shift: [Float]?, slope: [Float]?
  var low: Float = -.infinity, high: Float = .infinity
}

/// Pixels in other places, whose numbers are not written yet.
struct DraftResample {
  var name: String
  var x: Int, y: Int
  var taps = 1
  var places: [Int32]
  var shares: [Float]?
  var token: [Float]?
}

/// What a node's value is: a value of the draft, perhaps read as a vector of all its pixels.
struct DraftOperand {
  var value: Int
  /// Whether flattening has made one vector of channels and pixels.
  var isFlattened = false
  /// The first channel that is meant: attention alone reads parts of a value where they are.
  var channel = 0
  /// Whether nobody else reads the value, so that what follows can be fused into the step that computes it.
  var isFusable: Bool
}
