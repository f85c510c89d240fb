/// The number of weights kept in one layer.
public struct LayerSurvivors: Codable, Hashable, Sendable {
  /// Name of the layer.
  public var layer: String
  /// Number of weights kept.
  public var kept: Int
  /// Number of weights before the first removal.
  public var total: Int

  /// Density of the layer, kept/total; 1 for a layer without weights.
  public var density: Double { total == 0 ? 1 : Double(kept) / Double(total) }

  /// Creates the counts of one layer.
  public init(layer: String, kept: Int, of total: Int) {
    self.layer = layer
    self.kept = kept
    self.total = total
  }

  private enum CodingKeys: String, CodingKey { case layer, kept, total }
  private enum DerivedKeys: String, CodingKey { case density }

  /// Encodes the counts and the density.
  public func encode(to encoder: any Encoder) throws {
    var stored = encoder.container(keyedBy: CodingKeys.self)
    try stored.encode(layer, forKey: .layer)
    try stored.encode(kept, forKey: .kept)
    try stored.encode(total, forKey: .total)
    var derived = encoder.container(keyedBy: DerivedKeys.self)
    try derived.encode(density, forKey: .density)
  }
}

/// The removal that first left layers through which no signal flows from input to output.
public struct LayerCollapse: Codable, Hashable, Sendable {
  /// Names of the collapsed layers, in the network's order.
  public var layers: [String]
  /// Number of the removal, from 1.
  public var removal: Int
  /// Weights (or ``things``) left after it.
  public var kept: Int
  /// Prunable weights (or ``things``) before the first removal.
  public var total: Int
  /// The word for what is counted if it is not weights: `units`.
  public var things: String?

  /// Compression ratio, total/kept; infinite if nothing is left.
  public var compression: Double { kept == 0 ? .infinity : Double(total) / Double(kept) }

  /// Creates a collapse; every parameter sets the property of the same name.
  public init(layers: [String], removal: Int, kept: Int, of total: Int, things: String? = nil) {
    self.things = things
    self.layers = layers
    self.removal = removal
    self.kept = kept
    self.total = total
  }

  private enum CodingKeys: String, CodingKey { case layers, removal, kept, total, things }
  private enum DerivedKeys: String, CodingKey { case compression }

  /// Encodes the counts and the compression ratio.
  public func encode(to encoder: any Encoder) throws {
    var stored = encoder.container(keyedBy: CodingKeys.self)
    try stored.encode(layers, forKey: .layers)
    try stored.encode(removal, forKey: .removal)
    try stored.encode(kept, forKey: .kept)
    try stored.encode(total, forKey: .total)
    try stored.encodeIfPresent(things, forKey: .things)
    var derived = encoder.container(keyedBy: DerivedKeys.self)
    try derived.encode(compression, forKey: .compression)
  }

  /// A line such as `nothing flows through conv8 since removal 55, at compression 316.2 (842 of 266,200 weights left)`.
  public var words: String {
    "nothing flows through \(layers.joined(separator: ", ")) since removal \(removal), at compression "
      + (kept == 0 ? "∞" : Format.fixed(compression, 1)) + " (\(Format.count(kept)) of \(Format.count(total)) \(things ?? "weights") left)"
  }
}

extension [LayerSurvivors] {
  /// A table with the columns layer, kept, of and density, and a total.
  public var text: String {
    var table = TextTable(alignments: [.left, .right, .right, .right], header: ["layer", "kept", "of", "density"])
    func row(_ name: String, _ survivors: LayerSurvivors) {
      table.append([
        name, Format.count(survivors.kept), Format.count(survivors.total), Format.percent(survivors.density, digits: 3),
      ])
    }
    for survivors in self { row(survivors.layer, survivors) }
    row("total", LayerSurvivors(layer: "", kept: reduce(0) { $0 + $1.kept }, of: reduce(0) { $0 + $1.total }))
    return table.text
  }
}
