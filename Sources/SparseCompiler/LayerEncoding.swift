internal import SparseRuntime

extension DraftLayer {
  /// Weights that are not 0.
  var kept: Int { weights.count { $0 != 0 } }
  /// Share of the weights that are not 0.
  var density: Double { Double(kept) / Double(max(weights.count, 1)) }

  /// Returns whether a dense kernel can compute the layer: a vector that is computed from single pixels cannot be read whole.
  func canBeDense(_ maps: [PlanMap]) -> Bool { maps[y].flat > 1 || maps[x].isVector && groups == 1 && taps.count == 1 }

  /// The kernel that is chosen where nothing was measured.
  ///
  /// Measured on a Zen 4: dense kernels do 110 GFLOP/s of multiplications by all weights, sparse ones 50 to 65 of those by kept weights.
  /// With few input channels an output has too few weights to be worth more than its loads and stores.
  ///
  /// - Parameter shapes: those in whose blocks the weights are left, the one of the fastest kernels first.
  func usualKernel(_ maps: [PlanMap], shapes: [BlockShape]) -> LayerKernel {
    // One output's blocks on their own gain nothing, or little.
    if let shape = shapes.first(where: { $0.rows > 1 || $0 == .kernel }) { return .blocks(shape, channels: maps[x].isVector ? nil : 64) }
    if canBeDense(maps), density > 0.5, inputs > 2 { return .dense }
    if groups > 1 { return .sparse(channels: nil) }
    // Enough weights of an output at a time that they outweigh the load and the store of its sums.
    let needed = 8 / max(density * Double(taps.count), 1e-3)
    let channels = max(taps.count > 1 ? 24 : 32, Int(needed.rounded(.up)))
    return .sparse(channels: maps[x].isVector ? max(channels, 128) : channels)
  }

  /// Writes the layer's weights for a kernel, and returns the plan's step.
  func step(_ kernel: LayerKernel, _ maps: [PlanMap], _ writer: inout PlanWriter) -> PlanStep {
    let input = maps[x]
    let (top, left) = before
    let places = tapPlaces(input)
    let biases = bias.contains { $0 != 0 } ? writer.add(bias) : nil
    func layer(_ weights: PlanLayer.Weights) -> PlanStep {
      .layer(
        PlanLayer(
          name: name, x: x, y: y, z: z, first: input.origin - top * input.row - left, bias: biases, low: low, high: high,
          total: self.weights.count, weights: weights))
    }
    if kernel == .dense, canBeDense(maps) {
      // A tile reads three rows of eight vectors of each channel, or the tile's own; they should stay in the first-level cache.
      let block = taps.count > 1 ? 16 : 64
      return layer(
        .dense(
          PlanMatrix(
            groups: groups, inputs: inputs, block: block, taps: writer.add(places.map(UInt32.init)), values: writer.add(weights))))
    }
    if case .blocks(let shape, let channels) = kernel, let cells = cells(shape, maps) {
      return layer(.blocks(cells.blocks(of: self, plane: input.plane, span: span(channels, input.plane), &writer)))
    }
    var (channels, vectors): (Int?, Int) = (nil, 8)
    switch kernel {
    case .sparse(let given, let size): (channels, vectors) = (given, size)
    case .blocks(_, let given): channels = given
    case .dense: break
    }
    return layer(.sparse(filters(places, input, isImage: maps[y].flat > 1, channels: channels, vectors: vectors, &writer)))
  }

  /// Positions of a number of channels, nil for all, as far as offsets of 16 bits reach.
  private func span(_ channels: Int?, _ plane: Int) -> Int {
    let most = 1 << 16
    return channels.map { $0 < most / plane ? $0 * plane : most } ?? most
  }

  private func filters(
    _ places: [Int], _ input: PlanMap, isImage: Bool, channels: Int?, vectors: Int, _ writer: inout PlanWriter
  ) -> PlanFilters {
    let size = inputs * taps.count
    // What reads a single pixel of each channel, at the same place, counts channels.
    let stride = isImage && places == [0] ? input.plane : 1
    let plane = input.plane / stride
    let span = span(channels, plane)
    let reach = (groups * inputs - 1) * plane + (places.max() ?? 0)
    let blocks = reach / span + 1
    var counts = [UInt32](repeating: 0, count: blocks * outputs + 1)
    func forEach(_ o: Int, _ body: (_ position: Int, _ weight: Float) -> Void) {
      let base = o / (outputs / groups) * inputs * plane
      for input in 0..<inputs {
        for tap in places.indices {
          let weight = weights[o * size + input * places.count + tap]
          if weight != 0 { body(base + input * plane + places[tap], weight) }
        }
      }
    }
    for o in 0..<outputs { forEach(o) { position, _ in counts[position / span * outputs + o + 1] += 1 } }
    for i in 1..<counts.count { counts[i] += counts[i - 1] }
    let starts = counts
    let all = Int(starts[blocks * outputs])
    var offsets = [UInt16](repeating: 0, count: all)
    var values = [Float](repeating: 0, count: all)
    for o in 0..<outputs {
      forEach(o) { position, weight in
        let block = position / span
        let place = Int(counts[block * outputs + o])
        offsets[place] = UInt16(position - block * span)
        values[place] = weight
        counts[block * outputs + o] += 1
      }
    }
    for segment in 0..<blocks * outputs { Self.sort(&offsets, &values, Int(starts[segment])..<Int(starts[segment + 1])) }
    let bases = (0..<blocks).map { UInt32($0 * span) }
    return PlanFilters(
      bases: writer.add(bases), starts: writer.add(starts), offsets: writer.add(offsets), values: writer.add(values), vectors: vectors,
      stride: stride)
  }

  /// Lets the weights of an output follow each other as what they multiply does: the phases of a strided convolution come tap by tap.
  private static func sort(_ offsets: inout [UInt16], _ values: inout [Float], _ range: Range<Int>) {
    guard zip(range, range.dropFirst()).contains(where: { offsets[$0] > offsets[$1] }) else { return }
    let order = range.sorted { offsets[$0] < offsets[$1] }
    let (places, weights) = (order.map { offsets[$0] }, order.map { values[$0] })
    for (i, place) in range.enumerated() { (offsets[place], values[place]) = (places[i], weights[i]) }
  }
}
