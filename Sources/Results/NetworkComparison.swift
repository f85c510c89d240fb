/// A comparison of two models, layer by layer.
public struct NetworkComparison: Codable, Hashable, Sendable {
  /// One layer of either model or of both.
  public struct Row: Codable, Hashable, Sendable {
    /// Name of the layer.
    public var name: String
    /// The layer in the first model; nil if it has no such layer.
    public var first: LayerSummary?
    /// The layer in the second model; nil if it has no such layer.
    public var second: LayerSummary?
  }
  /// Summary of the first model.
  public var first: ModelSummary
  /// Summary of the second model.
  public var second: ModelSummary
  /// Layers of either model, matched by name and operation, in order.
  public var rows: [Row]

  /// Compares two models, matching layers by name and operation.
  public init(_ first: ModelSummary, _ second: ModelSummary) {
    self.first = first
    self.second = second
    // A batch norm with the name of the other model's convolution is a different layer.
    func identity(_ layer: LayerSummary) -> [String] { [layer.name, layer.operation] }
    let known = Set(first.layers.map(identity))
    let second = second.layers
    let places = Dictionary(second.enumerated().map { (identity($1), $0) }, uniquingKeysWith: { first, _ in first })
    var rows: [Row] = []
    var next = 0
    func takeUnmatched(before place: Int) {
      while next < place {
        if !known.contains(identity(second[next])) { rows.append(Row(name: second[next].name, first: nil, second: second[next])) }
        next += 1
      }
    }
    for layer in first.layers {
      let place = places[identity(layer)]
      // Layers that only the second model has keep their place there.
      if let place { takeUnmatched(before: place) }
      rows.append(Row(name: layer.name, first: layer, second: place.map { second[$0] }))
    }
    takeUnmatched(before: second.count)
    self.rows = rows
  }

  /// Whether both models have the same layers with the same shapes and numbers of zeros.
  public var isSameShape: Bool { rows.allSatisfy { $0.first == $0.second } }

  /// An aligned table: `64 → 50` where the models differ, one number where they agree, `–` where one has no such layer.
  ///
  /// Layers without parameters are left out, and so are numbers of zeros if neither model has values.
  public var text: String {
    let knowsValues = first.nonZeroWeights != nil || second.nonZeroWeights != nil
    var header = ["layer", "outputs", "weights", "parameters"]
    if knowsValues { header.append("non-zero") }
    var table = TextTable(alignments: header.indices.map { $0 < 3 ? .left : .right } + [.right], header: header + ["MACs"])
    for row in rows where [row.first, row.second].contains(where: { ($0?.parameters ?? 0) > 0 }) {
      func cell(_ value: (LayerSummary) -> String?) -> String {
        let (before, after) = (row.first.flatMap(value) ?? "", row.second.flatMap(value) ?? "")
        return before.isEmpty && after.isEmpty ? "" : Self.arrow(before.isEmpty ? "–" : before, after.isEmpty ? "–" : after)
      }
      var cells = [
        row.name, cell { $0.units.map(Format.count) }, cell { Format.shape($0.weightShape) }, cell { Format.nonZero($0.parameters) },
      ]
      if knowsValues { cells.append(cell { $0.nonZeroWeights.map(Format.count) }) }
      table.append(cells + [cell { Format.nonZero($0.macs) }])
    }
    table.append([])
    func total(_ label: String, _ value: (ModelSummary) -> Int?, _ format: (Int) -> String = Format.count) -> [String] {
      let (a, b) = (value(first), value(second))
      guard a != nil || b != nil else { return [] }
      var words = Self.arrow(a.map(format) ?? "–", b.map(format) ?? "–")
      if let a, let b, format(a) != format(b) { words += "  (\(Format.ratio(a == 0 ? nil : Double(b) / Double(a))))" }
      return [label, words]
    }
    var totals = TextTable(alignments: [.left, .left])
    for row in [
      total("outputs") { $0.units }, total("parameters") { $0.parameters }, total("prunable weights") { $0.prunableWeights },
      total("non-zero weights") { $0.nonZeroWeights }, total("MACs") { $0.macs },
      total("MACs of non-zero weights") { knowsValues ? $0.effectiveMACs : nil },
      total("tensors", { $0.tensorBytes }, Format.bytes), total("file", { $0.fileBytes }, Format.bytes),
    ] where !row.isEmpty { totals.append(row) }
    return table.text + totals.text
  }

  /// Returns indented JSON with sorted keys.
  public func json() throws -> String { try Format.json(self) }

  private static func arrow(_ first: String, _ second: String) -> String { first == second ? first : "\(first) → \(second)" }
}

extension ModelSummary {
  /// Returns indented JSON with sorted keys.
  public func json() throws -> String { try Format.json(self) }
}
