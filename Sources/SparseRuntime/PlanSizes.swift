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
    case .attention(let attention):
      return bytes(attention.scales, attention.bias) + 4 * ((attention.places?.count ?? 0) + (attention.parts?.count ?? 0))
    case .pool, .pair, .copy, .interleave: return 0
    }
  }

  private func weightBytes(of layer: PlanLayer) -> Int {
    switch layer.weights {
    case .dense(let matrix): 4 * matrix.taps.count + (storage.packedSizes[matrix.values.offset] ?? 4 * matrix.values.count)
    case .sparse(let filters):
      storage.packedSizes[filters.bases.offset] ?? 4 * (filters.bases.count + filters.starts.count) + 6 * filters.values.count
    case .blocks(let blocks):
      4 * blocks.deltas.count + (storage.packedSizes[blocks.bases.offset] ?? blocks.bytes - 4 * blocks.deltas.count)
    }
  }

  /// Returns how many weights a layer stores, those of dense kernels and of blocks without zeros; nil for other steps.
  public func keptWeights(of step: PlanStep) -> Int? {
    guard case .layer(let layer) = step else { return nil }
    return switch layer.weights {
    case .dense(let matrix): storage.array(matrix.values).count { $0 != 0 }
    case .sparse(let filters): filters.values.count
    case .blocks(let blocks): storage.array(blocks.values).count { $0 != 0 }
    }
  }
}
