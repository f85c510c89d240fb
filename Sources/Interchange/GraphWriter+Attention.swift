internal import Networks

extension GraphWriter {
  /// softmax(s·q·kᵀ + b)·v in each head, and in each window.
  mutating func attention(_ layer: Attention, _ inputs: [String], _ node: Network.Node, _ shape: FeatureShape) throws {
    let parts = zip(inputs, zip(node.inputs, [layer.keyWidth, layer.keyWidth, layer.valueWidth])).map { input, operand in
      split(input, layer, width: operand.1, shapes[operand.0] ?? shape, of: node)
    }
    let rank = layer.window == nil ? 4 : 5
    func turned(_ x: String) -> String { step("Transpose", [x], of: node, integers("perm", Array(0..<rank - 2) + [rank - 1, rank - 2])) }
    var (queries, keys) = (parts[0], turned(parts[1]))
    if layer.isCosine {
      (queries, keys) = (try unit(queries, along: rank - 1, of: node), turned(try unit(parts[1], along: rank - 1, of: node)))
    }
    if layer.scale != 1 || !layer.isCosine {
      queries = step("Mul", [queries, try constant(Float(layer.scale), of: node, "scale")], of: node)
    }
    var scores = step("MatMul", [queries, keys], of: node)
    if layer.isCosine { scores = step("Mul", [scores, try parameter(node, .weight, shaped: [layer.heads, 1, 1])], of: node) }
    if layer.bias != nil { scores = step("Add", [scores, try parameter(node, .bias)], of: node) }
    if let window = layer.window, window.shift != Extent(0), case .image(_, let height, let width) = shape {
      let pixels = window.size.height * window.size.width
      let apart = window.separation(height: height, width: width).map { Float($0 ? -100 : 0) }
      let mask = try constants(apart, dimensions: [apart.count / (pixels * pixels), 1, pixels, pixels], of: node, "mask")
      scores = step("Add", [scores, mask], of: node)
    }
    let result = step("MatMul", [step("Softmax", [scores], of: node, integer("axis", -1)), parts[2]], of: node)
    let image = [0, layer.heads * layer.valueWidth] + shape.dimensions.dropFirst()
    guard let window = layer.window, case .image(_, let height, let width) = shape else {
      add("Reshape", [turned(result), constant(image, of: node, "shape")], node.name)
      return
    }
    let count = Extent(height / window.size.height, width / window.size.width)
    let sizes = [0, count.height, count.width, layer.heads, window.size.height, window.size.width, layer.valueWidth]
    let cut = step("Reshape", [result, constant(sizes, of: node, "windows")], of: node)
    let order = window.isGrid ? [0, 3, 6, 4, 1, 5, 2] : [0, 3, 6, 1, 4, 2, 5]
    add("Reshape", [step("Transpose", [cut], of: node, integers("perm", order)), constant(image, of: node, "shape")], node.name)
  }

  /// A value as [batch, heads, positions, width], or as [batch, windows, heads, positions, width].
  private mutating func split(_ x: String, _ layer: Attention, width: Int, _ shape: FeatureShape, of node: Network.Node) -> String {
    guard let window = layer.window, case .image(_, let height, let columns) = shape else {
      let heads = step("Reshape", [x, constant([0, layer.heads, width, shape.positions], of: node, "heads")], of: node)
      return step("Transpose", [heads], of: node, integers("perm", [0, 1, 3, 2]))
    }
    let (size, count) = (window.size, Extent(height / window.size.height, columns / window.size.width))
    let rows = window.isGrid ? [size.height, count.height, size.width, count.width] : [count.height, size.height, count.width, size.width]
    let cut = step("Reshape", [x, constant([0, layer.heads, width] + rows, of: node, "windows")], of: node)
    let order = window.isGrid ? [0, 4, 6, 1, 3, 5, 2] : [0, 3, 5, 1, 4, 6, 2]
    let turned = step("Transpose", [cut], of: node, integers("perm", order))
    let sizes = [0, count.height * count.width, layer.heads, size.height * size.width, width]
    return step("Reshape", [turned, constant(sizes, of: node, "heads")], of: node)
  }

  /// x/|x| along an axis.
  private mutating func unit(_ x: String, along axis: Int, of node: Network.Node) throws -> String {
    let wide = widened(x, of: node)
    let length = step("ReduceL2", [wide], of: node, integers("axes", [axis]), integer("keepdims", 1))
    let least = try constant(1e-12, of: node, "least", isWide: true)
    return narrowed(step("Div", [wide, step("Clip", [length, least], of: node)], of: node), of: node)
  }

  /// An image moved down and to the right, what is beyond its borders coming in from the other side.
  mutating func roll(_ x: String, _ down: Int, _ right: Int, _ node: Network.Node, _ shape: FeatureShape) {
    guard case .image(_, let height, let width) = shape else { return add("Identity", [x], node.name) }
    var x = x
    let moves = [(2, down, height), (3, right, width)].map { (axis: $0, by: ($1 % $2 + $2) % $2, size: $2) }.filter { $0.by != 0 }
    for move in moves {
      let (end, start) = (fresh("\(node.name).end"), fresh("\(node.name).start"))
      slice(x, from: [move.size - move.by], to: [move.size], along: [move.axis], steps: [1], node, as: end)
      slice(x, from: [0], to: [move.size - move.by], along: [move.axis], steps: [1], node, as: start)
      let isLast = move.axis == moves.last?.axis
      let joined = isLast ? node.name : fresh("\(node.name).rolled")
      add("Concat", [end, start], joined, integer("axis", move.axis))
      x = joined
    }
    if moves.isEmpty { add("Identity", [x], node.name) }
  }
}

extension Attention.Window {
  /// Whether rolling brought two pixels of a window together: by window, query and key, one row after another.
  func separation(height: Int, width: Int) -> [Bool] {
    func side(_ row: Int, _ column: Int) -> Int {
      (row >= height - shift.height ? 2 : 0) + (column >= width - shift.width ? 1 : 0)
    }
    var result: [Bool] = []
    for top in stride(from: 0, to: height, by: size.height) {
      for left in stride(from: 0, to: width, by: size.width) {
        let sides = (0..<size.height).flatMap { row in (0..<size.width).map { side(top + row, left + $0) } }
        for query in sides { for key in sides { result.append(query != key) } }
      }
    }
    return result
  }
}
