internal import Networks
internal import SparseRuntime

/// Attention whose numbers are not written yet.
struct DraftAttention {
  var name: String
  var queries: PlanAttention.Operand, keys: PlanAttention.Operand, values: PlanAttention.Operand
  var y: Int
  var layer: Attention
  /// [heads].
  var scales: [Float]
  var windows = 1
  /// [windows][positions].
  var places: [UInt32]?
  var parts: [Int32]?
  /// [heads][keys][queries].
  var bias: [Float]?

  func step(_ writer: inout PlanWriter) -> PlanStep {
    .attention(
      PlanAttention(
        name: name, queries: queries, keys: keys, values: values, y: y, heads: layer.heads, keyWidth: layer.keyWidth,
        valueWidth: layer.valueWidth, isCosine: layer.isCosine, scales: writer.add(scales), windows: windows,
        places: places.map { writer.add($0) },
        parts: parts.map { writer.add($0 + Array(repeating: 0, count: PlanAttention.padding)) },
        bias: bias.map { writer.add($0 + Array(repeating: 0, count: PlanAttention.padding)) }))
  }
}

extension Drafting {
  /// Drafts the comparison of queries and keys and the sums of values; the layers that make them are nodes of their own.
  mutating func draft(_ layer: Attention, _ node: Network.Node, _ operands: [DraftOperand], _ shape: FeatureShape) throws {
    guard operands.count == 3 else { throw CompilationError.unsupported(network: network.name, nodes: [node.name]) }
    let read = operands.map { PlanAttention.Operand(map: materialized($0, for: node.name), channel: $0.channel) }
    let weights = layer.isCosine ? try numbers(node, .weight, layer.heads) : Array(repeating: 1, count: layer.heads)
    let y = value(like: shape)
    var draft = DraftAttention(
      name: node.name, queries: read[0], keys: read[1], values: read[2], y: y, layer: layer,
      scales: weights.map { Float(Double($0) * layer.scale) })
    if let bias = layer.bias { draft.bias = Self.turned(try numbers(node, .bias, layer.heads * bias.height * bias.width), bias) }
    if let window = layer.window { draft.divide(values[read[0].map], window) }
    steps.append(.attention(draft))
    finish(node, y)
  }

  /// Returns numbers for each query and key of each head as numbers for each key and query.
  private static func turned(_ numbers: [Float], _ pairs: Extent) -> [Float] {
    var turned = numbers
    let size = pairs.height * pairs.width
    for i in numbers.indices {
      let (query, key) = (i % size / pairs.width, i % pairs.width)
      turned[i / size * size + key * pairs.height + query] = numbers[i]
    }
    return turned
  }

  func isReadByAttentionAlone(_ node: Network.Node) -> Bool {
    !index.isOutput(node.name)
      && index.consumers(of: node.name).allSatisfy { if case .attention = $0.operation { true } else { false } }
  }

  /// Lets a node stand for channels of its operand, for attention to read them there.
  mutating func narrow(_ node: Network.Node, _ operand: DraftOperand, from start: Int) throws {
    operands[node.name] = DraftOperand(value: materialized(operand, for: node.name), channel: operand.channel + start, isFusable: false)
  }
}

extension DraftAttention {
  /// Divides an image into windows, and tells apart what was rolled into one of them from the image's other side.
  fileprivate mutating func divide(_ image: DraftValue, _ window: Attention.Window) {
    let (size, shift) = (window.size, window.shift)
    let (down, right) = (image.height / size.height, image.width / size.width)
    var places: [UInt32] = []
    var parts: [Int32] = []
    for windowRow in 0..<down {
      for windowColumn in 0..<right {
        for row in 0..<size.height {
          for column in 0..<size.width {
            let i = window.isGrid ? row * down + windowRow : windowRow * size.height + row
            let j = window.isGrid ? column * right + windowColumn : windowColumn * size.width + column
            places.append(UInt32(i * image.width + j))
            parts.append((i >= image.height - shift.height ? 2 : 0) + (j >= image.width - shift.width ? 1 : 0))
          }
        }
      }
    }
    (windows, self.places) = (down * right, places)
    if shift != Extent(0) { self.parts = parts }
  }
}
