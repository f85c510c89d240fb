internal import CSparse

extension StepBuilder {
  /// Makes the kernel's description of a layer with weights in blocks.
  func stage(_ layer: PlanLayer, _ weights: PlanBlocks, finish: cs_finish, tiling: Tiling) throws(SparseRuntimeError) -> cs_stage {
    let (x, y, storage) = (plan.maps[layer.x], plan.maps[layer.y], plan.storage)
    guard let deltas = storage.pointer(weights.deltas), let bases = storage.pointer(weights.bases),
      let starts = storage.pointer(weights.starts), let offsets = storage.pointer(weights.offsets),
      let values = storage.pointer(weights.values)
    else { throw .malformed("step \"\(layer.name.shown)\" lacks weights") }
    let blocks = cs_blocks(
      outputs: UInt32(y.channels), spans: UInt32(weights.bases.count), rows: UInt32(weights.rows), points: UInt32(weights.deltas.count),
      deltas: deltas, bases: bases, starts: starts, offsets: offsets, values: values)
    let places = storage.array(weights.deltas).map { Int($0) }
    let shares = try arena.keep(
      Shares.outputs(starts, blocks: weights.bases.count, outputs: weights.groups(y.channels), extra: 1, members: members))
    if layout.lanes == 1, y.flat == 1 {
      var finish = finish
      finish.z = layer.z.map { UnsafePointer(layout.maps[$0].values) }
      return cs_stage(
        run: kernels.block_vector,
        step: try arena.keep(
          cs_block_vector_step(
            blocks: blocks, finish: finish, x: layout.starts[layer.x] + layer.first, y: layout.maps[layer.y].values, y_channel: y.plane,
            adjacent: places == Array(0..<places.count) ? 1 : 0, shares: shares)))
    }
    let unit = x.isVector ? layout.lanes * layout.groups : layout.lanes
    // Of a group's image neighbouring positions are neighbouring vectors.
    let runs =
      unit == 16 && places.count.isMultiple(of: 3)
      && stride(from: 0, to: places.count, by: 3).allSatisfy { places[$0 + 1] == places[$0] + 1 && places[$0 + 2] == places[$0] + 2 }
    let tiles = try tiling.tiles(arena)
    return cs_stage(
      run: kernels.blocks,
      step: try arena.keep(
        cs_block_step(
          blocks: blocks, finish: finish, x: layout.starts[layer.x], y: layout.starts[layer.y],
          places: try arena.keep(places.map { $0 * unit }), runs: runs ? 1 : 0, unit: unit, x_row: tiling.xRow, y_row: tiling.yRow,
          z_row: tiling.zRow, y_channel: layout.maps[layer.y].channel, tiles: try arena.keep(tiles), tile_count: UInt32(tiles.count),
          shares: tiles.count < 4 * members ? UnsafePointer(shares) : nil)))
  }
}
