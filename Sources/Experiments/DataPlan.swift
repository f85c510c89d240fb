internal import Datasets
internal import Foundation
public import Training

/// Which data a run uses; together with the files it determines every batch.
public struct DataPlan: Codable, Hashable, Sendable {
  /// A name of the data sets' catalogue.
  public var dataset: String
  /// Where the files lie; nil for the default place. Not part of what is computed, and so not of recipes.
  public var directory: String?
  /// So many training examples, as equally many of each class as there are; nil for all.
  public var subset: Int?
  /// Examples held out of training for choices, 0 for none; nil for a tenth of the training part (a quarter of a subset, beside it).
  public var validation: Int?
  /// Determines the draws.
  public var seed: UInt64

  /// The files that are read; none where they are not there, or lie in the program.
  public var files: [String] { (try? Dataset.named(dataset)).map { Dataset.files(of: $0, in: directory) } ?? [] }

  /// A plan of these parts.
  public init(dataset: String, directory: String? = nil, subset: Int? = nil, validation: Int? = nil, seed: UInt64 = 0) {
    self.dataset = dataset
    self.directory = directory
    self.subset = subset
    self.validation = validation
    self.seed = seed
  }

  private enum CodingKeys: String, CodingKey { case dataset, subset, validation, seed }

  /// Examples held out beside a subset, where the plan does not say.
  private static func heldBeside(_ subset: Int) -> Int { max(subset / 4, 1) }

  /// How large a subset of so many images can be, in words.
  private func room(in count: Int) -> String {
    guard let validation else {
      var most = count - count / 5
      while most > 0, most + Self.heldBeside(most) > count { most -= 1 }
      return "and a quarter as many as are asked for are held out to choose by: 1…\(most) are possible, or more with --validation"
    }
    return "of which \(validation) are held out to choose by: 1…\(count - validation) are possible"
  }

  /// The images, divided.
  ///
  /// The validation part is drawn first, so that runs with different subsets choose by images that none of them trained on.
  /// - Parameter note: gets a line where a damaged file's intact neighbour is read.
  /// - Throws: `DatasetError` for missing or damaged files and impossible counts.
  public func load(note: (String) -> Void = { _ in }) throws -> TrainingData {
    let description = try Dataset.named(dataset)
    let (all, test) = try Dataset.load(name: dataset, dataDirectory: directory, note: note)
    var training = all
    var validationPart: ImageSet?
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
