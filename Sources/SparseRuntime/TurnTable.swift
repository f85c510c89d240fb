internal import CSparse

/// A layer's weights as a lone example's vector is multiplied fastest where 16 values can be looked up at once (`cs_turns`).
///
/// 16 outputs take turns together: in each, every one multiplies a weight of its own with one of 32 neighbouring values. Outputs that have
/// no weight left among these values sit out with a 0; looking up 16 places at once still takes less time than a few weights one by one. The table is made when a lone example is first run, and costs 5 bytes a place.
final class TurnTable: Sendable {
  nonisolated(unsafe) let turns: cs_turns
  /// Turns of the first groups of 16 outputs together: what work is shared by.
  let starts: [UInt32]
  nonisolated(unsafe) private let arena: Arena

  /// Arranges weights, or returns nil for a layer that has too few of them, or reads too far apart.
  init?(_ filters: PlanFilters, outputs: Int, storage: PlanStorage) throws(SparseRuntimeError) {
    guard filters.values.count >= 1 << 11, let bases = storage.pointer(filters.bases), let starts = storage.pointer(filters.starts),
      let offsets = storage.pointer(filters.offsets), let values = storage.pointer(filters.values)
    else { return nil }
    let blocks = filters.bases.count
    var (groups, windows, places, weights): ([UInt32], [UInt32], [UInt8], [Float]) = ([0], [], [], [])
    for group in 0..<(outputs + 15) / 16 {
      // Each output's weights one after another, and where the next one of each reads.
      var lists: [(next: Int, places: [Int], weights: [Float])] = []
      for output in group * 16..<min(group * 16 + 16, outputs) {
        var list: (next: Int, places: [Int], weights: [Float]) = (0, [], [])
        for block in 0..<blocks {
          for i in Int(starts[block * outputs + output])..<Int(starts[block * outputs + output + 1]) {
            list.places.append(Int(bases[block]) + Int(offsets[i]))
            list.weights.append(values[i])
          }
        }
        lists.append(list)
      }
      var heads = lists.map { $0.places.first ?? .max }
      // The output that is furthest behind decides where a window begins; others that are not much further take part. Windows begin with lines
      // of the cache: what lies across two takes twice as long to load, and a tenth more turns are less than that.
      while let furthest = heads.min(), furthest < .max {
        let window = furthest & ~15
        windows.append(UInt32(window))
        for lane in 0..<16 {
          guard lane < heads.count, heads[lane] - window < 32 else {
            places.append(0)
            weights.append(0)
            continue
          }
          let next = lists[lane].next
          places.append(UInt8(heads[lane] - window))
          weights.append(lists[lane].weights[next])
          lists[lane].next = next + 1
          heads[lane] = next + 1 < lists[lane].places.count ? lists[lane].places[next + 1] : .max
        }
      }
      groups.append(UInt32(windows.count))
    }
    // A table that is mostly empty places is no gain.
    guard weights.count <= 6 * filters.values.count else { return nil }
    let arena = Arena()
    turns = cs_turns(
      outputs: UInt32(outputs), starts: try arena.keep(groups), windows: try arena.keep(windows), places: try arena.keep(places),
      values: try arena.keep(weights))
    (self.starts, self.arena) = (groups, arena)
  }

  /// Returns where each member's groups of outputs begin: consecutive ones of about as many turns.
  func shares(_ members: Int) -> [UInt32] { Shares.even(starts.map(Int.init), members: members) }
}
