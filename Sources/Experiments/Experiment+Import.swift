internal import Datasets
internal import Interchange
internal import Networks
internal import Pruning
internal import Training

extension Experiment {
  /// Returns the model of an ONNX file, with a fresh last layer if another number of classes was asked for.
  ///
  /// - Throws: `InterchangeError`, and `PlanError` if network and examples do not fit each other.
  func importedFile(
    _ path: String, for examples: ExampleSet?, note: (String) -> Void, check: (Network, _ elementSize: Int) throws -> Void
  ) throws -> ModelFile {
    let imported = try Self.imported(path, for: examples)
    try NetworkError.naming { try check(imported.network, 4) }
    for line in imported.notes { note("\(path): \(line)") }
    var model = try imported.model()
    guard let examples else { return ModelFile(model: model, origin: imported.origin) }
    if imported.preprocessing == nil, data?.preparation?.mean == nil {
      note("\(path): nothing says how its inputs were prepared: that of \(examples.name) is used")
    }
    let own = try model.network.classes
    var wanted = outputs ?? examples.classes
    if outputs == nil, case .exactly(let count)? = classes { wanted = count }
    // Each data set of a sequence has a last layer of its own.
    if sequence != nil || wanted == own { return ModelFile(model: model, origin: imported.origin) }
    guard classes != nil || outputs != nil else {
      throw PlanError(
        "\(path) holds a network for \(own) classes, \(examples.name) has \(examples.classes); "
          + "train and prune make a fresh last layer with --classes \(examples.classes)")
    }
    let seed = SeedPurpose.initialization.seed(from: training?.plan.seed ?? pruning?.seed ?? data?.seed ?? 0)
    model = try model.withHead(initialization.head(of: model.network, outputs: wanted, seed: seed))
    note("\(path): the last layer is fresh, for \(wanted) classes in place of \(own)")
    return ModelFile(model: model, origin: imported.origin)
  }

  /// Reads the graph of an ONNX file for examples, whose height and width it takes if it can.
  static func imported(_ path: String, for examples: ExampleSet?) throws -> ImportedNetwork {
    guard let examples else { return try ImportedNetwork(contentsOf: path) }
    let shape = examples.featureShape
    let fitting = Result { try ImportedNetwork(contentsOf: path, input: shape) }
    if let network = try? fitting.get(), try network.network.inputShape.elements == shape.elements { return network }
    // What a file says of itself tells more than what goes wrong in another size.
    let own = try ImportedNetwork(contentsOf: path)
    let takes = try own.network.inputShape
    guard takes == shape else {
      throw PlanError("\(path) holds a network for \(takes) inputs; \(examples.name) has \(shape) \(examples.things)")
    }
    return own
  }
}
