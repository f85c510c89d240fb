internal import Networks
internal import Torch

/// How the axes of an ONNX value come from those of a node of the network.
///
/// A node's value is [batch, channels] or [batch, channels, height, width]. Exporters put channels last, positions into one axis, heads into
/// an axis of their own, and back. Each axis of the ONNX value is a product of factors of the node's axes, the outermost first, so that
/// all this is followed without computing anything, until something reads the value.
struct View: Hashable {
  enum Axis: Hashable {
    case batch, channels
    /// Height and width as one, row by row.
    case positions
  }

  /// A part of an axis.
  struct Factor: Hashable {
    var axis: Axis
    var size: Int
    /// Distance of neighbours along the node's axis.
    var stride = 1
  }

  /// Name of the network's node.
  var source: String
  /// The factors of each axis; none stands for an axis of size 1.
  var axes: [[Factor]]

  init(_ source: String, _ axes: [[Factor]]) { (self.source, self.axes) = (source, axes.map(Self.merged)) }

  /// A node's value as it is.
  init(_ source: String, shape: FeatureShape, batch: Int) {
    // A batch of one takes no room wherever it stands.
    let first = batch == 1 ? [] : [Factor(axis: .batch, size: batch)]
    switch shape {
    case .vector(let count): self.init(source, [first, [Factor(axis: .channels, size: count)]])
    case .image(let channels, let height, let width):
      self.init(
        source,
        [
          first, [Factor(axis: .channels, size: channels)], [Factor(axis: .positions, size: height, stride: width)],
          [Factor(axis: .positions, size: width)],
        ])
    }
  }

  /// The sizes as ONNX counts them.
  var sizes: [Int] { axes.map { $0.reduce(1) { $0 * $1.size } } }

  /// All factors of one of the node's axes, in the order in which they stand here.
  func factors(_ axis: Axis) -> [Factor] { axes.joined().filter { $0.axis == axis } }

  /// Whether an axis is one of the node's, all of it and in its order.
  func isWhole(_ index: Int, _ axis: Axis, _ size: Int) -> Bool {
    axes[index] == (size == 1 ? [] : [Factor(axis: axis, size: size)])
  }

  /// The axis that has all channels of the node, in any order and nothing else; nil if there is none.
  func channelAxis(_ count: Int) -> Int? {
    guard count > 1 else { return axes.count > 1 && axes[1].isEmpty ? 1 : axes.indices.last { axes[$0].isEmpty } }
    return axes.firstIndex { axis in axis.allSatisfy { $0.axis == .channels } && axis.reduce(1) { $0 * $1.size } == count }
  }

  func permuted(_ order: [Int]) -> View? {
    guard order.sorted() == Array(axes.indices) else { return nil }
    return View(source, order.map { axes[$0] })
  }

  /// Returns the view in another shape of as many elements; nil where that would cut across a factor.
  func reshaped(_ target: [Int]) -> View? {
    // What was cut into axes may be cut elsewhere.
    var rest = Self.merged(axes.flatMap(\.self))[...]
    var result: [[Factor]] = []
    for size in target {
      var axis: [Factor] = []
      var left = size
      while left > 1 {
        guard let next = rest.first, next.size > 0 else { return nil }
        if left.isMultiple(of: next.size) {
          axis.append(rest.removeFirst())
          left /= next.size
        } else if next.size.isMultiple(of: left), next.axis != .batch {
          let inner = next.size / left
          axis.append(Factor(axis: next.axis, size: left, stride: next.stride * inner))
          rest[rest.startIndex].size = inner
          left = 1
        } else {
          return nil
        }
      }
      result.append(axis)
    }
    return rest.isEmpty ? View(source, result) : nil
  }

  func without(axis: Int) -> View {
    var result = self
    result.axes.remove(at: axis)
    return result
  }

  /// Returns the view of another node with the same axes.
  func of(_ source: String) -> View {
    var result = self
    result.source = source
    return result
  }

  /// Neighbouring factors that are one, and none of size 1.
  private static func merged(_ axis: [Factor]) -> [Factor] {
    var result: [Factor] = []
    for factor in axis where factor.size != 1 {
      if let last = result.last, last.axis == factor.axis, last.stride == factor.size * factor.stride, factor.axis != .batch {
        result[result.count - 1] = Factor(axis: last.axis, size: last.size * factor.size, stride: factor.stride)
      } else {
        result.append(factor)
      }
    }
    return result
  }

  /// Returns a batch of the node's values as ONNX has it.
  func seen(_ values: Tensor) throws -> Tensor {
    let all = axes.joined().map { factor in factor.axis == .batch ? Factor(axis: .batch, size: values.shape[0]) : factor }
    // The factors as they lie in the node's value, and where each of the view's is among them.
    let depth: [Axis: Int] = [.batch: 0, .channels: 1, .positions: 2]
    let order = all.indices.sorted { one, other in
      let (a, b) = (all[one], all[other])
      return a.axis == b.axis ? a.stride > b.stride : (depth[a.axis] ?? 0) < (depth[b.axis] ?? 0)
    }
    let places = all.indices.map { order.firstIndex(of: $0) ?? $0 }
    let sizes = axes.map { axis in axis.reduce(1) { $0 * ($1.axis == .batch ? values.shape[0] : $1.size) } }
    return try values.reshaped(order.map { all[$0].size }).permuted(places).reshaped(sizes)
  }

  /// The axes in words, e.g. `batch, positions, channels`.
  var words: String {
    axes.map { axis in
      axis.isEmpty
        ? "1"
        : axis.map { factor in
          switch factor.axis {
          case .batch: "batch"
          case .channels: "\(factor.size) channels"
          case .positions: "\(factor.size) positions"
          }
        }.joined(separator: "·")
    }.joined(separator: ", ")
  }
}
