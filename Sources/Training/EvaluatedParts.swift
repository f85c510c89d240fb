internal import Datasets
public import Networks

/// The parts of the data that are evaluated again and again, assembled once: for one training, or for many on the same data.
public final class EvaluatedParts {
  /// A part in the forms that trainings take it in, each assembled when first taken.
  final class Part {
    /// Batches for libtorch.
    let batches: EvaluationBatches
    /// The same for the sparse kernels.
    let panels: EvaluationPanels

    init(_ set: ImageSet, _ data: TrainingData, _ network: Network) throws {
      batches = try data.evaluationBatches(set, for: network)
      panels = EvaluationPanels(set)
    }
  }

  let validation: Part?
  let test: Part?

  /// The validation and test parts of these data.
  ///
  /// - Parameter network: what evaluates them, or a larger form of it: the size of a batch and its layout follow from it.
  /// - Throws: `DatasetError` for an empty part.
  public init(of data: TrainingData, for network: Network) throws {
    validation = try data.validation.map { try Part($0, data, network) }
    test = try data.test.map { try Part($0, data, network) }
  }

  var sets: [ImageSet] { [validation, test].compactMap { $0?.batches.set } }
}
