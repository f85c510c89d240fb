internal import Networks

extension Lowering {
  /// What arranges values: turned axes, flattening, concatenation, parts of axes, borders.
  static let shapes = [
    Rule("Flatten") { lowering, node in
      let view = try lowering.view(node)
      guard let axis = node.integer("axis", 1).axis(of: view.axes.count), axis > 0 else {
        throw Refusal("its axis is \(node.integer("axis", 1)), and 1 is possible")
      }
      let sizes = view.sizes
      guard let flat = view.reshaped([sizes[..<axis], sizes[axis...]].map { $0.reduce(1, *) }) else {
        throw Refusal("its axis is \(node.integer("axis", 1)), and 1 is possible")
      }
      return [try lowering.viewed(flat, node)]
    },
    Rule("Reshape") { lowering, node in
      guard let target = try lowering.numbers(node, 1)?.sizes ?? node.integers("shape") else { throw Refusal("it has no shape") }
      let batch = lowering.batch
      if case .partial(let partial)? = lowering.value(node, 0),
        let scores = try lowering.reshaped(
          partial,
          {
            try Reshaping.shape(target, of: $0, allowsZero: node.integer("allowzero", 0) != 0)
          })
      {
        return [.partial(scores)]
      }
      return [
        try lowering.turned(node) { view in
          let sizes = view.sizes
          let shape = try Reshaping.shape(target, of: sizes, allowsZero: node.integer("allowzero", 0) != 0)
          guard let result = view.reshaped(shape) else {
            throw Refusal("it reshapes \(words(sizes, batch)) to \(words(shape, batch)), across channels and positions")
          }
          return result
        }
      ]
    },
    Rule("Transpose") { lowering, node in
      [try lowering.turned(node) { $0.permuted(node.integers("perm") ?? $0.axes.indices.reversed()) }]
    },
    Rule("Squeeze") { lowering, node in
      let operands = try lowering.operands(node)
      return [
        try lowering.turned(node) { view in
          let rank = view.axes.count
          let gone = node.axes(operands)?.compactMap { $0.axis(of: rank) } ?? view.axes.indices.filter { view.axes[$0].isEmpty }
          guard gone.allSatisfy({ view.sizes[$0] == 1 }) else { throw Refusal("it removes axes that are larger than 1") }
          return view.reshaped(view.axes.indices.filter { !gone.contains($0) }.map { view.sizes[$0] })
        }
      ]
    },
    Rule("Unsqueeze") { lowering, node in
      guard let axes = try node.axes(lowering.operands(node)) else { throw Refusal("it has no axes") }
      return [
        try lowering.turned(node) { view in
          let rank = view.axes.count + axes.count
          var sizes = view.sizes
          for axis in axes.compactMap({ $0.axis(of: rank) }).sorted() where axis <= sizes.count { sizes.insert(1, at: axis) }
          return view.reshaped(sizes)
        }
      ]
    },
    Rule("Expand") { lowering, node in
      guard let target = try lowering.numbers(node, 1)?.sizes else { throw Refusal("it has no shape") }
      // A length, as often as there are channels that it divides.
      if case .partial(let partial)? = lowering.value(node, 0), case .length = partial.form, partial.view.sizes == target {
        return [.partial(partial)]
      }
      if let input = node.inputs.first { try lowering.settle(input) }
      let own = try lowering.constant(node, 0)?.dimensions ?? lowering.view(node).sizes
      let padded = Array(repeating: 1, count: max(target.count - own.count, 0)) + own
      // One value for all examples is what a constant is anyway.
      guard padded.count >= target.count, let value = lowering.value(node, 0),
        zip(padded.suffix(target.count), target).enumerated().allSatisfy({ $1.0 == $1.1 || $1.1 == 1 || $0 == 0 && $1.1 == lowering.batch })
      else {
        throw Refusal("it repeats \(words(own, lowering.batch)) to \(words(target, lowering.batch)), and one for each example is possible")
      }
      return [value]
    },
    Rule("Gather") { lowering, node in
      let view = try lowering.view(node)
      guard let axis = node.integer("axis", 0).axis(of: view.axes.count) else { throw Refusal("its axis is not there") }
      if case .places(let places)? = lowering.value(node, 1) {
        return [try lowering.viewed(lowering.taken(places, of: view, axis: axis), node)]
      }
      let choice = Refusal("it is understood as a choice of channels or positions")
      guard let given = try lowering.numbers(node, 1) else { throw choice }
      let sizes = view.sizes
      let size = sizes[axis]
      let indices = given.sizes.map { $0 < 0 ? $0 + size : $0 }
      if given.dimensions.count > 1 {
        // All in their order, in another shape.
        guard indices == Array(0..<size) else { throw choice }
        return [try lowering.viewed(view.reshaped(sizes[..<axis] + given.dimensions + sizes[(axis + 1)...]), node)]
      }
      guard Set(indices).count == indices.count, indices.allSatisfy({ (0..<size).contains($0) }) else {
        throw Refusal("it takes one twice, or one that is not there")
      }
      var part = try lowering.part(view, axis, indices, node)
      if given.dimensions.isEmpty { part.axes.remove(at: axis) }
      return [try lowering.viewed(part, node)]
    },
    Rule("Concat") { lowering, node in
      var node = node
      node.inputs.removeAll { name in
        if case .constant(let constant)? = lowering.value(named: name) { constant.count == 0 } else { false }
      }
      if let token = try lowering.classToken(node) { return [token] }
      let views = try node.inputs.indices.map { try lowering.view(node, $0) }
      guard let first = views.first, let axis = node.integer("axis", 1).axis(of: first.axes.count) else {
        throw Refusal("it joins nothing")
      }
      if let rolled = try lowering.rolled(views, node) { return [.feature(rolled)] }
      if views.count == 1 { return [.feature(first)] }
      let isAlike = views.allSatisfy { view in
        let channels = lowering.network.shape(of: view.source).channels
        return view.axes.count == first.axes.count && view.isWhole(axis, .channels, channels)
          && lowering.network.shape(of: view.source).dimensions.dropFirst()
            == lowering.network.shape(of: first.source).dimensions.dropFirst()
          && view.axes.indices.allSatisfy { $0 == axis || view.axes[$0] == first.axes[$0] }
      }
      guard isAlike else {
        guard axis == 1 else { throw Refusal("its axis is \(node.integer("axis", 1)), and that of the channels is possible") }
        let sources = try node.inputs.indices.map { try lowering.feature(node, $0) }
        return [.feature(try lowering.emit(.concat, from: sources, as: node, isModule: false))]
      }
      var joined = try lowering.emit(.concat, from: views.map(\.source), as: node, isModule: false)
      joined.axes = first.axes
      joined.axes[axis] = [View.Factor(axis: .channels, size: lowering.network.shape(of: joined.source).channels)]
      return [.feature(joined)]
    },
    Rule("Split") { lowering, node in
      let view = try lowering.view(node)
      guard let axis = node.integer("axis", 0).axis(of: view.axes.count) else { throw Refusal("its axis is not there") }
      let (size, parts) = (view.sizes[axis], max(node.outputs.count, 1))
      let usual = (size + parts - 1) / parts
      let sizes =
        try node.integers("split") ?? lowering.numbers(node, 1)?.sizes
        ?? (0..<parts).map { $0 == parts - 1 ? size - usual * (parts - 1) : usual }
      guard sizes.count == node.outputs.count, sizes.allSatisfy({ (1...max(size, 1)).contains($0) }), sizes.count <= size,
        sizes.reduce(0, +) == size
      else { throw Refusal("its parts \(sizes.prefix(8)) are not the \(size) of its axis") }
      var start = 0
      return try sizes.map { count in
        defer { start += count }
        return try lowering.viewed(lowering.part(view, axis, Array(start..<(start + count)), node), node)
      }
    },
    Rule("Slice") { lowering, node in
      var view: View
      var step = Extent(1)
      if case .partial(let partial)? = lowering.value(node, 0), case .strided(let before) = partial.form {
        (view, step) = (partial.view, before)
      } else {
        if let input = node.inputs.first { try lowering.settle(input) }
        view = try lowering.view(node)
      }
      let isStrided = step != Extent(1)
      for part in try Slicing.parts(of: node, lowering.operands(node)) {
        let sizes = view.sizes
        guard let axis = part.axis.axis(of: sizes.count) else { throw Refusal("its axis \(part.axis) is not there") }
        let (start, end) = part.bounds(of: sizes[axis])
        if part.step == 1, start == 0, end == sizes[axis] { continue }
        let along = lowering.imageAxis(axis, of: view)
        if part.step == 1, start >= end {
          // Nothing, as where an image is rolled along one side alone.
          var nothing = sizes
          nothing[axis] = 0
          return [.constant(ONNXTensor(node.words, dimensions: nothing, numbers: [], isInteger: false))]
        }
        if part.step == 1, start < end, !isStrided, step == Extent(1) {
          view = try lowering.part(view, axis, Array(start..<end), node)
        } else if part.step > 1, start < end, let along, along == 2 ? step.height == 1 : step.width == 1 {
          view = try lowering.part(view, axis, Array(start..<end), node)
          step = along == 2 ? Extent(part.step, step.width) : Extent(step.height, part.step)
        } else {
          throw Refusal(
            "it cuts \(start) to \(end) in steps of \(part.step) from axis \(axis), and channels or every second pixel are possible")
        }
      }
      return [step == Extent(1) ? try lowering.viewed(view, node) : .partial(Partial(form: .strided(step), view: view))]
    },
    Rule("Pad") { lowering, node in
      guard node.text("mode", "constant") == "constant", (try lowering.numbers(node, 2)?.values.first ?? node.real("value", 0)) == 0 else {
        throw Refusal("it fills borders with other than zeros")
      }
      var (step, source) = (Extent(1), String?.none)
      if case .partial(let partial)? = lowering.value(node, 0), case .strided(let before) = partial.form {
        (step, source) = (before, partial.view.source)
      }
      guard let given = try node.integers("pads") ?? lowering.numbers(node, 1)?.sizes else { throw Refusal("it has no pads") }
      if source == nil {
        if let input = node.inputs.first { try lowering.settle(input) }
        let view = try lowering.view(node)
        if given.allSatisfy({ $0 == 0 }) { return [.feature(view)] }
        if let padded = try lowering.padded(view, given, lowering.numbers(node, 3)?.sizes, node) { return [.feature(padded)] }
      }
      let image = try source ?? lowering.feature(node)
      let rank = lowering.network.whole(image).axes.count
      let axes = try lowering.numbers(node, 3)?.sizes.compactMap { $0.axis(of: rank) } ?? Array(0..<rank)
      guard given.count == 2 * axes.count, given.allSatisfy({ abs($0) <= Int(Int32.max) }) else {
        throw Refusal("its pads \(given) do not fit its input")
      }
      var (before, after) = ([Int](repeating: 0, count: rank), [Int](repeating: 0, count: rank))
      for (index, axis) in axes.enumerated() { (before[axis], after[axis]) = (given[index], given[axes.count + index]) }
      if before.allSatisfy({ $0 == 0 }), after.allSatisfy({ $0 == 0 }), step == Extent(1) {
        return [.feature(lowering.network.whole(image))]
      }
      if rank == 2, before[0] == 0, after[0] == 0, before[1] >= 0, after[1] >= 0 {
        let longer = Operation.subsamplePad(stride: 1, before: before[1], after: after[1])
        return [.feature(try lowering.emit(longer, from: [image], as: node, isModule: false))]
      }
      guard rank == 4, before[0] == 0, after[0] == 0 else { throw Refusal("it adds borders to other than images") }
      if [before[2], before[3], after[2], after[3]].allSatisfy({ $0 == 0 }), step.height == step.width {
        let shortcut = Operation.subsamplePad(stride: step.height, before: before[1], after: after[1])
        return [.feature(try lowering.emit(shortcut, from: [image], as: node, isModule: false))]
      }
      guard before[1] == 0, after[1] == 0, step == Extent(1) else { throw Refusal("it adds borders and channels at once") }
      return [.partial(Partial(form: .padded([before[2], before[3], after[2], after[3]]), view: lowering.network.whole(image)))]
    },
  ]

  /// Sizes in words, in which the batch is no number.
  private static func words(_ sizes: [Int], _ batch: Int) -> String {
    "[" + sizes.map { $0 == batch ? "batch" : "\($0)" }.joined(separator: ", ") + "]"
  }

  /// The value of a node that turns the axes of its input, also of one that is a part of a formula of single elements.
  mutating func turned(_ node: ONNXGraph.Node, _ turn: (View) throws -> View?) throws -> Value {
    if case .partial(let partial)? = value(node, 0), partial.isElementwise {
      guard let view = try turn(partial.view) else { throw Refusal("it turns (\(partial.view.words)), which is not understood") }
      return .partial(Partial(form: partial.form, view: view))
    }
    if let input = node.inputs.first { try settle(input) }
    let view = try view(node)
    return try viewed(turn(view), node)
  }

  /// The value of a view: where it is a vector, or has its channels in another order, an operation makes it so.
  mutating func viewed(_ view: View?, _ node: ONNXGraph.Node) throws -> Value {
    guard var view else { throw Refusal("it turns axes in a way that is not understood") }
    let shape = network.shape(of: view.source)
    guard case .image(let channels, let height, let width) = shape else { return .feature(view) }
    if view.axes.count == 2, view.axes[0] == network.whole(view.source).axes[0],
      view.reshaped([batch, channels, height, width])?.axes == network.whole(view.source).axes
    {
      return .feature(try emit(.flatten, from: [view.source], as: node, isModule: false))
    }
    if let squares = try merged(view, node) { view = squares }
    let count = network.shape(of: view.source).channels
    // A channel shuffle ends here.
    if let axis = view.channelAxis(count), count > 1, !view.isWhole(axis, .channels, count) {
      view = try network.channelsInOrder(view, named: Names.name(of: node, dropsOperation: false))
    }
    return .feature(view)
  }

  /// Returns the given places of an axis of a view: some of its channels or positions.
  mutating func part(_ view: View, _ axis: Int, _ places: [Int], _ node: ONNXGraph.Node) throws -> View {
    guard places != Array(0..<view.sizes[axis]) else { return view }
    guard view.axes[axis].count == 1, let factor = view.axes[axis].first else {
      throw Refusal("it takes a part of (\(view.words)) along axis \(axis), which is not one of channels or positions")
    }
    let shape = network.shape(of: view.source)
    switch factor.axis {
    case .batch: throw Refusal("it cuts the batch")
    case .channels:
      let chosen = Set(places)
      let order = Dictionary(places.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
      // In the order of what is chosen, within the channels around it.
      let outer = factor.size * factor.stride
      let indices = (0..<shape.channels).filter { chosen.contains($0 / factor.stride % factor.size) }.sorted { one, other in
        let key = { (index: Int) in (index / outer, order[index / factor.stride % factor.size] ?? 0, index % factor.stride) }
        return key(one) < key(other)
      }
      guard let start = indices.first else { throw Refusal("it takes no channels") }
      let isRun = indices == Array(start..<(start + indices.count))
      let operation = isRun ? Operation.narrow(start: start, count: indices.count) : .indexSelect(indices)
      let value = try emit(operation, from: [view.source], as: node, isModule: false)
      let axes = view.axes.enumerated().map { index, factors in
        factors.map { other -> View.Factor in
          guard other.axis == .channels else { return other }
          if index == axis { return View.Factor(axis: .channels, size: places.count, stride: other.stride) }
          let isOuter = other.stride >= outer
          return View.Factor(axis: .channels, size: other.size, stride: isOuter ? other.stride / factor.size * places.count : other.stride)
        }
      }
      return View(value.source, axes)
    case .positions:
      guard case .image(_, let height, let width) = shape, let first = places.first, places == Array(first..<(first + places.count)) else {
        throw Refusal("it takes positions that are no run")
      }
      let rest = factor.size - first - places.count
      var (source, cut) = (view.source, Operation.pad(top: 0, bottom: 0, left: -first, right: -rest))
      if factor.stride == width, factor.size == height {
        cut = .pad(top: -first, bottom: -rest, left: 0, right: 0)
      } else if factor.stride != 1 || factor.size != width {
        // All of them as one sequence.
        guard factor.stride == 1, factor.size == height * width else { throw Refusal("it takes a part of (\(view.words))") }
        let name = "\(source).arrange"
        source = try network.emit(.arrange(height: 1, width: factor.size), from: [source], named: name).source
      }
      let value = try emit(cut, from: [source], as: node, isModule: false)
      let axes = view.axes.enumerated().map { index, factors in
        factors.map { other -> View.Factor in
          guard other.axis == .positions else { return other }
          if index == axis { return View.Factor(axis: .positions, size: places.count, stride: other.stride) }
          return View.Factor(axis: .positions, size: other.size, stride: other.stride == 1 ? 1 : other.stride / factor.size * places.count)
        }
      }
      return View(value.source, axes)
    }
  }

  /// A sequence behind learned tokens; nil if no constant is joined.
  private mutating func classToken(_ node: ONNXGraph.Node) throws -> Value? {
    let last = node.inputs.count - 1
    guard last > 0, node.inputs.indices.dropLast().allSatisfy({ if case .constant? = value(node, $0) { true } else { false } }) else {
      return nil
    }
    var view = try view(node, last)
    let shape = network.shape(of: view.source)
    guard let axis = node.integer("axis", 1).axis(of: view.axes.count), view.isWhole(axis, .positions, shape.positions),
      view.isWhole(0, .batch, batch), axis > 0, shape.dimensions.count == 3
    else { throw Refusal("it joins constants with (\(view.words)), and tokens before a sequence are possible") }
    for index in node.inputs.indices.dropLast().reversed() {
      guard let token = try constant(node, index) else { throw Unknown() }
      var sizes = view.sizes
      (sizes[0], sizes[axis]) = (1, 1)
      guard token.count == shape.channels, Array(token.dimensions.drop { $0 == 1 }) == Array(sizes.drop { $0 == 1 }) else {
        throw Refusal("its token has shape \(token.dimensions), and one number for each channel is possible")
      }
      let row = try network.canonical(View(view.source, [view.axes[0], view.factors(.channels), view.axes[axis]]))
      let module = Names.printable(token.name).isEmpty ? Names.name(of: node, dropsOperation: true) : Names.printable(token.name)
      let longer = try network.layer(.classToken(features: token.count), from: [row], named: module, [(.weight, Weight(tensor: token))])
      view.source = longer.source
      view.axes[axis] = [View.Factor(axis: .positions, size: network.shape(of: longer.source).positions)]
    }
    return .feature(view)
  }
}
