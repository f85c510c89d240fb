internal import Datasets
internal import Foundation
public import Training

/// The data set, subset and validation part of a run; together with the data files it determines every batch.
public struct DataPlan: Codable, Hashable, Sendable {
  /// Name of a data set in the catalogue, e.g. `mnist`.
  public var dataset: String
  /// Folder of the data files; nil for the default folder. It does not affect results, and so is not part of recipes.
  public var directory: String?
  /// Number of training examples, drawn in equal numbers from each class; nil for all.
  public var subset: Int?
  /// Number of training examples held out for validation, 0 for none; nil for a tenth of the training part, or with a subset for a quarter
  /// of the subset's size in addition to it.
  public var validation: Int?
  /// Determines the drawing of the validation part and the subset.
  public var seed: UInt64

  /// Paths of the data files that exist; empty for data sets that are embedded in the program.
  public var files: [String] { (try? Dataset.named(dataset)).map { Dataset.files(of: $0, in: directory) } ?? [] }

  /// Creates a plan; every parameter sets the property of the same name.
  public init(dataset: String, directory: String? = nil, subset: Int? = nil, validation: Int? = nil, seed: UInt64 = 0) {
    self.dataset = dataset
    self.directory = directory
    self.subset = subset
    self.validation = validation
    self.seed = seed
  }

  private enum CodingKeys: String, CodingKey { case dataset, subset, validation, seed }

  /// Number of examples held out in addition to a subset if the plan gives none.
  private static func heldBeside(_ subset: Int) -> Int { max(subset / 4, 1) }

  /// The largest possible subset of `count` images, in words.
  private func room(in count: Int) -> String {
    guard let validation else {
      var most = count - count / 5
      while most > 0, most + Self.heldBeside(most) > count { most -= 1 }
      return "and a quarter of the subset's size is held out beside it for validation: give 1 to \(most), or set --validation"
    }
    return "of which \(validation) are held out for validation: give 1 to \(count - validation)"
  }

  /// Loads the images and divides them into training, validation and test parts.
  ///
  /// The validation part is drawn first, so that runs with different subsets share validation images that none of them trained on.
  /// - Parameter note: called with a line when an intact copy is read instead of a damaged file.
  /// - Throws: `DatasetError` for missing or damaged files and impossible counts.
  public func load(note: (String) -> Void = { _ in }) throws -> TrainingData {
    let description = try Dataset.named(dataset)
    let (all, test) = try Dataset.load(name: dataset, dataDirectory: directory, note: note)
    var training = all
    var validationPart: ExampleSet?
    let held = validation ?? min(subset.map(Self.heldBeside) ?? all.count / 10, all.count / 2)
    if let subset, held <= all.count, subset > all.count - held {
      throw DatasetError.badRequest(
        "--subset \(subset) is impossible: \(description.name) has \(all.count) training images, \(room(in: all.count))")
    }
    if held > 0 {
      let parts = try all.split(validation: held, seed: SeedPurpose.split.seed(from: seed))
      training = parts.training
      validationPart = parts.validation
    }
    if let subset { training = try training.subset(subset, seed: SeedPurpose.subset.seed(from: seed)) }
    return TrainingData(
      training: training, validation: validationPart, test: test, normalization: description.normalization,
      augmentation: description.augmentation.isNone ? nil : description.augmentation)
  }
}
