extension Plan {
  /// Returns the maps that need not exist where 16 examples lie side by side, each with the one that takes its place: what a sparse layer
  /// computes for nobody but the maximum of each 2 × 2 pixels, which the layer then stores itself.
  ///
  /// - Parameters:
  ///   - groups: groups of 16 examples; 0 for a lone example, whose pixels lie side by side in a vector and are pooled by a step of its own.
  ///   - vectors: the most vectors of a tile of the kernels' form.
  func pooledMaps(groups: Int, vectors: Int) -> [Int: Int] {
    guard groups > 0 else { return [:] }
    var readers = Array(repeating: 0, count: maps.count)
    for step in steps { for input in step.inputs { readers[input] += 1 } }
    for output in outputs { readers[output] += 1 }
    var pooled: [Int: Int] = [:]
    for (step, next) in zip(steps, steps.dropFirst()) {
      guard case .layer(let layer) = step, case .sparse(let filters) = layer.weights, case .pool(let pool) = next, pool.x == layer.y,
        readers[layer.y] == 1, pool.halves(maps[layer.y]), min(filters.vectors, vectors) >= 4
      else { continue }
      // A tile of small images is a row of several groups.
      guard groups == 1 || maps[layer.y].height >= 4 else { continue }
      pooled[layer.y] = pool.y
    }
    return pooled
  }

  /// Whether the step behind a layer pools what it computes.
  public func isPooled(_ step: Int) -> Bool {
    guard case .layer(let layer) = steps[step], case .pool(let pool) = steps.dropFirst(step + 1).first else { return false }
    return pool.x == layer.y
  }
}

extension PlanPool {
  /// Whether the step takes the maximum of each 2 × 2 pixels of a map, and nothing else.
  fileprivate func halves(_ x: PlanMap) -> Bool {
    func areHalves(_ windows: [Window], _ size: Int) -> Bool {
      2 * windows.count == size && windows.enumerated().allSatisfy { $1.from == 2 * $0 && $1.to == 2 * $0 + 2 }
    }
    return !isMean && low == -.infinity && high == .infinity && areHalves(rows, x.height) && areHalves(columns, x.width)
  }
}
