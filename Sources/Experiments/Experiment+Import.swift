public import Datasets
public import Interchange
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
    if examples != nil { try Self.checkClassifier(model.network, path) }
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

  /// Checks that what a network makes of an example is a number for each class.
  static func checkClassifier(_ network: Network, _ path: String) throws {
    let output = try network.outputShape
    guard output.positions == 1 else {
      throw PlanError("\(path) makes \(output) of an example, and data sets are for networks that make one number for each class")
    }
  }

  /// Reads the graph of an ONNX file for examples, whose height and width it takes if it can.
  static func imported(_ path: String, for examples: ExampleSet?) throws -> ImportedNetwork {
    guard let examples else { return try ImportedNetwork(contentsOf: path) }
    return try imported(path, for: examples.featureShape) {
      PlanError("\(path) holds a network for \($0); \(examples.name) has \(examples.featureShape) \(examples.things)")
    }
  }

  /// Reads the graph of an ONNX file for the images of a data set of the catalogue, whose height and width it takes if it can.
  ///
  /// - Parameter note: called with a line if the data set has another number of classes than the network.
  /// - Throws: `InterchangeError`, and `PlanError` if the network does not take such images.
  public static func imported(
    _ path: String, for dataset: DatasetDescription, note: (String) -> Void = { _ in }
  ) throws -> ImportedNetwork {
    let shape = dataset.featureShape
    let imported = try imported(path, for: shape) { takes in
      let others = Dataset.all.filter { "\($0.featureShape) inputs" == takes }.map(\.name).joined(separator: ", ")
      return PlanError(
        "\(path) holds a network for \(takes); \(dataset.name) has \(shape) images: leave --dataset out"
          + (others.isEmpty ? "" : ", or give one of \(others)"))
    }
    let classes = try imported.network.classes
    if classes != dataset.classes {
      note(
        "\(path) holds a network for \(classes) classes, \(dataset.name) has \(dataset.classes); "
          + "train and prune make a fresh last layer with --classes \(dataset.classes)")
    }
    return imported
  }

  /// - Parameter misfit: returns the error for a file that takes other inputs, in words such as `3×32×32 inputs`.
  private static func imported(
    _ path: String, for shape: FeatureShape, misfit: (_ takes: String) -> PlanError
  ) throws -> ImportedNetwork {
    let fitting = Result { try ImportedNetwork(contentsOf: path, input: shape) }
    if let network = try? fitting.get(), let takes = try? network.network.inputShape,
      takes == shape || takes == .vector(shape.elements)
    {
      return network
    }
    if try ImportedNetwork.hasOpenSizes(path) {
      // The file alone does not tell whether it takes no such examples, or nothing at all.
      let others = [shape.channels, 1, 3].map { FeatureShape.image(channels: $0, height: 224, width: 224) }
      guard let other = others.first(where: { (try? ImportedNetwork(contentsOf: path, input: $0)) != nil }) else {
        return try fitting.get()
      }
      throw misfit("images of other sizes, e.g. \(other)")
    }
    // What a file says of itself tells more than what goes wrong in another size.
    let own = try ImportedNetwork(contentsOf: path)
    let takes = try own.network.inputShape
    guard takes == shape else { throw misfit("\(takes) inputs") }
    return own
  }
}
