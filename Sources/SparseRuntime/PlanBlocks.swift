/// The weights of a layer that are left in blocks: consecutive outputs times positions of the input that lie alike in all blocks, so that
/// outputs share what is loaded of the input, and a block has one place.
///
/// Outputs are taken `rows` at a time from the first. Of a last, smaller group those that do not exist have weights of 0.
public struct PlanBlocks: Hashable, Sendable {
  /// Outputs of a block: 1, 2 or 4.
  public var rows: Int
  /// [points]: positions from a block's offset to what its weights multiply.
  public var deltas: PlanNumbers<UInt32>
  /// [spans]: offsets count from here; a span is what of the input is read at a time.
  public var bases: PlanNumbers<UInt32>
  /// [spans · ⌈outputs/rows⌉ + 1]: where the blocks of each span and group of outputs begin.
  public var starts: PlanNumbers<UInt32>
  /// [blocks]: positions from the span's base to the block's first.
  public var offsets: PlanNumbers<UInt16>
  /// [blocks][points][rows].
  public var values: PlanNumbers<Float>
  /// Creates a layer's blocks.
  public init(
    rows: Int, deltas: PlanNumbers<UInt32>, bases: PlanNumbers<UInt32>, starts: PlanNumbers<UInt32>, offsets: PlanNumbers<UInt16>,
    values: PlanNumbers<Float>
  ) {
    (self.rows, self.deltas, self.bases, self.starts, self.offsets, self.values) = (rows, deltas, bases, starts, offsets, values)
  }

  /// The most points of a block.
  public static let mostPoints = 1 << 12

  /// Groups of `rows` outputs.
  func groups(_ outputs: Int) -> Int { (outputs + rows - 1) / rows }

  /// Bytes as they are stored, places included.
  var bytes: Int { 4 * (values.count + deltas.count + starts.count + bases.count) + 2 * offsets.count }

  /// Returns what is wrong with the blocks of a layer whose offsets may reach so far; nil if kernels can use them.
  func problem(outputs: Int, reach: Int, in storage: PlanStorage) -> String? {
    guard [1, 2, 4].contains(rows) else { return "has blocks of \(rows) outputs" }
    guard (1...Self.mostPoints).contains(deltas.count), storage.holds(deltas) else { return "lacks the shape of its blocks" }
    let (spans, groups) = (bases.count, groups(outputs))
    guard storage.holds(offsets), storage.holds(values), offsets.count <= Int(UInt32.max),
      values.count == offsets.count * rows * deltas.count
    else { return "lacks weights or their places" }
    guard (1...Plan.longest).contains(spans), starts.count == spans * groups + 1, let bases = storage.pointer(bases),
      let starts = storage.pointer(starts), let offsets = storage.pointer(offsets)
    else { return "lacks its blocks" }
    guard starts[0] == 0, Int(starts[spans * groups]) == self.offsets.count else { return "lacks some blocks" }
    for i in 0..<spans * groups { guard starts[i] <= starts[i + 1] else { return "has blocks out of order" } }
    let extent = storage.array(deltas).max().map { Int($0) } ?? 0
    for span in 0..<spans {
      var largest: UInt16 = 0
      for i in Int(starts[span * groups])..<Int(starts[(span + 1) * groups]) { largest = max(largest, offsets[i]) }
      guard Int(bases[span]) + Int(largest) + extent <= reach else { return "reads beyond its input" }
    }
    return nil
  }
}
