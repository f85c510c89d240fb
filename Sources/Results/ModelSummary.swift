/// Shapes, counts and cost of one layer of a model, as shown in tables.
public struct LayerSummary: Codable, Hashable, Sendable {
  /// Name of the layer's node in the network.
  public var name: String
  /// Kind of operation, e.g. `convolution`.
  public var operation: String
  /// Dimensions of the weight tensor; nil for layers without one.
  public var weightShape: [Int]?
  /// Dimensions of the layer's output for one example.
  public var outputShape: [Int]
  /// Number of learned numbers.
  public var parameters: Int
  /// Number of weights that are not exactly 0; nil for a network without values.
  public var nonZeroWeights: Int?
  /// Number of weights that the mask keeps; nil without a mask.
  public var keptWeights: Int?
  /// Multiply–accumulates for one example, zeros included.
  public var macs: Int
  /// Whether the layer's weights count as prunable; those of norms do not.
  public var isPrunable: Bool

  /// Number of elements of the weight tensor.
  public var weights: Int { weightShape.map { $0.reduce(1, *) } ?? 0 }
  /// Output neurons or channels of a prunable layer; nil for other layers.
  public var units: Int? { isPrunable ? weightShape?.first : nil }
  /// Fraction of the weights that are not 0; nil for a network without values.
  public var density: Double? { weights == 0 ? nil : nonZeroWeights.map { Double($0) / Double(weights) } }
  /// Multiply–accumulates by non-zero weights: every weight of a layer is used equally often.
  public var effectiveMACs: Int { nonZeroWeights.map { weights == 0 ? 0 : macs / weights * $0 } ?? macs }

  /// Creates the summary of a layer; every parameter sets the property of the same name.
  public init(
    name: String, operation: String, weightShape: [Int]? = nil, outputShape: [Int], parameters: Int = 0, nonZeroWeights: Int? = nil,
    keptWeights: Int? = nil, macs: Int = 0, isPrunable: Bool = false
  ) {
    self.name = name
    self.operation = operation
    self.weightShape = weightShape
    self.outputShape = outputShape
    self.parameters = parameters
    self.nonZeroWeights = nonZeroWeights
    self.keptWeights = keptWeights
    self.macs = macs
    self.isPrunable = isPrunable
  }
}

/// A model, layer by layer.
public struct ModelSummary: Codable, Hashable, Sendable {
  /// Name of the network.
  public var network: String
  /// The layers in the network's order.
  public var layers: [LayerSummary]
  /// Bytes of all tensors in memory.
  public var tensorBytes: Int
  /// Size of the model file in bytes; nil for a network without one.
  public var fileBytes: Int?

  /// Creates a summary of the given layers.
  public init(network: String, layers: [LayerSummary], tensorBytes: Int, fileBytes: Int? = nil) {
    self.network = network
    self.layers = layers
    self.tensorBytes = tensorBytes
    self.fileBytes = fileBytes
  }

  /// Number of learned numbers in all layers.
  public var parameters: Int { layers.reduce(0) { $0 + $1.parameters } }
  /// Weights of linear layers and convolutions.
  public var prunableWeights: Int { layers.reduce(0) { $0 + ($1.isPrunable ? $1.weights : 0) } }
  /// Prunable weights that are not 0; nil for a network without values.
  public var nonZeroWeights: Int? {
    layers.filter(\.isPrunable).reduce(.some(0)) { sum, layer in
      guard let sum, let count = layer.nonZeroWeights else { return nil }
      return sum + count
    }
  }
  /// Output units of all prunable layers.
  public var units: Int { layers.reduce(0) { $0 + ($1.units ?? 0) } }
  /// Multiply–accumulates for one example, zeros included.
  public var macs: Int { layers.reduce(0) { $0 + $1.macs } }
  /// Multiply–accumulates for one example by non-zero weights.
  public var effectiveMACs: Int { layers.reduce(0) { $0 + $1.effectiveMACs } }

  /// The layers as an aligned table with totals below.
  ///
  /// Densities appear if the model has values, and a column of masks if it has any.
  public var text: String {
    let knowsValues = layers.contains { $0.nonZeroWeights != nil }
    let hasMasks = layers.contains { $0.keptWeights != nil }
    var header = ["layer", "operation", "weights", "output", "parameters"]
    if knowsValues { header += ["non-zero", "density"] }
    if hasMasks { header.append("kept by mask") }
    header.append("MACs")
    var table = TextTable(alignments: header.indices.map { $0 < 4 ? .left : .right }, header: header)
    for layer in layers {
      var cells = [layer.name, layer.operation, Format.shape(layer.weightShape), Format.shape(layer.outputShape)]
      cells.append(Format.nonZero(layer.parameters))
      if knowsValues { cells += [layer.nonZeroWeights.map(Format.count) ?? "", layer.density.map { Format.percent($0) } ?? ""] }
      if hasMasks { cells.append(layer.keptWeights.map(Format.count) ?? "") }
      cells.append(Format.nonZero(layer.macs))
      table.append(cells)
    }
    var totals = ["total", "", "\(Format.count(units)) outputs", "", Format.count(parameters)]
    if knowsValues {
      let density = nonZeroWeights.flatMap { prunableWeights == 0 ? nil : Double($0) / Double(prunableWeights) }
      totals += [nonZeroWeights.map(Format.count) ?? "", density.map { Format.percent($0) } ?? ""]
    }
    if hasMasks { totals.append("") }
    table.append(totals + [Format.count(macs)])
    return table.text
  }
}

extension Format {
  /// Returns dimensions as `64×3×3×3`; empty for nil.
  public static func shape(_ dimensions: [Int]?) -> String { dimensions?.map(String.init).joined(separator: "×") ?? "" }

  /// Returns a count, or an empty text for 0.
  static func nonZero(_ value: Int) -> String { value == 0 ? "" : count(value) }
}
