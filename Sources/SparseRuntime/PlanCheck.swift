extension Plan {
  /// The most positions of all maps together; times 64 bytes for a group of 16 examples.
  public static let mostPositions = 1 << 28
  /// The longest side of a map, and the most channels.
  static let longest = 1 << 24

  /// Checks that every step stays within the maps and the numbers that it names, so that kernels need not.
  ///
  /// - Throws: ``SparseRuntimeError/malformed(_:)`` for the first step that does not.
  func check() throws(SparseRuntimeError) {
    guard [1, 2, 4].contains(groups) else { throw .malformed("\(groups) groups of examples; possible are 1, 2 and 4") }
    guard loneExamples >= 1 else { throw .malformed("\(loneExamples) lone examples; possible are 1 and more") }
    guard !maps.isEmpty, !outputs.isEmpty else { throw .malformed("it has no input or no output") }
    var total = 0
    for map in maps {
      try map.check()
      total += map.positions
      guard total <= Self.mostPositions else { throw .malformed("its values take more than \(Self.mostPositions) positions") }
    }
    var isWritten = Array(repeating: false, count: maps.count)
    isWritten[0] = true
    for step in steps {
      for input in step.inputs {
        guard maps.indices.contains(input), isWritten[input] else { throw step.malformed("reads a value that nothing has computed") }
      }
      guard maps.indices.contains(step.output), !isWritten[step.output] else {
        throw step.malformed("computes a value that is not there, or not for the first time")
      }
      isWritten[step.output] = true
      switch step {
      case .layer(let layer): try check(layer)
      case .pool(let pool): try check(pool)
      case .function(let function): try check(function)
      case .pair(let pair): try check(pair)
      case .norm(let norm): try check(norm)
      case .resample(let resample): try check(resample)
      case .offset(let offset):
        let (x, y) = (maps[offset.x], maps[offset.y])
        guard x.hasShape(of: y), storage.holds(offset.numbers), offset.numbers.count == y.channels * y.height * y.width else {
          throw step.malformed("does not fit its input and its output")
        }
      case .attention(let attention): try check(attention)
      case .interleave(let interleave): try check(interleave)
      case .copy(let copy): try check(copy)
      }
    }
    for output in outputs {
      guard maps.indices.contains(output), isWritten[output] else { throw .malformed("an output is not computed") }
    }
    try preparation.check(inputShape)
    guard classes.isEmpty || classes.count == outputCount else {
      throw .malformed("it names \(classes.count) classes and computes \(outputCount) values")
    }
  }

  private func check(_ layer: PlanLayer) throws(SparseRuntimeError) {
    let step = PlanStep.layer(layer)
    let (x, y) = (maps[layer.x], maps[layer.y])
    let outputs = y.channels
    if let bias = layer.bias {
      guard storage.holds(bias), bias.count == outputs else { throw step.malformed("does not have \(outputs) biases") }
    }
    guard y.flat == 1 || y.row == x.row, x.isVector == y.isVector || y.flat == 1 else {
      throw step.malformed("reads rows of another length than it writes")
    }
    if let index = layer.z {
      let z = maps[index]
      guard z.channels == outputs, z.height == y.height, z.width == y.width, z.row == y.row, z.isVector == y.isVector else {
        throw step.malformed("adds a value of another shape")
      }
    }
    guard (0...1 << 40).contains(layer.total) else { throw step.malformed("has \(layer.total) weights") }
    // What the last pixel of an output reads at offset 0, and so how far an offset may reach.
    let (last, overflows) = layer.first.addingReportingOverflow(y.flat - 1)
    guard layer.first >= 0, !overflows, last < x.positions else { throw step.malformed("reads beyond its input") }
    let reach = x.positions - 1 - last
    switch layer.weights {
    case .sparse(let filters):
      // A lone example's vector is read position by position.
      guard filters.stride >= 1, filters.stride == 1 || y.flat > 1 && filters.stride == x.plane else {
        throw step.malformed("counts its places by \(filters.stride) positions")
      }
      try check(filters, outputs: outputs, reach: reach / filters.stride, step)
    case .blocks(let blocks):
      if let problem = blocks.problem(outputs: outputs, reach: reach, in: storage) { throw step.malformed(problem) }
    case .dense(let matrix):
      let (groups, inputs) = (matrix.groups, matrix.inputs)
      guard groups >= 1, outputs % groups == 0, inputs >= 1, inputs <= x.channels / groups, matrix.block >= 1 else {
        throw step.malformed("has impossible groups")
      }
      guard storage.holds(matrix.taps), storage.holds(matrix.values), matrix.taps.count >= 1 else {
        throw step.malformed("lacks weights")
      }
      let (weights, tooMany) = (outputs * inputs).multipliedReportingOverflow(by: matrix.taps.count)
      guard !tooMany, weights == matrix.values.count else { throw step.malformed("does not have \(weights) weights") }
      // A lone example's vector is read whole, weight by weight.
      guard y.flat > 1 || x.isVector && groups == 1 && matrix.taps.count == 1 else {
        throw step.malformed("has dense weights where only sparse ones can be read")
      }
      let span = (groups * inputs - 1) * x.plane
      for tap in storage.array(matrix.taps) {
        guard Int(tap) <= reach - span else { throw step.malformed("reads beyond its input") }
      }
    }
  }

  private func check(_ filters: PlanFilters, outputs: Int, reach: Int, _ step: PlanStep) throws(SparseRuntimeError) {
    let blocks = filters.bases.count
    guard (1...28).contains(filters.vectors), outputs * filters.vectors <= Self.mostPositions else {
      throw step.malformed("has tiles of \(filters.vectors) vectors")
    }
    guard storage.holds(filters.offsets), storage.holds(filters.values), filters.offsets.count == filters.values.count,
      filters.values.count <= Int(UInt32.max)
    else { throw step.malformed("lacks weights or their places") }
    guard blocks >= 1, blocks <= Self.longest, filters.starts.count == blocks * outputs + 1,
      let bases = storage.pointer(filters.bases), let starts = storage.pointer(filters.starts),
      let offsets = storage.pointer(filters.offsets)
    else { throw step.malformed("lacks its blocks") }
    guard starts[0] == 0, Int(starts[blocks * outputs]) == filters.values.count else {
      throw step.malformed("lacks weights of some blocks")
    }
    for i in 0..<blocks * outputs { guard starts[i] <= starts[i + 1] else { throw step.malformed("has blocks out of order") } }
    for block in 0..<blocks {
      // The largest offset decides, which the compiler finds 16 at a time.
      var largest: UInt16 = 0
      for i in Int(starts[block * outputs])..<Int(starts[(block + 1) * outputs]) { largest = max(largest, offsets[i]) }
      guard Int(bases[block]) + Int(largest) <= reach else { throw step.malformed("reads beyond its input") }
    }
  }

  private func check(_ pool: PlanPool) throws(SparseRuntimeError) {
    let step = PlanStep.pool(pool)
    let (x, y) = (maps[pool.x], maps[pool.y])
    guard x.channels == y.channels, pool.rows.count == y.height, pool.columns.count == y.width else {
      throw step.malformed("does not fit its input and its output")
    }
    for (windows, size) in [(pool.rows, x.height), (pool.columns, x.width)] {
      for window in windows {
        guard 0 <= window.from, window.from <= window.to, window.to <= size else { throw step.malformed("has windows beyond its input") }
      }
    }
  }

  private func check(_ function: PlanFunction) throws(SparseRuntimeError) {
    let step = PlanStep.function(function)
    let (x, y) = (maps[function.x], maps[function.y])
    guard x.hasShape(of: y) else { throw step.malformed("does not fit its input and its output") }
    for numbers in [function.scale, function.shift, function.slope] {
      guard let numbers else { continue }
      guard storage.holds(numbers), numbers.count == y.channels else { throw step.malformed("does not have \(y.channels) numbers") }
    }
  }

  private func check(_ pair: PlanPair) throws(SparseRuntimeError) {
    let (a, b, y) = (maps[pair.a], maps[pair.b], maps[pair.y])
    guard a.hasShape(of: y), b.channels == y.channels, b.hasShape(of: y) || b.height * b.width == 1 else {
      throw PlanStep.pair(pair).malformed("does not fit its inputs and its output")
    }
  }

  private func check(_ norm: PlanNorm) throws(SparseRuntimeError) {
    let step = PlanStep.norm(norm)
    let (x, y) = (maps[norm.x], maps[norm.y])
    guard x.hasShape(of: y) else { throw step.malformed("does not fit its input and its output") }
    guard (1...Self.longest).contains(norm.size), (0...Self.longest).contains(norm.absent),
      norm.kind != .group || y.channels.isMultiple(of: norm.size), norm.kind != .localResponse || norm.size <= 2 * y.channels
    else { throw step.malformed("has impossible groups") }
    for numbers in [norm.scale, norm.shift] {
      guard let numbers else { continue }
      guard storage.holds(numbers), numbers.count == y.channels else { throw step.malformed("does not have \(y.channels) numbers") }
    }
  }

  private func check(_ resample: PlanResample) throws(SparseRuntimeError) {
    let step = PlanStep.resample(resample)
    let (x, y) = (maps[resample.x], maps[resample.y])
    guard x.channels == y.channels, [1, 4].contains(resample.taps), storage.holds(resample.places),
      resample.places.count == y.height * y.width * resample.taps,
      resample.shares.map({ storage.holds($0) && $0.count == resample.places.count }) ?? (resample.taps == 1),
      resample.token.map({ storage.holds($0) && $0.count == y.channels }) ?? true
    else { throw step.malformed("does not fit its input and its output") }
    let pixels = -1..<x.height * x.width
    for place in storage.array(resample.places) {
      guard pixels.contains(Int(place)) else { throw step.malformed("reads beyond its input") }
    }
  }

  private func check(_ copy: PlanCopy) throws(SparseRuntimeError) {
    let step = PlanStep.copy(copy)
    guard copy.sources.count == maps[copy.y].channels else { throw step.malformed("does not have a source for each channel") }
    for source in copy.sources {
      if let map = source.map {
        guard (0..<maps[map].channels).contains(source.channel) else { throw step.malformed("copies a channel that is not there") }
      }
      guard (-Self.longest...Self.longest).contains(source.down), (-Self.longest...Self.longest).contains(source.right),
        (1...64).contains(source.downStep), (1...64).contains(source.rightStep)
      else { throw step.malformed("copies from too far away") }
    }
  }
}

extension PlanPreparation {
  fileprivate func check(_ input: [Int]) throws(SparseRuntimeError) {
    let shape = shape.isEmpty ? input : shape
    guard shape.allSatisfy({ (1...Plan.longest).contains($0) }), shape.count <= 3,
      shape.reduce(1.0, { $0 * Double($1) }) == input.reduce(1.0, { $0 * Double($1) }),
      mean.count == deviation.count, mean.isEmpty || mean.count == shape[0], deviation.allSatisfy({ $0 > 0 && $0.isFinite }),
      mean.allSatisfy(\.isFinite), resize.map({ (1...Plan.longest).contains($0) }) ?? true
    else { throw .malformed("its normalisation does not fit its input") }
  }
}

extension PlanMap {
  fileprivate func check() throws(SparseRuntimeError) {
    let sides = [channels, height, width, row, plane]
    guard sides.allSatisfy({ (1...Plan.longest).contains($0) }), (0...Plan.longest).contains(above), (0...Plan.longest).contains(beside)
    else { throw .malformed("a value has an impossible size") }
    guard row >= width + beside, plane >= (height + above) * row || plane == 1 && height == 1 && width == 1 && row == 1 && above == 0,
      isVector || plane >= PlanMap.rounded(flat)
    else { throw .malformed("a value's rows or channels overlap") }
    let (all, overflows) = channels.multipliedReportingOverflow(by: plane)
    guard !overflows, all <= Plan.mostPositions, origin <= Plan.mostPositions else { throw .malformed("a value is too large") }
  }

  /// Returns the positions of whole vectors of 16 that hold so many.
  static func rounded(_ positions: Int) -> Int { (positions + 15) / 16 * 16 }

  func hasShape(of other: PlanMap) -> Bool { channels == other.channels && height == other.height && width == other.width }
}

extension PlanStep {
  func malformed(_ what: String) -> SparseRuntimeError {
    .malformed("step \"\(name.shown)\" \(what)")
  }
}
