internal import Datasets

/// The parts of the data that are evaluated again and again, assembled once: for one training, or for many on the same data.
public final class EvaluatedParts {
  /// A part in the forms that trainings take it in, each assembled when first taken.
  final class Part {
    /// Batches for libtorch.
    let batches: EvaluationBatches
    /// The same for the sparse kernels.
    let panels: EvaluationPanels

    init(_ set: ImageSet, _ data: TrainingData, channelsLast: Bool) throws {
      batches = try data.evaluationBatches(set, channelsLast: channelsLast)
      panels = EvaluationPanels(set)
    }
  }

  let validation: Part?
  let test: Part?

  /// The validation and test parts of these data.
  ///
  /// - Parameter channelsLast: the layout that the network's convolutions take.
  /// - Throws: `DatasetError` for an empty part.
  public init(of data: TrainingData, channelsLast: Bool) throws {
    validation = try data.validation.map { try Part($0, data, channelsLast: channelsLast) }
    test = try data.test.map { try Part($0, data, channelsLast: channelsLast) }
  }

  var sets: [ImageSet] { [validation, test].compactMap { $0?.batches.set } }
}
