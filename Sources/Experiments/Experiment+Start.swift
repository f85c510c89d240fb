public import Datasets
internal import Foundation
public import Networks
internal import Pruning
public import Torch
public import Training

extension Experiment {
  /// Returns the model that a run begins with and the history of its earlier removals.
  ///
  /// - Parameters:
  ///   - reader: what reads a file of weights.
  ///   - shaped: what error messages call the images where their shape is the matter; their name unless given.
  ///   - check: throws if the network needs too much memory; called before any tensor is allocated, except those of a model file.
  /// - Throws: `PlanError` or `ModelFileError` if network and images do not fit each other.
  func startingFile(
    for images: ExampleSet?, reader: WeightsReader = .safetensors, shaped: String? = nil, note: (String) -> Void = { _ in },
    check: (Network, _ elementSize: Int) throws -> Void = { _, _ in }
  ) throws -> ModelFile {
    if start.takesClasses, let images, case .exactly(let count)? = classes, count != images.classes {
      throw PlanError("--classes \(count) contradicts \(images.name), which has \(images.classes) classes")
    }
    switch start {
    case .imported(let path): return try importedFile(path, for: images, note: note, check: check)
    case .network(let name, let weights):
      let network = try network(name, for: images, shaped: shaped)
      try NetworkError.naming { try check(network, 4) }
      let seed = SeedPurpose.initialization.seed(from: training?.plan.seed ?? pruning?.seed ?? data?.seed ?? 0)
      guard let weights else { return ModelFile(model: try Model(network, initialization: initialization, seed: seed)) }
      let head = try Self.head(of: network, name, for: images)
      do {
        let fresh =
          try classes == nil && outputs == nil ? [:] : initialization.tensors(for: network, seed: seed).filter { head.contains($0.key) }
        let (model, report) = try Model.load(
          weights: weights.path, into: network, head: fresh, matching: weights.matching, reader: reader)
        for line in report.notes(path: weights.path) { note(line) }
        return ModelFile(model: model)
      } catch ModelFileError.weights(let path, _, let missing, let unexpected, let misshaped, _)
        where missing.isEmpty && unexpected.isEmpty && misshaped.allSatisfy({ words in head.contains { words.hasPrefix("\($0) ") } })
      {
        throw ModelFileError.head(path: path, network: network.name, misshaped: misshaped, classes: try network.classes)
      }
    case .file(let path):
      let file = try ModelFile(contentsOf: path)
      try check(file.model.network, file.model.tensors.values.first?.elementType == .float64 ? 8 : 4)
      guard let images else { return file }
      let network = file.model.network
      try Self.checkClassifier(network, path)
      let (takes, classes) = (try network.inputShape, try network.classes)
      // Each data set of a sequence has a last layer of its own.
      if sequence != nil, takes.elements == images.exampleSize { return file }
      guard takes.elements == images.exampleSize, classes == outputs ?? images.classes else {
        throw PlanError(
          "\(path) holds a network for \(takes) inputs and \(classes) classes; "
            + "\(images.name) has \(images.featureShape) \(images.things) and \(images.classes) classes")
      }
      return file
    }
  }

  /// Checks that there is the network that a run begins with, and that it takes the examples, without drawing a weight.
  ///
  /// A model file is not read.
  /// - Throws: `NetworkError` or `PlanError`, as ``Runner`` would.
  public func checkNetwork(for examples: ExampleSet?) throws {
    switch start {
    case .network(let name, _): _ = try network(name, for: examples, shaped: nil)
    case .imported(let path): _ = try Self.imported(path, for: examples)
    case .file: break
    }
  }

  private func network(_ name: String, for images: ExampleSet?, shaped: String?) throws -> Network {
    let classes = outputs.map(ClassCount.exactly) ?? classes
    guard let images else {
      guard case .exactly(let count)? = classes else {
        if classes != nil { throw PlanError("--classes auto takes the number of classes from the data: give --dataset") }
        return try Architecture.parse(name)
      }
      return try Architecture.parse(name, classes: count, dataset: "--classes \(count)")
    }
    var count = images.classes
    if case .exactly(let outputs)? = classes { count = outputs }
    return try Architecture.parse(
      name, input: images.featureShape, classes: count, dataset: shaped ?? images.name,
      labels: outputs == nil ? images.name : "a task (--ways)")
  }

  /// Names of the tensors whose shapes depend on the number of classes.
  private static func head(of network: Network, _ name: String, for images: ExampleSet?) throws -> Set<ParameterName> {
    let classes = try network.classes
    // A network whose name fixes the number of classes has no other form.
    guard
      let other = try? Architecture.parse(
        name, input: images.map(\.featureShape), classes: classes == 1 ? 2 : classes - 1)
    else { return [] }
    let others = Dictionary(try other.parameterShapes().map { ($0.name, $0.dimensions) }, uniquingKeysWith: { first, _ in first })
    return Set(try network.parameterShapes().filter { others[$0.name] != $0.dimensions }.map(\.name))
  }

  /// Returns the name of the data set that the recipe of a model file names; nil if there is none.
  ///
  /// - Throws: errors of reading the file.
  public static func dataset(of path: String) throws -> String? {
    guard let recipe = try ModelFile.recipe(of: path) else { return nil }
    // Not the whole recipe: a later version may know methods that this one does not.
    struct Part: Decodable { var data: DataPlan? }
    return (try? JSONDecoder().decode(Part.self, from: Data(recipe.utf8)))?.data?.dataset
  }

  /// Whether the recipe of a model file names a sequence of data sets, this one among them.
  private static func isOfSequence(_ path: String, with dataset: String) throws -> Bool {
    guard let recipe = try ModelFile.recipe(of: path) else { return false }
    struct Part: Decodable {
      struct Sequence: Decodable { var datasets: [DataPlan] }
      var sequence: Sequence?
    }
    let part = try? JSONDecoder().decode(Part.self, from: Data(recipe.utf8))
    return part?.sequence?.datasets.contains { $0.dataset == dataset } ?? false
  }

  /// Evaluates a given model on the test images of a data set; one forward pass over them.
  ///
  /// - Parameter reader: what reads a file of weights.
  /// - Throws: `PlanError` if there are no test images or they do not fit the network, and errors of reading data and model.
  public static func evaluate(
    _ start: Start, on plan: DataPlan, device: Device = .cpu, memory: MemoryLimit = .standard, reader: WeightsReader = .safetensors,
    note: (String) -> Void = { _ in }
  ) throws -> (network: String, dataset: String, evaluation: Evaluation) {
    let isShared = if case .file(let path) = start { try isOfSequence(path, with: plan.dataset) } else { false }
    // Nothing but the file says how data of one's own are normalised; data sets of the catalogue, which share the model, have their own.
    let isOwn = try OwnData.named(plan.dataset, in: plan.directory) != nil
    var data = try plan.load(for: start, isShared: isShared && !isOwn, onlyTest: true, note: note)
    // A model of several data sets was trained on this one in their common shape.
    if isShared, let shape = try start.inputs().preprocessing?.inputShape, shape != data.training.shape {
      data = try data.adapted(to: shape)
      if let words = data.training.adaptation { note("\(plan.dataset): \(words)") }
    }
    let experiment = Experiment(start: start, data: plan, training: nil)
    let file = try experiment.startingFile(for: data.training, reader: reader, note: note) { network, size in
      let batch = try min(network.evaluationBatchSize(), data.evaluatedCount)
      try network.check([.evaluation(batch: batch)], within: memory, elementSize: size)
    }
    let model = try file.model.moved(to: device)
    guard let test = data.test else { throw PlanError("\(plan.dataset) has no test images") }
    return (model.network.name, plan.dataset, try model.evaluate(test, data))
  }
}

extension DatasetDescription {
  /// The shape of an image as networks know it.
  var featureShape: FeatureShape { .image(channels: channels, height: height, width: width) }
}

extension ExampleSet {
  /// The shape of an example as networks know it.
  var featureShape: FeatureShape {
    shape.count == 3 ? .image(channels: channels, height: height, width: width) : .vector(exampleSize)
  }

  /// What its examples are called.
  var things: String { featureShape.isSequence ? "sequences" : shape.count == 3 ? "images" : "vectors" }
}
