internal import SparseRuntime

/// Lays out a draft's values: how much padding each needs, and how far apart its rows and channels are.
struct Geometry {
  private(set) var maps: [PlanMap] = []
  /// Whether values are so large that 16 examples side by side would not stay in the caches: such a network computes one example after another.
  let isLarge: Bool

  /// The most positions of a value of 16 examples side by side: 8 MB of them.
  private static let mostShared = 1 << 17

  init(values: [DraftValue], steps: [DraftStep], isLone given: Bool?) {
    var values = values
    var rows = RowClasses(count: values.count)
    for case .layer(let layer) in steps {
      let (source, target) = (values[layer.x], values[layer.y])
      for tap in layer.taps {
        // What the last pixels read below and to the right of the input lies in the zeros above and beside what follows.
        let above = max(-tap.down, target.height - 1 + tap.down - (source.height - 1), 0)
        let beside = max(-tap.right, target.width - 1 + tap.right - (source.width - 1), 0)
        values[layer.x].above = max(values[layer.x].above, above)
        values[layer.x].beside = max(values[layer.x].beside, beside)
      }
      // A whole output is computed as one long row.
      if target.isImage { rows.unite(layer.x, layer.y) }
      if let z = layer.z { rows.unite(z, layer.y) }
    }
    var longest: [Int: Int] = [:]
    for (i, value) in values.enumerated() {
      let root = rows.root(of: i)
      longest[root] = max(longest[root] ?? 0, value.width + value.beside)
    }
    func row(of i: Int) -> Int { longest[rows.root(of: i)] ?? values[i].width }
    isLarge = values.enumerated().contains { i, value in
      value.isImage && value.channels * (value.height + value.above) * row(of: i) > Self.mostShared
    }
    let isLone = given ?? isLarge
    maps = values.enumerated().map { i, value in
      let row = row(of: i)
      if !value.isImage, value.above == 0, value.beside == 0, row == 1 { return PlanMap(features: value.channels) }
      let flat = (value.height - 1) * row + value.width
      return PlanMap(
        channels: value.channels, height: value.height, width: value.width, above: value.above, beside: value.beside, row: row,
        plane: Self.spread(max((value.height + value.above) * row, (flat + 15) / 16 * 16), isLone: isLone))
    }
  }

  /// Returns a distance between channels that leaves them at different places of the first-level cache: as a multiple of 1 kB, a fourth of
  /// such a cache's places would hold all channels' rows.
  ///
  /// A position of 16 examples has 64 bytes. One of a lone example has 4, and its channels begin with a line of the cache: a vector that lies
  /// in two of them takes twice as long to load.
  private static func spread(_ plane: Int, isLone: Bool) -> Int {
    guard isLone else { return plane >= 64 && plane.isMultiple(of: 16) ? plane + 1 : plane }
    guard plane >= 64 else { return plane }
    let lines = (plane + 15) / 16
    return (lines.isMultiple(of: 16) ? lines + 1 : lines) * 16
  }
}

/// Values whose rows must be equally far apart, as sets.
private struct RowClasses {
  private var parents: [Int]
  init(count: Int) { parents = Array(0..<count) }
  mutating func root(of i: Int) -> Int {
    var i = i
    while parents[i] != i {
      parents[i] = parents[parents[i]]
      i = parents[i]
    }
    return i
  }
  mutating func unite(_ a: Int, _ b: Int) { parents[root(of: a)] = root(of: b) }
}
