extension Plan {
  /// Returns the bytes that a step's weights and other numbers have in the plan's file, places included.
  public func fileBytes(of step: PlanStep) -> Int {
    func bytes(_ numbers: PlanNumbers<Float>?...) -> Int { numbers.reduce(0) { $0 + 4 * ($1?.count ?? 0) } }
    switch step {
    case .layer(let layer): return bytes(layer.bias) + weightBytes(of: layer)
    case .function(let function): return bytes(function.scale, function.shift, function.slope)
    case .norm(let norm): return bytes(norm.scale, norm.shift)
    case .resample(let resample): return 4 * resample.places.count + bytes(resample.shares, resample.token)
    case .offset(let offset): return bytes(offset.numbers)
    default: return 0
    }
  }

  private func weightBytes(of layer: PlanLayer) -> Int {
    if case .dense(let matrix) = layer.weights {
      return 4 * matrix.taps.count + (storage.packedSizes[matrix.values.offset] ?? 4 * matrix.values.count)
    }
    guard case .sparse(let filters) = layer.weights else { return 0 }
    return storage.packedSizes[filters.bases.offset]
      ?? 4 * (filters.bases.count + filters.starts.count) + 6 * filters.values.count
  }

  /// Returns how many weights a layer stores, those of a dense kernel without zeros; nil for other steps.
  public func keptWeights(of step: PlanStep) -> Int? {
    guard case .layer(let layer) = step else { return nil }
    if case .dense(let matrix) = layer.weights { return storage.array(matrix.values).count { $0 != 0 } }
    if case .sparse(let filters) = layer.weights { return filters.values.count }
    return nil
  }
}
