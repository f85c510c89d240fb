internal import CSparse

/// Makes the kernels' descriptions of a plan's steps in a workspace.
struct StepBuilder {
  let plan: Plan
  let layout: WorkspaceLayout
  let members: Int
  let kernels: cs_inference
  let arena: Arena
  /// Tables of layers, by the step's index, where there are any.
  let tables: [Int: TurnTable]
  /// Room for what each member keeps for itself, a tile's sums or attention's scores, and its values: one for all steps, as no two are carried
  /// out at once.
  let scratch: UnsafeMutablePointer<Float>, scratchSize: Int

  init(
    plan: Plan, layout: WorkspaceLayout, members: Int, kernels: cs_inference, arena: Arena, tables: [Int: TurnTable]
  ) throws(SparseRuntimeError) {
    (self.plan, self.layout, self.members, self.kernels, self.arena, self.tables) = (plan, layout, members, kernels, arena, tables)
    var most = plan.scratchSize(lanes: layout.lanes)
    for case .layer(let layer) in plan.steps {
      guard case .sparse(let filters) = layer.weights, filters.bases.count > 1, layout.lanes == 16 || plan.maps[layer.y].flat > 1 else {
        continue
      }
      most = max(most, plan.maps[layer.y].channels * Tiling(plan: plan, layer: layer, layout: layout, kernels: kernels).mostVectors * 16)
    }
    scratchSize = PlanMap.rounded(most)
    scratch = try arena.zeros(count: scratchSize * members)
  }

  func stage(of index: Int) throws(SparseRuntimeError) -> cs_stage {
    switch plan.steps[index] {
    case .layer(let layer): return try stage(of: layer, table: tables[index])
    case .pool(let pool):
      let (rows, columns) = (pool.rows, pool.columns)
      let alike = PlanPool.alike(columns, of: plan.maps[pool.x].width)
      return cs_stage(
        run: kernels.pool,
        step: try arena.keep(
          cs_pool_step(
            x: layout.maps[pool.x], y: layout.maps[pool.y], row_from: try arena.keep(rows.map { UInt32($0.from) }),
            row_to: try arena.keep(rows.map { UInt32($0.to) }), column_from: try arena.keep(columns.map { UInt32($0.from) }),
            column_to: try arena.keep(columns.map { UInt32($0.to) }), row_share: try arena.keep(rows.map(\.share)),
            column_share: try arena.keep(columns.map(\.share)), column_step: alike?.step ?? 0, column_size: alike?.size ?? 0,
            column_start: alike?.start ?? 0, is_mean: pool.isMean ? 1 : 0, low: pool.low, high: pool.high)))
    case .function(let function):
      return cs_stage(
        run: kernels.map,
        step: try arena.keep(
          cs_map_step(
            x: layout.maps[function.x], y: layout.maps[function.y], scale: numbers(function.scale), shift: numbers(function.shift),
            slope: numbers(function.slope), function: Int32(function.kind.rawValue), alpha: function.alpha, low: function.low,
            high: function.high)))
    case .pair(let pair):
      return cs_stage(
        run: kernels.pair,
        step: try arena.keep(
          cs_pair_step(
            a: layout.maps[pair.a], b: layout.maps[pair.b], y: layout.maps[pair.y], operation: Int32(pair.kind.rawValue), low: pair.low,
            high: pair.high)))
    case .norm(let norm):
      let y = plan.maps[norm.y]
      let together =
        switch norm.kind {
        case .group: (y.channels / norm.size + norm.absent) * y.height * y.width
        default: y.channels + norm.absent
        }
      return cs_stage(
        run: kernels.norm,
        step: try arena.keep(
          cs_norm_step(
            x: layout.maps[norm.x], y: layout.maps[norm.y], kind: Int32(norm.kind.rawValue), groups: UInt32(norm.size),
            size: UInt32(norm.size), count: Float(together), epsilon: norm.epsilon, alpha: norm.alpha, beta: norm.beta, k: norm.k,
            scale: numbers(norm.scale), shift: numbers(norm.shift))))
    case .resample(let resample):
      let places = plan.storage.array(resample.places).map(Int.init)
      return cs_stage(
        run: kernels.resample,
        step: try arena.keep(
          cs_resample_step(
            x: layout.maps[resample.x], y: layout.maps[resample.y], taps: UInt32(resample.taps),
            at: try values(at: places, of: resample.x).places,
            shares: numbers(resample.shares), token: numbers(resample.token))))
    case .offset(let offset):
      guard let values = numbers(offset.numbers) else { throw .malformed("step \"\(offset.name.shown)\" lacks numbers") }
      return cs_stage(
        run: kernels.offset,
        step: try arena.keep(cs_offset_step(x: layout.maps[offset.x], y: layout.maps[offset.y], numbers: values)))
    case .attention(let attention): return try stage(of: attention)
    case .interleave(let interleave): return try stage(of: interleave)
    case .copy(let copy):
      let sources = copy.sources.map { source in
        guard let index = source.map else {
          return cs_source(x: nil, group: 0, row: 0, height: 0, width: 0, down: 0, right: 0, down_step: 1, right_step: 1)
        }
        let map = layout.maps[index]
        return cs_source(
          x: map.values + source.channel * map.channel, group: map.group, row: map.row, height: Int32(map.height),
          width: Int32(map.width), down: Int32(source.down), right: Int32(source.right), down_step: Int32(source.downStep),
          right_step: Int32(source.rightStep))
      }
      return cs_stage(run: kernels.copy, step: try arena.keep(cs_copy_step(y: layout.maps[copy.y], sources: try arena.keep(sources))))
    }
  }

  func numbers(_ numbers: PlanNumbers<Float>?) -> UnsafePointer<Float>? { numbers.flatMap { plan.storage.pointer($0) } }

  private func stage(of layer: PlanLayer, table: TurnTable?) throws(SparseRuntimeError) -> cs_stage {
    let (x, y) = (plan.maps[layer.x], plan.maps[layer.y])
    let unit = x.isVector ? layout.lanes * layout.groups : layout.lanes
    // Tiles say where they begin from the first position of a map, its padding included.
    let (source, target) = (layout.starts[layer.x], layout.starts[layer.y])
    let finish = cs_finish(
      bias: numbers(layer.bias), z: layer.z.map { UnsafePointer(layout.starts[$0]) },
      z_channel: layer.z.map { layout.maps[$0].channel } ?? 0,
      low: layer.low, high: layer.high)
    let isVector = layout.lanes == 1 && y.flat == 1
    let tiling = Tiling(plan: plan, layer: layer, layout: layout, kernels: kernels)
    switch layer.weights {
    case .sparse(let weights):
      guard let filters = filters(weights, outputs: y.channels) else { throw .malformed("step \"\(layer.name)\" lacks weights") }
      let shares = try arena.keep(
        Shares.outputs(filters.starts, blocks: weights.bases.count, outputs: y.channels, extra: 4, members: members))
      if isVector {
        var finish = finish
        finish.z = layer.z.map { UnsafePointer(layout.maps[$0].values) }
        if let table, let run = kernels.turns {
          return cs_stage(
            run: run,
            step: try arena.keep(
              cs_turn_step(
                turns: table.turns, finish: finish, x: source + layer.first, y: layout.maps[layer.y].values, y_channel: y.plane,
                shares: try arena.keep(table.shares(members)))))
        }
        return cs_stage(
          run: kernels.sparse_vector,
          step: try arena.keep(
            cs_sparse_vector_step(
              filters: filters, finish: finish, x: source + layer.first, y: layout.maps[layer.y].values, y_channel: y.plane, shares: shares)
          ))
      }
      let tiles = try tiling.tiles(arena)
      return cs_stage(
        run: kernels.sparse,
        step: try arena.keep(
          cs_sparse_step(
            filters: filters, finish: finish, x: source, y: target, unit: unit * weights.stride, x_row: tiling.xRow, y_row: tiling.yRow,
            z_row: tiling.zRow, y_channel: layout.maps[layer.y].channel, tiles: try arena.keep(tiles), tile_count: UInt32(tiles.count),
            is_pooled: layout.pooled[layer.y] == nil ? 0 : 1, sums: scratch, member: scratchSize,
            shares: tiles.count < 4 * members ? UnsafePointer(shares) : nil)))
    case .blocks(let weights): return try stage(layer, weights, finish: finish, tiling: tiling)
    case .dense(let weights):
      guard let values = plan.storage.pointer(weights.values), let taps = plan.storage.pointer(weights.taps) else {
        throw .malformed("step \"\(layer.name)\" lacks weights")
      }
      if isVector {
        var finish = finish
        finish.z = layer.z.map { UnsafePointer(layout.maps[$0].values) }
        return cs_stage(
          run: kernels.dense_vector,
          step: try arena.keep(
            cs_dense_vector_step(
              weights: values, finish: finish, x: source + layer.first, y: layout.maps[layer.y].values, y_channel: y.plane,
              outputs: UInt32(y.channels), inputs: UInt32(weights.inputs))))
      }
      let tiles = try tiling.tiles(arena)
      return cs_stage(
        run: kernels.dense,
        step: try arena.keep(
          cs_dense_step(
            weights: values, finish: finish, x: source, y: target, outputs: UInt32(y.channels), groups: UInt32(weights.groups),
            inputs: UInt32(weights.inputs), taps: UInt32(weights.taps.count), block: UInt32(min(weights.block, weights.inputs)),
            offsets: taps, unit: unit, x_channel: layout.maps[layer.x].channel, y_channel: layout.maps[layer.y].channel,
            tiles: try arena.keep(tiles), tile_count: UInt32(tiles.count), by_outputs: tiles.count < 4 * members ? 1 : 0)))
    }
  }

  private func filters(_ weights: PlanFilters, outputs: Int) -> cs_filters? {
    let storage = plan.storage
    guard let bases = storage.pointer(weights.bases), let starts = storage.pointer(weights.starts),
      let offsets = storage.pointer(weights.offsets), let values = storage.pointer(weights.values)
    else { return nil }
    return cs_filters(
      outputs: UInt32(outputs), blocks: UInt32(weights.bases.count), bases: bases, starts: starts, offsets: offsets, values: values)
  }
}

extension PlanPool {
  /// The step, start and size of windows that are alike but for being cut where `width` values begin and end, if 16 can be combined at once;
  /// where several describe them, any will do.
  fileprivate static func alike(_ windows: [Window], of width: Int) -> (step: UInt32, start: Int32, size: UInt32)? {
    let most = 16
    for step in 1...2 {
      for start in -most...most {
        for size in 1...most where step * (windows.count - 1) + start + size <= width + 4 * most {
          let areAlike = windows.enumerated().allSatisfy { j, window in
            let from = step * j + start
            return window.from == max(from, 0) && window.to == min(from + size, width) && window.from < window.to
          }
          if areAlike { return (UInt32(step), Int32(start), UInt32(size)) }
        }
      }
    }
    return nil
  }
}
