/// Two models side by side, layer by layer.
public struct NetworkComparison: Codable, Hashable, Sendable {
  /// One layer in both models.
  public struct Row: Codable, Hashable, Sendable {
    /// The layer's name.
    public var name: String
    /// In the first model; nil where it has none of this name.
    public var first: LayerSummary?
    /// In the second model; nil where it has none of this name.
    public var second: LayerSummary?
  }
  /// The first model.
  public var first: ModelSummary
  /// The second model.
  public var second: ModelSummary
  /// Layers of either, matched by name, in order.
  public var rows: [Row]

  /// The comparison of these models.
  public init(_ first: ModelSummary, _ second: ModelSummary) {
    self.first = first
    self.second = second
    let known = Set(first.layers.map(\.name))
    let second = second.layers
    let places = Dictionary(second.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    var rows: [Row] = []
    var next = 0
    func takeUnmatched(before place: Int) {
      while next < place {
        if !known.contains(second[next].name) { rows.append(Row(name: second[next].name, first: nil, second: second[next])) }
        next += 1
      }
    }
    for layer in first.layers {
      let place = places[layer.name]
      // Layers that only the second has stand where they stand there.
      if let place { takeUnmatched(before: place) }
      rows.append(Row(name: layer.name, first: layer, second: place.map { second[$0] }))
    }
    takeUnmatched(before: second.count)
    self.rows = rows
  }

  /// Whether both models have the same layers of the same shapes and zeros.
  public var isSameShape: Bool { rows.allSatisfy { $0.first == $0.second } }

  /// An aligned table: `64 → 50` where the models differ, one number where they agree, `–` where one has no such layer.
  ///
  /// Layers without parameters appear only where one model has none of the name.
  public var text: String {
    var table = TextTable(
      alignments: [.left, .left, .left, .right, .right, .right], header: ["layer", "units", "weights", "parameters", "non-zero", "MACs"])
    for row in rows where row.first == nil || row.second == nil || (row.first ?? row.second)?.parameters != 0 {
      func cell(_ value: (LayerSummary) -> String?) -> String {
        Self.arrow(row.first.map { value($0) ?? "" } ?? "–", row.second.map { value($0) ?? "" } ?? "–")
      }
      table.append([
        row.name, cell { $0.units.map(Format.count) }, cell { Format.shape($0.weightShape) }, cell { Format.nonZero($0.parameters) },
        cell { $0.nonZeroWeights.map(Format.count) }, cell { Format.nonZero($0.macs) },
      ])
    }
    table.append([])
    func total(_ label: String, _ value: (ModelSummary) -> Int?, _ format: (Int) -> String = Format.count) -> [String] {
      let (a, b) = (value(first), value(second))
      guard a != nil || b != nil else { return [] }
      var words = Self.arrow(a.map(format) ?? "–", b.map(format) ?? "–")
      if let a, let b, a != b { words += "  (\(Format.ratio(a == 0 ? nil : Double(b) / Double(a))))" }
      return [label, words]
    }
    var totals = TextTable(alignments: [.left, .left])
    for row in [
      total("units") { $0.units }, total("parameters") { $0.parameters }, total("prunable weights") { $0.prunableWeights },
      total("non-zero weights") { $0.nonZeroWeights }, total("MACs") { $0.macs }, total("MACs of non-zero weights") { $0.effectiveMACs },
      total("tensors", { $0.tensorBytes }, Format.bytes), total("file", { $0.fileBytes }, Format.bytes),
    ] where !row.isEmpty { totals.append(row) }
    return table.text + totals.text
  }

  /// Indented JSON with sorted keys.
  public func json() throws -> String { try prettyJSON(self) }

  private static func arrow(_ first: String, _ second: String) -> String { first == second ? first : "\(first) → \(second)" }
}

extension ModelSummary {
  /// Indented JSON with sorted keys.
  public func json() throws -> String { try prettyJSON(self) }
}
