internal import Foundation
internal import Networks
internal import Words

/// q·kᵀ in each head on the way to attention.
struct Scores {
  /// The keys, whose last axes are the channels of a head and positions.
  var keys: View
  /// The factor s of the products.
  var factor: Double
  /// What positions attend to, as the queries' axes keep them apart; nil for all of them.
  var window: Attention.Window?
  /// Whether queries and keys were divided by their length.
  var isCosine = false
  /// A number of each head that multiplied them.
  var weights: ONNXTensor?
  /// A number of each head for each query and key that was added.
  var bias: ONNXTensor?
}

extension Scores: Equatable {
  static func == (one: Scores, other: Scores) -> Bool {
    one.keys == other.keys && one.factor == other.factor && one.window == other.window && one.isCosine == other.isCosine
      && one.weights?.name == other.weights?.name && one.bias?.name == other.bias?.name
  }
}

extension Lowering {
  /// Multi-head attention: as one operation, and in the products and norms that most exporters write.
  static let attention = [
    // An operation of its own from version 23 on.
    Rule("Attention") { lowering, node in
      guard node.inputs.dropFirst(3).allSatisfy(\.isEmpty) else { throw Refusal("it has a mask, a past or lengths, and none are possible") }
      let plain: Set = ["q_num_heads", "kv_num_heads", "scale", "qk_matmul_output_mode", "softmax_precision"]
      if let other = node.attributes.sorted(by: { $0.key < $1.key }).first(where: {
        !plain.contains($0.key) && ($0.value.i != 0 || $0.value.f != 0)
      }) {
        throw Refusal("its \(other.key) is not understood")
      }
      return [try lowering.attention(node)]
    },
    Rule("Einsum") { lowering, node in
      let sides = node.text("equation", "").filter { $0 != " " }.components(separatedBy: "->")
      let parts = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
      guard sides.count == 2, parts.count == 2, node.inputs.count == 2, let sum = Contraction(parts[0], parts[1], Array(sides[1])) else {
        throw Refusal("its equation is \(node.text("equation", "").quoted), and products of matrices as attention has them are possible")
      }
      var other = lowering.value(node, 1)
      if sum.isTransposed { other = try lowering.transposed(other) }
      return [try lowering.product(of: lowering.value(node, 0), other, node)]
    },
    // The length of queries or keys in each head, by which they are divided.
    Rule("ReduceL2") { lowering, node in
      if case .feature(let view)? = lowering.value(node, 0), let last = view.axes.last, last.count == 1, Self.isHead(last),
        node.integer("keepdims", 1) != 0, let axes = node.axes(try lowering.operands(node)),
        axes.map({ $0.axis(of: view.axes.count) }) == [view.axes.count - 1]
      {
        return [.partial(Partial(form: .length(least: 0), view: view))]
      }
      return [try lowering.reduced(node, to: OpaqueFunction(.channelL2))]
    },
  ]

  /// Attention of queries, keys and values: [batch, positions, channels of all heads], or [batch, heads, positions, channels].
  private mutating func attention(_ node: ONNXGraph.Node) throws -> Value {
    var views: [View] = []
    for index in 0..<3 { views.append(try network.channelsInOrder(view(node, index))) }
    let (rank, number) = (views[0].axes.count, node.integer("q_num_heads", 0))
    let positions = rank - 2
    func channels(_ view: View) -> Int { network.shape(of: view.source).channels }
    for view in views {
      let isHead = view.axes.last.map(Self.isHead) == true
      guard rank == 3 || rank == 4, view.axes.count == rank, view.isWhole(0, .batch, batch), isHead,
        view.isWhole(positions, .positions, network.shape(of: view.source).positions),
        rank == 4 ? heads(view) == heads(views[0]) : view.isWhole(2, .channels, channels(view))
      else {
        throw Refusal("it compares (\(view.words)), and batch, positions, channels or batch, heads, positions, channels are possible")
      }
    }
    let count = rank == 3 ? number : channels(views[0]) / max(views[0].sizes[3], 1)
    guard count > 0, rank == 4 || node.integer("kv_num_heads", count) == count, views.allSatisfy({ channels($0).isMultiple(of: count) })
    else {
      throw Refusal("its keys and values have other heads than its queries")
    }
    let width = channels(views[0]) / count
    let scale = node.attributes["scale"] == nil ? nil : node.real("scale", 1)
    let layer = Attention(heads: count, width: width, valueWidth: channels(views[2]) / count, scale: scale)
    let result = try emit(.attention(layer), from: views.map(\.source), as: node, isModule: false)
    var axes = views[2].axes
    axes[positions] = views[0].axes[positions]
    return .feature(View(result.source, axes))
  }

  /// Queries times keys, or what becomes of them times values.
  mutating func product(of one: Value?, _ other: Value?, _ node: ONNXGraph.Node) throws -> Value {
    let misfit = Refusal("it multiplies two computed values, which is understood within attention, softmax(q·kᵀ)·v in heads")
    if case .partial(let partial)? = one, case .attention(let scores) = partial.form {
      let queries = partial.view
      let values = try network.channelsInOrder(Self.operand(other, misfit).view)
      let last = values.axes.count - 1
      guard last >= 2, last == queries.axes.count - 1, Self.isHead(values.axes[last]), heads(values) == heads(queries),
        network.shape(of: values.source).positions == network.shape(of: scores.keys.source).positions,
        scores.window == nil ? isAll(values, last - 1) : values.axes[last - 1] == queries.axes[last - 1]
      else { throw misfit }
      return .feature(try attention(of: queries, scores, values, node))
    }
    let (first, second) = (try Self.operand(one, misfit), try Self.operand(other, misfit))
    let (queries, keys) = (try network.channelsInOrder(first.view), try network.channelsInOrder(second.view))
    let last = queries.axes.count - 1
    guard last >= 2, last == keys.axes.count - 1, queries.axes[last - 1].allSatisfy({ $0.axis == .positions }),
      Self.isHead(queries.axes[last]), queries.axes[last] == keys.axes[last - 1],
      queries.axes[..<(last - 1)] == keys.axes[..<(last - 1)], first.isUnit == second.isUnit
    else { throw misfit }
    var scores = Scores(keys: keys, factor: first.factor * second.factor, isCosine: first.isUnit)
    if !(isAll(queries, last - 1) && isAll(keys, last)) {
      guard network.shape(of: queries.source).dimensions.dropFirst() == network.shape(of: keys.source).dimensions.dropFirst(),
        queries.axes[last - 1] == keys.axes[last], let window = window(of: queries)
      else { throw misfit }
      scores.window = window
    }
    return .partial(Partial(form: .scores(scores), view: queries))
  }

  private mutating func attention(of queries: View, _ scores: Scores, _ values: View, _ node: ONNXGraph.Node) throws -> View {
    let last = values.axes.count - 1
    let width = values.sizes[last]
    let heads = network.shape(of: values.source).channels / width
    var (bias, parameters) = (Extent?.none, [(role: ParameterName.Role, weight: Weight)]())
    if scores.isCosine {
      parameters.append((.weight, Weight(tensor: scores.weights ?? ONNXTensor("one", repeating: 1, count: heads))))
    }
    if let tensor = scores.bias {
      bias = Extent(queries.sizes[last - 1], scores.keys.sizes[last])
      parameters.append((.bias, Weight(tensor: tensor)))
    }
    let layer = Attention(
      heads: heads, width: network.shape(of: queries.source).channels / heads, valueWidth: width, scale: scores.factor,
      window: scores.window,
      bias: bias, isCosine: scores.isCosine)
    let name = Names.name(of: node, dropsOperation: !parameters.isEmpty)
    let sources = [queries.source, scores.keys.source, values.source]
    let result =
      try parameters.isEmpty
      ? network.emit(.attention(layer), from: sources, named: name)
      : network.layer(.attention(layer), from: sources, named: name, parameters)
    var axes = values.axes
    axes[last - 1] = queries.axes[last - 1]
    return View(result.source, axes)
  }

  /// A value whose last axes are positions and the channels of a head, its factor, and whether it was divided by its length.
  private static func operand(_ value: Value?, _ misfit: Refusal) throws -> (view: View, factor: Double, isUnit: Bool) {
    switch value {
    case .feature(let view)?: return (view, 1, false)
    case .unknown?: throw Unknown()
    case .partial(let partial)?:
      switch partial.form {
      case .scaled(let factor): return (partial.view, factor, false)
      case .unit: return (partial.view, 1, true)
      default: throw misfit
      }
    default: throw misfit
    }
  }

  /// A value with its last two axes exchanged.
  private func transposed(_ value: Value?) throws -> Value? {
    func turned(_ view: View) -> View {
      var view = view
      if view.axes.count > 1 { view.axes.swapAt(view.axes.count - 1, view.axes.count - 2) }
      return view
    }
    switch value {
    case .feature(let view)?: return .feature(turned(view))
    case .partial(let partial)? where partial.isElementwise: return .partial(Partial(form: partial.form, view: turned(partial.view)))
    default: return value
    }
  }

  /// The length of all channels at each position, where it is no part of attention; nil for that of a head.
  mutating func length(of view: View, atLeast least: Double, _ name: String) throws -> View? {
    let channels = network.shape(of: view.source).channels
    guard let axis = view.channelAxis(channels), view.isWhole(axis, .channels, channels) else { return nil }
    var length = try network.emit(.opaque(OpaqueFunction(.channelL2)), from: [view.source], named: least > 0 ? "\(name).norm" : name).source
    if least > 0 { length = try network.emit(.opaque(OpaqueFunction(.clip, least, Self.bound)), from: [length], named: name).source }
    var result = view.of(length)
    result.axes[axis] = []
    return result
  }

  private static func isHead(_ axis: [View.Factor]) -> Bool {
    axis.count <= 1 && axis.allSatisfy { $0.axis == .channels && $0.stride == 1 }
  }

  private func isAll(_ view: View, _ index: Int) -> Bool { view.isWhole(index, .positions, network.shape(of: view.source).positions) }

  /// What stands before the last two axes: the batch, windows and heads, these whatever their width.
  private func heads(_ view: View) -> [[View.Factor]] {
    view.axes.dropLast(2).map { axis in
      axis.map { $0.axis == .channels ? View.Factor(axis: .channels, size: $0.size) : $0 }
    }
  }

  /// The windows within which the last axis but one has the pixels of an image, side by side or at equal distances; nil if it has others.
  private func window(of view: View) -> Attention.Window? {
    guard case .image(_, let height, let width) = network.shape(of: view.source) else { return nil }
    let pixels = view.axes[view.axes.count - 2]
    let windows = View(view.source, [view.axes.dropLast(2).joined().filter { $0.axis == .positions }]).axes[0]
    let count = pixels.reduce(1) { $0 * $1.size }
    func axis(_ rows: (size: Int, stride: Int), _ columns: (size: Int, stride: Int)) -> [View.Factor] {
      let factors = [rows, columns].map { View.Factor(axis: .positions, size: $0.size, stride: $0.stride) }
      return View(view.source, [factors]).axes[0]
    }
    for rows in 1...max(count, 1) where count.isMultiple(of: rows) && height.isMultiple(of: rows) && width.isMultiple(of: count / rows) {
      let columns = count / rows
      let (down, right) = (height / rows, width / columns)
      if pixels == axis((rows, width), (columns, 1)), windows == axis((down, rows * width), (right, columns)) {
        return Attention.Window(Extent(rows, columns))
      }
      if pixels == axis((rows, down * width), (columns, right)), windows == axis((down, width), (right, 1)) {
        return Attention.Window(Extent(rows, columns), isGrid: true)
      }
    }
    return nil
  }

  /// Scores plus a constant: a number of each head for each query and key, or what keeps pixels of shifted windows apart.
  mutating func biased(_ scores: Scores, of queries: View, by constant: ONNXTensor) throws -> Value {
    let refusal = Refusal(
      "it adds a constant of shape \(constant.dimensions) to the scores of attention, and a number of each head for each query and key, or −100 between what shifted windows brought together, are possible"
    )
    let (rank, pairs) = (queries.axes.count, [queries.sizes[queries.axes.count - 2], scores.keys.sizes[queries.axes.count - 1]])
    let sizes = Array(repeating: 1, count: max(rank - constant.dimensions.count, 0)) + constant.dimensions
    guard sizes.count == rank, Array(sizes.suffix(2)) == pairs else { throw refusal }
    var factors: [View.Factor] = []
    for (axis, size) in zip(queries.axes, sizes.dropLast(2)) where size != 1 {
      guard axis.reduce(1, { $0 * $1.size }) == size else { throw refusal }
      factors += axis
    }
    var scores = scores
    let heads = network.shape(of: queries.source).channels / max(queries.sizes[rank - 1], 1)
    if factors.reduce(1, { $0 * $1.size }) == heads, factors.allSatisfy({ $0.axis == .channels }), scores.bias == nil {
      scores.bias = constant
    } else if let window = scores.window, !window.isGrid, window.shift == Extent(0), factors.allSatisfy({ $0.axis == .positions }),
      let shift = try shift(of: window, over: network.shape(of: queries.source), apart: constant)
    {
      scores.window?.shift = shift
    } else {
      throw refusal
    }
    return .partial(Partial(form: .scores(scores), view: queries))
  }

  /// The rows and columns by which an image was rolled, as a mask of −100 between pixels that came from other sides tells; nil if it is no such
  /// mask.
  private func shift(of window: Attention.Window, over shape: FeatureShape, apart mask: ONNXTensor) throws -> Extent? {
    guard case .image(_, let height, let width) = shape, let numbers = try mask.numbers() else { return nil }
    let (size, pixels) = (window.size, window.size.height * window.size.width)
    guard numbers.count == height * width * pixels else { return nil }
    try work.charge(numbers.count)
    // The first pixel of the last window in each direction, and those below or beside it.
    let right = width / size.width
    let (bottomLeft, topRight) = ((height / size.height - 1) * right * pixels * pixels, (right - 1) * pixels * pixels)
    let above = (1..<size.height).first { numbers[bottomLeft + $0 * size.width] != 0 }
    let before = (1..<size.width).first { numbers[topRight + $0] != 0 }
    var result = window
    result.shift = Extent(above.map { size.height - $0 } ?? 0, before.map { size.width - $0 } ?? 0)
    let expected = result.separation(height: height, width: width)
    return zip(numbers, expected).allSatisfy { $0 == ($1 ? -100 : 0) } ? result.shift : nil
  }

  /// Scores times a constant with a number of each head.
  func weighted(_ scores: Scores, of queries: View, by constant: ONNXTensor) throws -> Value {
    let rank = queries.axes.count
    let sizes = Array(repeating: 1, count: max(rank - constant.dimensions.count, 0)) + constant.dimensions
    let heads = network.shape(of: queries.source).channels / max(queries.sizes[rank - 1], 1)
    guard scores.isCosine, scores.weights == nil, scores.bias == nil, scores.window?.shift ?? Extent(0) == Extent(0), sizes.count == rank,
      constant.count == heads,
      heads == 1 || sizes.dropLast(2).firstIndex(of: heads).map({ queries.axes[$0].allSatisfy { $0.axis == .channels } }) == true
    else {
      throw Refusal("it multiplies the scores of attention by a constant of shape \(constant.dimensions), and one number is possible")
    }
    var scores = scores
    scores.weights = constant
    return .partial(Partial(form: .scores(scores), view: queries))
  }

  /// Scores, or their softmax, with other axes before queries and keys; nil for what is neither.
  func reshaped(_ partial: Partial, _ target: ([Int]) throws -> [Int]) throws -> Partial? {
    let scores: Scores
    switch partial.form {
    case .scores(let found), .attention(let found): scores = found
    default: return nil
    }
    let rank = partial.view.axes.count
    let (pairs, width) = ([partial.view.sizes[rank - 2], scores.keys.sizes[rank - 1]], partial.view.sizes[rank - 1])
    let shape = try target(partial.view.sizes.dropLast() + [pairs[1]])
    guard shape.count >= 2, Array(shape.suffix(2)) == pairs, let queries = partial.view.reshaped(shape.dropLast() + [width]),
      let keys = scores.keys.reshaped(shape.dropLast(2) + [width, pairs[1]])
    else { throw Refusal("it reshapes the scores of attention across queries or keys") }
    var result = scores
    result.keys = keys
    if case .scores = partial.form { return Partial(form: .scores(result), view: queries) }
    return Partial(form: .attention(result), view: queries)
  }
}

/// A sum of products along one axis, as the product of matrices has it: i×d by j×d, which is transposed first, or i×j by j×d.
private struct Contraction {
  let isTransposed: Bool

  init?(_ one: [Character], _ other: [Character], _ result: [Character]) {
    guard one.count == other.count, one.count == result.count, one.count >= 2, Set(one).count == one.count,
      Set(other).count == other.count, one.dropLast(2) == other.dropLast(2), one.dropLast(2) == result.dropLast(2)
    else { return nil }
    let (left, right, out) = (Array(one.suffix(2)), Array(other.suffix(2)), Array(result.suffix(2)))
    guard out[0] == left[0], left[0] != right[0], left[0] != right[1] else { return nil }
    if left[1] == right[1], out[1] == right[0] {
      isTransposed = true
    } else if left[1] == right[0], out[1] == right[1] {
      isTransposed = false
    } else {
      return nil
    }
  }
}
