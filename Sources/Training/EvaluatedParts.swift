internal import Datasets
public import Networks

/// The validation and test parts, assembled once for repeated evaluation in one training or in several on the same data.
public final class EvaluatedParts {
  /// A part in the forms that trainings need, each assembled when first used.
  final class Part {
    /// Batches for libtorch.
    let batches: EvaluationBatches
    /// Panels for kernels of our own.
    let panels: EvaluationPanels

    init(_ set: ExampleSet, _ data: TrainingData, _ network: Network) throws {
      batches = try data.evaluationBatches(set, for: network)
      panels = EvaluationPanels(set)
    }
  }

  let validation: Part?
  let test: Part?

  /// Prepares the validation and test parts of the given data.
  ///
  /// - Parameter network: the network that will be evaluated, or a larger form of it; it determines the batch size and memory layout.
  /// - Throws: `DatasetError` for an empty part.
  public init(of data: TrainingData, for network: Network) throws {
    validation = try data.validation.map { try Part($0, data, network) }
    test = try data.test.map { try Part($0, data, network) }
  }

  var sets: [ExampleSet] { [validation, test].compactMap { $0?.batches.set } }
}
