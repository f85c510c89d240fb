/// A layer of a model as tables show it.
public struct LayerSummary: Codable, Hashable, Sendable {
  /// The layer's name in the network.
  public var name: String
  /// What it computes, e.g. `convolution`.
  public var operation: String
  /// Dimensions of the weight tensor; nil for layers without one.
  public var weightShape: [Int]?
  /// Dimensions of the layer's value for one example.
  public var outputShape: [Int]
  /// Learned numbers.
  public var parameters: Int
  /// Of the weight tensor's elements, those that are not exactly 0; nil where no values are known.
  public var nonZeroWeights: Int?
  /// Of the weight tensor's elements, those that the mask keeps; nil without a mask.
  public var keptWeights: Int?
  /// Multiplies of one example, zeros included.
  public var macs: Int
  /// Whether the weights count as prunable, which those of norms do not.
  public var isPrunable: Bool

  /// Elements of the weight tensor.
  public var weights: Int { weightShape.map { $0.reduce(1, *) } ?? 0 }
  /// Output neurons or channels of a prunable layer.
  public var units: Int? { isPrunable ? weightShape?.first : nil }
  /// Share of the weight tensor's elements that are not 0; nil where no values are known.
  public var density: Double? { weights == 0 ? nil : nonZeroWeights.map { Double($0) / Double(weights) } }
  /// Multiplies by weights that are not 0: every weight of a layer is used equally often.
  public var effectiveMACs: Int { nonZeroWeights.map { weights == 0 ? 0 : macs / weights * $0 } ?? macs }

  /// A layer of these numbers; see the properties.
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

/// A model layer by layer.
public struct ModelSummary: Codable, Hashable, Sendable {
  /// The network's name.
  public var network: String
  /// In the network's order.
  public var layers: [LayerSummary]
  /// Bytes of all tensors in memory.
  public var tensorBytes: Int
  /// Bytes of the file; nil for a network without one.
  public var fileBytes: Int?

  /// A summary of these layers.
  public init(network: String, layers: [LayerSummary], tensorBytes: Int, fileBytes: Int? = nil) {
    self.network = network
    self.layers = layers
    self.tensorBytes = tensorBytes
    self.fileBytes = fileBytes
  }

  /// Learned numbers in all.
  public var parameters: Int { layers.reduce(0) { $0 + $1.parameters } }
  /// Weights of linear and convolution layers.
  public var prunableWeights: Int { layers.reduce(0) { $0 + ($1.isPrunable ? $1.weights : 0) } }
  /// Of them, those that are not 0; nil where no values are known.
  public var nonZeroWeights: Int? {
    layers.filter(\.isPrunable).reduce(.some(0)) { sum, layer in
      guard let sum, let count = layer.nonZeroWeights else { return nil }
      return sum + count
    }
  }
  /// Output units of prunable layers, each layer's counted.
  public var units: Int { layers.reduce(0) { $0 + ($1.units ?? 0) } }
  /// Multiplies of one example.
  public var macs: Int { layers.reduce(0) { $0 + $1.macs } }
  /// Multiplies of one example by weights that are not 0.
  public var effectiveMACs: Int { layers.reduce(0) { $0 + $1.effectiveMACs } }

  /// The layers as an aligned table with totals below.
  ///
  /// Densities appear where values are known, and a column of masks where there are any.
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
  /// Dimensions as `64×3×3×3`; empty for none.
  public static func shape(_ dimensions: [Int]?) -> String { dimensions?.map(String.init).joined(separator: "×") ?? "" }

  /// A count, or nothing for 0.
  static func nonZero(_ value: Int) -> String { value == 0 ? "" : count(value) }
}
