internal import Networks

extension Lowering {
  /// What arranges values: flattening, concatenation, parts of channels, borders.
  static let shapes = [
    Rule("Flatten") { lowering, node in
      let source = try lowering.feature(node)
      guard node.integer("axis", 1).axis(of: lowering.dimensions(of: source).count) == 1 else {
        throw Refusal("its axis is \(node.integer("axis", 1)), and 1 is possible")
      }
      return [try lowering.flattened(source, node)]
    },
    Rule("Reshape") { lowering, node in
      if case .partial(let partial)? = lowering.value(node, 0), case .exchanged(let groups) = partial.form {
        return [try lowering.shuffled(partial.source, groups, node)]
      }
      if let input = node.inputs.first { try lowering.settle(input) }
      let source = try lowering.feature(node)
      guard let target = try lowering.numbers(node, 1)?.sizes ?? node.integers("shape") else { throw Refusal("it has no shape") }
      let dimensions = lowering.dimensions(of: source)
      return [try lowering.reshaped(source, Reshaping.shape(target, of: dimensions, allowsZero: node.integer("allowzero", 0) != 0), node)]
    },
    Rule("Transpose") { lowering, node in
      guard case .partial(let partial)? = lowering.value(node, 0), case .grouped(let groups) = partial.form,
        node.integers("perm") == [0, 2, 1, 3, 4]
      else { throw Refusal("it is understood within a channel shuffle") }
      return [.partial(Partial(form: .exchanged(groups), source: partial.source))]
    },
    Rule("Gather") { lowering, node in
      let source = try lowering.feature(node)
      let dimensions = lowering.dimensions(of: source)
      guard node.integer("axis", 0).axis(of: dimensions.count) == 1, let given = try lowering.numbers(node, 1), given.dimensions.count == 1
      else { throw Refusal("it is understood as a choice of channels") }
      let indices = given.sizes.map { $0 < 0 ? $0 + dimensions[1] : $0 }
      guard Set(indices).count == indices.count, indices.allSatisfy({ (0..<dimensions[1]).contains($0) }) else {
        throw Refusal("it takes a channel twice, or one that is not there")
      }
      return [try lowering.emit(.indexSelect(indices), from: [source], as: node, isModule: false)]
    },
    Rule("Squeeze") { lowering, node in
      let source = try lowering.feature(node)
      let dimensions = lowering.dimensions(of: source)
      let axes = node.axes(try lowering.operands(node))?.compactMap { $0.axis(of: dimensions.count) }
      let gone = Set(axes ?? dimensions.indices.filter { dimensions[$0] == 1 })
      guard gone.allSatisfy({ dimensions[$0] == 1 }) else { throw Refusal("it removes axes that are larger than 1") }
      return [try lowering.reshaped(source, dimensions.indices.filter { !gone.contains($0) }.map { dimensions[$0] }, node)]
    },
    Rule("Concat") { lowering, node in
      let sources = try node.inputs.indices.map { try lowering.feature(node, $0) }
      guard let first = sources.first, node.integer("axis", 1).axis(of: lowering.dimensions(of: first).count) == 1 else {
        throw Refusal("its axis is \(node.integer("axis", 1)), and that of the channels, 1, is possible")
      }
      return [sources.count == 1 ? .feature(first) : try lowering.emit(.concat, from: sources, as: node, isModule: false)]
    },
    Rule("Split") { lowering, node in
      let source = try lowering.feature(node)
      guard node.integer("axis", 0).axis(of: lowering.dimensions(of: source).count) == 1 else {
        throw Refusal("its axis is \(node.integer("axis", 0)), and that of the channels, 1, is possible")
      }
      let (channels, parts) = (lowering.shape(of: source).channels, max(node.outputs.count, 1))
      let size = (channels + parts - 1) / parts
      let sizes =
        try node.integers("split") ?? lowering.numbers(node, 1)?.sizes
        ?? (0..<parts).map { $0 == parts - 1 ? channels - size * (parts - 1) : size }
      guard sizes.count == node.outputs.count, sizes.allSatisfy({ (1...channels).contains($0) }), sizes.count <= channels,
        sizes.reduce(0, +) == channels
      else { throw Refusal("its parts \(sizes.prefix(8)) are not the \(channels) channels") }
      var start = 0
      return try sizes.map { count in
        defer { start += count }
        return try lowering.emit(.narrow(start: start, count: count), from: [source], as: node, isModule: false)
      }
    },
    Rule("Slice") { lowering, node in
      var source: String
      var step = Extent(1)
      if case .partial(let partial)? = lowering.value(node, 0), case .strided(let before) = partial.form {
        (source, step) = (partial.source, before)
      } else {
        source = try lowering.feature(node)
      }
      let isStrided = step != Extent(1)
      for part in try Slicing.parts(of: node, lowering.operands(node)) {
        let dimensions = lowering.dimensions(of: source)
        guard let axis = part.axis.axis(of: dimensions.count), axis > 0 else { throw Refusal("it cuts the batch") }
        let (start, end) = part.bounds(of: dimensions[axis])
        if part.step == 1, start == 0, end == dimensions[axis] { continue }
        if axis == 1, part.step == 1, start < end, !isStrided, step == Extent(1) {
          guard
            case .feature(let name) = try lowering.emit(
              .narrow(start: start, count: end - start), from: [source], as: node, isModule: false)
          else { throw Unknown() }
          source = name
        } else if axis > 1, part.step > 1, start == 0, end == dimensions[axis] {
          step = axis == 2 ? Extent(part.step, step.width) : Extent(step.height, part.step)
        } else {
          throw Refusal(
            "it cuts \(start) to \(end) in steps of \(part.step) from axis \(axis), and channels or every second pixel are possible")
        }
      }
      return [step == Extent(1) ? .feature(source) : .partial(Partial(form: .strided(step), source: source))]
    },
    Rule("Pad") { lowering, node in
      guard node.text("mode", "constant") == "constant", (try lowering.numbers(node, 2)?.values.first ?? node.real("value", 0)) == 0 else {
        throw Refusal("it fills borders with other than zeros")
      }
      var (step, source) = (Extent(1), String?.none)
      if case .partial(let partial)? = lowering.value(node, 0), case .strided(let before) = partial.form {
        (step, source) = (before, partial.source)
      }
      let image = try source ?? lowering.feature(node)
      guard let given = try node.integers("pads") ?? lowering.numbers(node, 1)?.sizes else { throw Refusal("it has no pads") }
      let rank = lowering.dimensions(of: image).count
      let axes = try lowering.numbers(node, 3)?.sizes.compactMap { $0.axis(of: rank) } ?? Array(0..<rank)
      guard given.count == 2 * axes.count, given.allSatisfy({ (0...Int(Int32.max)).contains($0) }) else {
        throw Refusal("its pads \(given) do not fit its input")
      }
      var (before, after) = ([Int](repeating: 0, count: rank), [Int](repeating: 0, count: rank))
      for (index, axis) in axes.enumerated() { (before[axis], after[axis]) = (given[index], given[axes.count + index]) }
      if before.allSatisfy({ $0 == 0 }), after.allSatisfy({ $0 == 0 }), step == Extent(1) { return [.feature(image)] }
      guard rank == 4, before[0] == 0, after[0] == 0 else { throw Refusal("it adds borders to other than images") }
      if [before[2], before[3], after[2], after[3]].allSatisfy({ $0 == 0 }), step.height == step.width {
        let shortcut = Operation.subsamplePad(stride: step.height, before: before[1], after: after[1])
        return [try lowering.emit(shortcut, from: [image], as: node, isModule: false)]
      }
      guard before[1] == 0, after[1] == 0, step == Extent(1) else { throw Refusal("it adds borders and channels at once") }
      return [.partial(Partial(form: .padded([before[2], before[3], after[2], after[3]]), source: image))]
    },
  ]

  /// The channels of groups taken in turns, as the last step of a channel shuffle leaves them.
  private mutating func shuffled(_ source: String, _ groups: Int, _ node: ONNXGraph.Node) throws -> Value {
    let dimensions = dimensions(of: source)
    let width = dimensions[1] / max(groups, 1)
    let before = [dimensions[0], width, groups] + dimensions[2...]
    guard let target = try numbers(node, 1)?.sizes ?? node.integers("shape"),
      try Reshaping.shape(target, of: before, allowsZero: node.integer("allowzero", 0) != 0) == dimensions
    else { throw Refusal("it does not end a channel shuffle") }
    let indices = (0..<dimensions[1]).map { $0 % groups * width + $0 / groups }
    return try emit(.indexSelect(indices), from: [source], as: node, isModule: false)
  }

  private mutating func flattened(_ source: String, _ node: ONNXGraph.Node) throws -> Value {
    if case .vector = shape(of: source) { return .feature(source) }
    return try emit(.flatten, from: [source], as: node, isModule: false)
  }

  private mutating func reshaped(_ source: String, _ target: [Int], _ node: ONNXGraph.Node) throws -> Value {
    let dimensions = dimensions(of: source)
    if target == dimensions { return .feature(source) }
    // The first step of a channel shuffle.
    if target.count == 5, dimensions.count == 4, target[0] == batch, Array(target[3...]) == Array(dimensions[2...]), target[1] > 0 {
      return .partial(Partial(form: .grouped(target[1]), source: source))
    }
    guard target.count == 2, target[0] == batch else {
      func words(_ sizes: [Int]) -> String { "[" + sizes.map { $0 == batch ? "batch" : "\($0)" }.joined(separator: ", ") + "]" }
      throw Refusal("it reshapes \(words(dimensions)) to \(words(target)), and flattening is possible")
    }
    return try flattened(source, node)
  }
}
