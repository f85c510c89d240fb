internal import CSparse

extension StepBuilder {
  func stage(of attention: PlanAttention) throws(SparseRuntimeError) -> cs_stage {
    guard let scales = numbers(attention.scales) else { throw .malformed("step \"\(attention.name.shown)\" lacks scales") }
    let span = plan.span(of: attention)
    let places = attention.places.map { plan.storage.array($0).map(Int.init) }
    let keys = try values(at: places, of: attention.keys.map)
    let values = try values(at: places, of: attention.values.map)
    return cs_stage(
      run: kernels.attention,
      step: try arena.keep(
        cs_attention_step(
          q: map(attention.queries), k: map(attention.keys), v: map(attention.values), y: layout.maps[attention.y],
          heads: UInt32(attention.heads), key_width: UInt32(attention.keyWidth), value_width: UInt32(attention.valueWidth),
          windows: UInt32(attention.windows), queries: UInt32(span.queries), keys: UInt32(span.keys),
          q_at: try self.values(at: places, of: attention.queries.map).places, y_at: try self.values(at: places, of: attention.y).places,
          k_at: keys.places, v_at: values.places, scales: scales, bias: numbers(attention.bias),
          parts: attention.parts.flatMap { plan.storage.pointer($0) }, is_cosine: attention.isCosine ? 1 : 0,
          keys_lie_together: keys.lieTogether && attention.windows == 1 && !attention.isCosine ? 1 : 0,
          values_lie_together: values.lieTogether && attention.windows == 1 ? 1 : 0, scratch: scratch,
          scratch_size: scratchSize)))
  }

  /// The map of an operand from its first channel on.
  private func map(_ operand: PlanAttention.Operand) -> cs_map {
    var map = layout.maps[operand.map]
    map.values += operand.channel * map.channel
    return map
  }

  /// Returns where pixels (all unless given) lie in a channel, -1 for those before the first, and whether they lie side by side.
  func values(at pixels: [Int]?, of index: Int) throws(SparseRuntimeError) -> (places: UnsafePointer<Int>, lieTogether: Bool) {
    let (map, geometry) = (layout.maps[index], plan.maps[index])
    let pixels = pixels ?? Array(0..<geometry.height * geometry.width)
    let places = pixels.map { $0 < 0 ? -1 : $0 / geometry.width * map.row + $0 % geometry.width * layout.lanes }
    let lieTogether = zip(places, places.dropFirst()).allSatisfy { $1 - $0 == layout.lanes }
    return (UnsafePointer(try arena.keep(places)), lieTogether)
  }

  func stage(of interleave: PlanInterleave) throws(SparseRuntimeError) -> cs_stage {
    cs_stage(
      run: kernels.interleave,
      step: try arena.keep(
        cs_interleave_step(
          x: layout.maps[interleave.x], y: layout.maps[interleave.y], rows: UInt32(interleave.rows), columns: UInt32(interleave.columns),
          groups: UInt32(interleave.groups))))
  }
}
