internal import CSparse

/// y = softmax(scale·q·kᵀ + bias)·v in each head, over all positions or those of each window.
///
/// The layers that make queries, keys and values are steps of their own; channels of one map may hold all three.
public struct PlanAttention: Sendable {
  /// Channels of a map that attention reads.
  public struct Operand: Hashable, Sendable {
    /// The map.
    public var map: Int
    /// The first channel; heads follow one after another.
    public var channel: Int
    /// Creates an operand from a map's first channel on.
    public init(map: Int, channel: Int = 0) { (self.map, self.channel) = (map, channel) }
  }
  /// Name of the node.
  public var name: String
  /// The channels of queries, keys and values.
  public var queries: Operand, keys: Operand, values: Operand
  /// The map that is written.
  public var y: Int
  /// Heads, and the channels of a query, key or value in each.
  public var heads: Int, keyWidth: Int, valueWidth: Int
  /// Whether queries and keys are divided by their lengths.
  public var isCosine: Bool
  /// [heads]: factors of the products.
  public var scales: PlanNumbers<Float>
  /// Windows of equal size, whose positions do not see those of others.
  public var windows: Int
  /// [windows][positions of a window], ascending within a window: pixels, counted row by row; nil for one window of all positions.
  public var places: PlanNumbers<UInt32>?
  /// [windows][positions of a window] and ``padding`` more: pairs of positions with different numbers get −100.
  public var parts: PlanNumbers<Int32>?
  /// [heads][keys][queries] and ``padding`` more: added to the scores of each window.
  public var bias: PlanNumbers<Float>?

  /// Numbers behind a table's end, so that 16 can be read from any place of it.
  public static let padding = 15

  /// Creates an attention step.
  public init(
    name: String, queries: Operand, keys: Operand, values: Operand, y: Int, heads: Int, keyWidth: Int, valueWidth: Int,
    isCosine: Bool = false, scales: PlanNumbers<Float>, windows: Int = 1, places: PlanNumbers<UInt32>? = nil,
    parts: PlanNumbers<Int32>? = nil, bias: PlanNumbers<Float>? = nil
  ) {
    (self.name, self.queries, self.keys, self.values, self.y) = (name, queries, keys, values, y)
    (self.heads, self.keyWidth, self.valueWidth, self.isCosine, self.scales) = (heads, keyWidth, valueWidth, isCosine, scales)
    (self.windows, self.places, self.parts, self.bias) = (windows, places, parts, bias)
  }
}

/// An image of phases: y[c][i][j] = x[i/rows][j/columns] of the channel for c and the phase (i mod rows, j mod columns), which is how a
/// transposed convolution's stride is undone.
public struct PlanInterleave: Sendable {
  /// Name of the node.
  public var name: String
  /// The map that is read, and the one that is written.
  public var x: Int, y: Int
  /// Phases of rows and of columns.
  public var rows: Int, columns: Int
  /// Groups of channels of y: in x a group's phases stand one after another, row by row, each with all channels of the group.
  public var groups: Int
  /// Creates a step that makes an image of phases.
  public init(name: String, x: Int, y: Int, rows: Int, columns: Int, groups: Int = 1) {
    (self.name, self.x, self.y, self.rows, self.columns, self.groups) = (name, x, y, rows, columns, groups)
  }
}

extension Plan {
  /// Positions of a window: of queries, and of keys.
  func span(of attention: PlanAttention) -> (queries: Int, keys: Int) {
    let (q, k) = (maps[attention.queries.map], maps[attention.keys.map])
    return (q.height * q.width / attention.windows, k.height * k.width / attention.windows)
  }

  /// Numbers that a member needs for queries and scores, and for keys and values of so many lanes.
  private func scratch(of attention: PlanAttention, lanes: Int) -> Int {
    let span = span(of: attention)
    return 16 * Int(CS_QUERY_VECTORS) * (attention.keyWidth + span.keys)
      + (attention.keyWidth + attention.valueWidth) * PlanMap.rounded(span.keys * lanes)
  }

  /// Numbers that are enough for each attention of the plan.
  func scratchSize(lanes: Int) -> Int {
    steps.reduce(0) { if case .attention(let step) = $1 { max($0, scratch(of: step, lanes: lanes)) } else { $0 } }
  }

  func check(_ attention: PlanAttention) throws(SparseRuntimeError) {
    let step = PlanStep.attention(attention)
    let (heads, windows) = (attention.heads, attention.windows)
    guard [heads, attention.keyWidth, attention.valueWidth, windows].allSatisfy({ (1...Self.longest).contains($0) }) else {
      throw step.malformed("has impossible heads or windows")
    }
    let (q, k, v, y) = (maps[attention.queries.map], maps[attention.keys.map], maps[attention.values.map], maps[attention.y])
    for (operand, width) in [
      (attention.queries, attention.keyWidth), (attention.keys, attention.keyWidth), (attention.values, attention.valueWidth),
    ] {
      let channels = maps[operand.map].channels
      guard (0..<channels).contains(operand.channel), heads * width <= channels - operand.channel else {
        throw step.malformed("reads channels that are not there")
      }
    }
    guard y.channels == heads * attention.valueWidth, (y.height, y.width) == (q.height, q.width),
      (k.height, k.width) == (v.height, v.width)
    else { throw step.malformed("does not fit its inputs and its output") }
    guard storage.holds(attention.scales), attention.scales.count == heads else { throw step.malformed("does not have \(heads) scales") }
    let pixels = q.height * q.width
    if let places = attention.places {
      guard (k.height, k.width) == (q.height, q.width), pixels.isMultiple(of: windows), places.count == pixels, storage.holds(places) else {
        throw step.malformed("has windows that do not fit")
      }
      try check(storage.array(places), size: pixels / windows, step)
    } else {
      guard windows == 1 else { throw step.malformed("has windows without places") }
    }
    if let parts = attention.parts {
      guard attention.places != nil, storage.holds(parts), parts.count == pixels + PlanAttention.padding else {
        throw step.malformed("does not have a part for each position")
      }
    }
    let span = span(of: attention)
    if let bias = attention.bias {
      let (pairs, tooMany) = (span.queries * heads).multipliedReportingOverflow(by: span.keys)
      guard !tooMany, storage.holds(bias), bias.count - PlanAttention.padding == pairs else {
        throw step.malformed("does not have a bias for each pair of positions")
      }
    }
    guard scratch(of: attention, lanes: 16) <= 16 * Self.mostPositions else { throw step.malformed("compares too many positions") }
  }

  /// Checks that windows hold each position once, each window's in their order.
  private func check(_ places: [UInt32], size: Int, _ step: PlanStep) throws(SparseRuntimeError) {
    var isTaken = Array(repeating: false, count: places.count)
    for (i, place) in places.enumerated() {
      guard place < places.count, !isTaken[Int(place)], i.isMultiple(of: size) || places[i - 1] < place else {
        throw step.malformed("has windows that overlap, or positions out of order")
      }
      isTaken[Int(place)] = true
    }
  }

  func check(_ interleave: PlanInterleave) throws(SparseRuntimeError) {
    let step = PlanStep.interleave(interleave)
    let (x, y) = (maps[interleave.x], maps[interleave.y])
    let (rows, columns) = (interleave.rows, interleave.columns)
    guard (1...Self.longest).contains(rows), (1...Self.longest).contains(columns), interleave.groups >= 1,
      y.channels.isMultiple(of: interleave.groups), x.channels.isMultiple(of: y.channels), x.channels / y.channels == rows * columns,
      (y.height - 1) / rows < x.height, (y.width - 1) / columns < x.width
    else { throw step.malformed("does not fit its input and its output") }
  }
}
