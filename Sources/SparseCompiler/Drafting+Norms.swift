internal import Networks
internal import SparseRuntime

extension Drafting {
  /// Drafts a norm over single examples, or a softmax.
  mutating func draftNorm(_ node: Network.Node, _ operand: DraftOperand) throws {
    let x = materialized(operand, for: node.name)
    let source = values[x]
    var norm = PlanNorm(name: node.name, x: x, y: 0, kind: .softmax)
    var (scale, shift): ([Float]?, [Float]?)
    switch node.operation {
    case .groupNorm(let layer):
      (norm.kind, norm.size, norm.absent, norm.epsilon) = (.group, layer.groups, layer.absent, Float(layer.epsilon))
      if layer.affine { (scale, shift) = (try numbers(node, .weight, layer.features), try numbers(node, .bias, layer.features)) }
    case .channelNorm(let layer):
      (norm.kind, norm.absent, norm.epsilon) = (.channel, layer.absent, Float(layer.epsilon))
      if layer.affine { (scale, shift) = (try numbers(node, .weight, layer.features), try numbers(node, .bias, layer.features)) }
    case .localResponseNorm(let layer):
      (norm.kind, norm.size) = (.localResponse, layer.size)
      (norm.alpha, norm.beta, norm.k) = (Float(layer.alpha), Float(layer.beta), Float(layer.k))
    default: break
    }
    norm.y = value(channels: source.channels, height: source.height, width: source.width)
    steps.append(.norm(norm, scale: scale, shift: shift))
    finish(node, norm.y)
  }

  /// Drafts an image in another size, order or place, or a sequence with a class token.
  mutating func draftResample(_ node: Network.Node, _ operand: DraftOperand, _ shape: FeatureShape) throws {
    let x = materialized(operand, for: node.name)
    let token: [Float]? = if case .classToken(let features) = node.operation { try numbers(node, .weight, features) } else { nil }
    let y = value(like: shape)
    let (source, target) = (values[x], values[y])
    var draft = DraftResample(name: node.name, x: x, y: y, places: [], token: token)
    func fill(_ place: (_ row: Int, _ column: Int) -> Int) {
      for i in 0..<target.height { for j in 0..<target.width { draft.places.append(Int32(place(i, j))) } }
    }
    switch node.operation {
    case .classToken: fill { $1 - 1 }
    case .roll(let down, let right):
      fill { Self.wrapped($0 - down, source.height) * source.width + Self.wrapped($1 - right, source.width) }
    case .resize(_, _, .nearest):
      fill { $0 * source.height / target.height * source.width + $1 * source.width / target.width }
    case .resize(_, _, let interpolation):
      let isAligned = interpolation == .bilinearAligned
      let rows = Self.between(source.height, target.height, isAligned: isAligned)
      let columns = Self.between(source.width, target.width, isAligned: isAligned)
      draft.taps = 4
      var shares: [Float] = []
      for row in rows {
        for column in columns {
          for (r, height) in [(row.low, 1 - row.share), (row.high, row.share)] {
            for (c, width) in [(column.low, 1 - column.share), (column.high, column.share)] {
              draft.places.append(Int32(r * source.width + c))
              shares.append(Float(height * width))
            }
          }
        }
      }
      draft.shares = shares
    default: fill { $0 * target.width + $1 }
    }
    steps.append(.resample(draft))
    finish(node, y)
  }

  private static func wrapped(_ place: Int, _ size: Int) -> Int { ((place % size) + size) % size }

  /// Returns between which two pixels of `size` each of `count` new ones lies, and the share of the second.
  private static func between(_ size: Int, _ count: Int, isAligned: Bool) -> [(low: Int, high: Int, share: Double)] {
    (0..<count).map { i in
      let place =
        isAligned
        ? (count > 1 ? Double(i) * Double(size - 1) / Double(count - 1) : 0)
        : max((Double(i) + 0.5) * Double(size) / Double(count) - 0.5, 0)
      let low = min(Int(place), size - 1)
      return (low, min(low + 1, size - 1), place - Double(low))
    }
  }
}
