internal import Networks

// Images as whole values: borders, every so many pixels, squares of pixels, rolls.
extension Lowering {
  /// Which axis of an image, 2 for rows and 3 for columns, an axis of its view with channels first or last is; nil if it is another.
  func imageAxis(_ axis: Int, of view: View) -> Int? {
    guard let order = orderOfImage(view) else { return nil }
    return order.firstIndex(of: axis).flatMap { $0 > 1 ? $0 : nil }
  }

  /// Where batch, channels, rows and columns stand among the axes of an image whose channels are first or last; nil for other axes.
  private func orderOfImage(_ view: View) -> [Int]? {
    guard view.axes.count == 4, case .image = network.shape(of: view.source) else { return nil }
    let whole = network.whole(view.source)
    return [[0, 1, 2, 3], [0, 3, 1, 2]].first { view.permuted($0) == whole }
  }

  /// An image with zeros around it, or with channels of zeros, whose channels are last; nil for other axes.
  mutating func padded(_ view: View, _ pads: [Int], _ axes: [Int]?, _ node: ONNXGraph.Node) throws -> View? {
    if let sequence = try paddedSequence(view, pads, axes, node) { return sequence }
    guard orderOfImage(view) == [0, 3, 1, 2], orderOfImage(view) != [0, 1, 2, 3] else { return nil }
    let axes = axes?.compactMap { $0.axis(of: 4) } ?? Array(0..<4)
    guard pads.count == 2 * axes.count, pads.allSatisfy({ abs($0) <= Int(Int32.max) }) else {
      throw Refusal("its pads \(pads) do not fit its input")
    }
    var (before, after) = ([0, 0, 0, 0], [0, 0, 0, 0])
    for (index, axis) in axes.enumerated() { (before[axis], after[axis]) = (pads[index], pads[axes.count + index]) }
    let isShortcut = [before[1], after[1], before[2], after[2]] == [0, 0, 0, 0] && before[3] >= 0 && after[3] >= 0
    guard before[0] == 0, after[0] == 0, isShortcut || before[3] == 0 && after[3] == 0 else {
      throw Refusal("it adds borders and channels at once")
    }
    let operation =
      isShortcut
      ? Operation.subsamplePad(stride: 1, before: before[3], after: after[3])
      : .pad(top: before[1], bottom: after[1], left: before[2], right: after[2])
    let image = try emit(operation, from: [view.source], as: node, isModule: false)
    return View(image.source, [0, 2, 3, 1].map { image.axes[$0] })
  }

  /// A sequence with zeros before and behind it; nil for other axes.
  private mutating func paddedSequence(_ view: View, _ pads: [Int], _ axes: [Int]?, _ node: ONNXGraph.Node) throws -> View? {
    guard view.axes.count == 3, case .image(let channels, 1, let length) = network.shape(of: view.source), length > 1,
      let place = [1, 2].first(where: { view.isWhole($0, .positions, length) }), view.isWhole(3 - place, .channels, channels)
    else { return nil }
    let axes = axes?.compactMap { $0.axis(of: 3) } ?? Array(0..<3)
    guard pads.count == 2 * axes.count, pads.allSatisfy({ abs($0) <= Int(Int32.max) }) else {
      throw Refusal("its pads \(pads) do not fit its input")
    }
    guard axes.indices.allSatisfy({ axes[$0] == place || pads[$0] == 0 && pads[axes.count + $0] == 0 }),
      let index = axes.firstIndex(of: place)
    else { throw Refusal("it adds borders to other than images and sequences") }
    let border = Operation.pad(top: 0, bottom: 0, left: pads[index], right: pads[axes.count + index])
    let longer = try emit(border, from: [view.source], as: node, isModule: false)
    var result = view.of(longer.source)
    result.axes[place] = longer.axes[3]
    return result
  }

  /// The pixels of small squares as channels (patch merging, pixel unshuffle), where they stand in one axis with the channels; nil for other
  /// axes.
  mutating func merged(_ view: View, _ node: ONNXGraph.Node) throws -> View? {
    guard view.axes.count > 2, case .image(let channels, let height, let width) = network.shape(of: view.source), width > 1,
      let index = view.axes.firstIndex(where: { axis in
        axis.contains { $0.axis == .channels } && axis.contains { $0.axis == .positions } && axis.allSatisfy { $0.axis != .batch }
      })
    else { return nil }
    let (pixels, own) = (view.axes[index].filter { $0.axis == .positions }, view.axes[index].filter { $0.axis == .channels })
    guard own.reduce(1, { $0 * $1.size }) == channels, pixels.count == 2, let size = pixels.first?.size,
      pixels.allSatisfy({ $0.size == size }),
      Set(pixels.map(\.stride)) == [1, width], height.isMultiple(of: size), width.isMultiple(of: size)
    else { return nil }
    let name = Names.name(of: node, dropsOperation: false)
    var parts: [String] = []
    for row in 0..<size {
      for column in 0..<size {
        var part = view.source
        if row + column > 0 {
          part = try network.emit(.pad(top: -row, bottom: 0, left: -column, right: 0), from: [part], named: "\(name).cut").source
        }
        parts.append(try network.emit(.subsamplePad(stride: size, before: 0, after: 0), from: [part], named: "\(name).part").source)
      }
    }
    let joined = try network.emit(.concat, from: parts, named: name)
    var axes: [[View.Factor]] = []
    for (place, axis) in view.axes.enumerated() {
      var factors: [View.Factor] = []
      for factor in axis {
        var factor = factor
        if factor.axis == .positions, place == index {
          factor = View.Factor(axis: .channels, size: size, stride: factor.stride == 1 ? channels : size * channels)
        } else if factor.axis == .positions, factor.stride.isMultiple(of: size * width) {
          factor.stride = factor.stride / (size * width) * (width / size)
        } else if factor.axis == .positions {
          guard factor.stride.isMultiple(of: size), factor.stride * factor.size <= width else { return nil }
          factor.stride /= size
        }
        factors.append(factor)
      }
      axes.append(factors)
    }
    return View(joined.source, axes)
  }

  /// Every so many pixels of an image, where no shortcut takes them.
  mutating func sampled(_ view: View, _ step: Extent, _ name: String) throws -> View? {
    guard step.height == step.width, let order = orderOfImage(view) else { return nil }
    let image = try network.emit(.subsamplePad(stride: step.height, before: 0, after: 0), from: [view.source], named: name)
    var axes = image.axes
    for (place, axis) in order.enumerated() { axes[axis] = image.axes[place] }
    return View(image.source, axes)
  }

  /// The two parts of an image in exchanged order, which is the image rolled; nil for what is no such pair.
  mutating func rolled(_ views: [View], _ node: ONNXGraph.Node) throws -> View? {
    guard views.count == 2, let end = cut(views[0]), let start = cut(views[1]), end.image == start.image,
      case .image(_, let height, let width) = network.shape(of: end.image)
    else { return nil }
    let (rows, columns) = (end.rows.count, end.columns.count)
    let isDown = end.columns == 0..<width && start.columns == 0..<width && end.rows.upperBound == height && start.rows == 0..<height - rows
    let isRight =
      end.rows == 0..<height && start.rows == 0..<height && end.columns.upperBound == width && start.columns == 0..<width - columns
    guard isDown != isRight,
      node.integer("axis", 1).axis(of: views[0].axes.count).flatMap({ imageAxis($0, of: views[0]) }) == (isDown ? 2 : 3),
      let order = orderOfImage(views[0]), orderOfImage(views[1]) == order
    else { return nil }
    // The shorter way.
    let move = isDown ? (rows <= height / 2 ? rows : rows - height) : columns <= width / 2 ? columns : columns - width
    let image = try emit(.roll(down: isDown ? move : 0, right: isDown ? 0 : move), from: [end.image], as: node, isModule: false)
    var axes = image.axes
    for (place, axis) in order.enumerated() { axes[axis] = image.axes[place] }
    return View(image.source, axes)
  }

  /// The image that a value is a part of, by its rows and columns.
  private func cut(_ view: View) -> (image: String, rows: Range<Int>, columns: Range<Int>)? {
    guard let node = network.nodes.last(where: { $0.name == view.source }), let image = node.inputs.first,
      case .pad(let top, let bottom, let left, let right) = node.operation, [top, bottom, left, right].allSatisfy({ $0 <= 0 }),
      case .image(_, let height, let width) = network.shape(of: image)
    else { return nil }
    return (image, -top..<height + bottom, -left..<width + right)
  }
}
