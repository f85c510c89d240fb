internal import Networks
internal import SparseRuntime

extension Drafting {
  /// The most weights of a layer's phases, zeros included.
  private static let mostWeights = 1 << 28

  /// Drafts a transposed convolution.
  ///
  /// Along a side, output pixel s·m + f (stride s, phase f) gets the kernel's tap k from input pixel m + (f + padding − k·dilation)/s wherever
  /// that is a whole number. So each phase is a convolution of stride 1 of its own: one layer has the outputs of all phases, which are then put
  /// between each other.
  mutating func draftTransposed(_ layer: Convolution, _ node: Network.Node, _ operand: DraftOperand, _ shape: FeatureShape) throws {
    let x = materialized(operand, for: node.name)
    let y = DraftValue(shape)
    let (height, width) = (y.height, y.width)
    let (inputs, outputs) = (layer.inputs / layer.groups, layer.outputs / layer.groups)
    let all = Extent(min(layer.stride.height, height), min(layer.stride.width, width))
    func expect(taps: Int) throws {
      let weights = Double(layer.outputs) * Double(inputs) * Double(all.height) * Double(all.width) * Double(taps)
      guard weights <= Double(Self.mostWeights) else {
        throw CompilationError.tooLarge(network: network.name, what: "\(node.name) has \(all) phases of \(layer.outputs) outputs")
      }
    }
    // Counting taps takes as long as there are phases.
    try expect(taps: 1)
    let rows = Phases(size: height, layer, \.height), columns = Phases(size: width, layer, \.width)
    let taps = rows.shifts.flatMap { down in columns.shifts.map { DraftTap(down: down, right: $0) } }
    try expect(taps: taps.count)
    let (phases, size) = (rows.count * columns.count, inputs * taps.count)
    let kernel = layer.kernel.height * layer.kernel.width
    let given = try numbers(node, .weight, layer.outputs * inputs * kernel)
    let bias = layer.bias ? try numbers(node, .bias, layer.outputs) : Array(repeating: Float(0), count: layer.outputs)
    var weights = [Float](repeating: 0, count: layer.outputs * phases * size)
    for output in 0..<layer.outputs {
      let first = output / outputs * outputs * phases + output % outputs
      for row in rows.taps {
        for column in columns.taps {
          let here = first + (row.phase * columns.count + column.phase) * outputs
          for input in 0..<inputs {
            weights[here * size + input * taps.count + row.shift * columns.shifts.count + column.shift] =
              given[(output * inputs + input) * kernel + row.tap * layer.kernel.width + column.tap]
          }
        }
      }
    }
    var draft = DraftLayer(
      name: node.name, x: x, y: 0, groups: layer.groups, inputs: inputs, outputs: layer.outputs * phases, taps: taps, weights: weights,
      bias: [], phases: phases)
    draft.bias = draft.spread(bias)
    draft.y = value(
      channels: draft.outputs, height: (height + rows.count - 1) / rows.count, width: (width + columns.count - 1) / columns.count)
    steps.append(.layer(draft))
    guard phases > 1 else { return finish(node, draft.y) }
    let whole = value(like: shape)
    steps.append(
      .interleave(
        PlanInterleave(name: node.name, x: draft.y, y: whole, rows: rows.count, columns: columns.count, groups: layer.groups)))
    finish(node, whole)
  }
}

/// The phases of a transposed convolution along one side.
private struct Phases {
  /// A tap of the kernel in a phase, and which of ``shifts`` it reads at.
  struct Tap {
    var phase: Int, tap: Int, shift: Int
  }
  /// Phases that pixels of the output have.
  let count: Int
  /// Input pixels from that of an output pixel's own number to what some phase reads.
  private(set) var shifts: [Int] = []
  private(set) var taps: [Tap] = []

  init(size: Int, _ layer: Convolution, _ side: KeyPath<Extent, Int>) {
    let (stride, padding) = (layer.stride[keyPath: side], layer.padding[keyPath: side])
    count = min(stride, size)
    for phase in 0..<count {
      for tap in 0..<layer.kernel[keyPath: side] {
        let reach = phase + padding - tap * layer.dilation[keyPath: side]
        guard reach.isMultiple(of: stride) else { continue }
        let shift = reach / stride
        if !shifts.contains(shift) { shifts.append(shift) }
        taps.append(Tap(phase: phase, tap: tap, shift: shifts.firstIndex(of: shift) ?? 0))
      }
    }
    // Of a kernel that no pixel of the output meets only the bias is left.
    if shifts.isEmpty { shifts = [0] }
  }
}

extension DraftValue {
  fileprivate init(_ shape: FeatureShape) {
    switch shape {
    case .vector(let count): self.init(channels: count, height: 1, width: 1)
    case .image(let channels, let height, let width): self.init(channels: channels, height: height, width: width)
    }
  }
}
