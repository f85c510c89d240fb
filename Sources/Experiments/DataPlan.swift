internal import Datasets
internal import Foundation
public import Training

/// The data set, subset and validation part of a run; together with the data files it determines every batch.
public struct DataPlan: Codable, Hashable, Sendable {
  /// Name of a data set in the catalogue, e.g. `mnist`, or one's own, e.g. `folder:photos` (`OwnData`).
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
  /// How examples become the network's input; nil for what network and data say.
  public var preparation: Preparation?

  /// Paths of the data files that exist; empty for data sets that are embedded in the program, and for folders.
  public var files: [String] {
    if let own = try? OwnData.named(dataset, in: directory) { return own.kind.hasImageFiles ? [] : [own.path] }
    return (try? Dataset.named(dataset)).map { Dataset.files(of: $0, in: directory) } ?? []
  }

  /// Published number of training examples; nil for data of one's own.
  ///
  /// - Throws: `DatasetError` for an unknown name.
  public var publishedTrainingCount: Int? {
    get throws {
      try OwnData.named(dataset, in: directory) == nil ? Dataset.named(dataset, among: Dataset.possibleNames).trainingCount : nil
    }
  }

  /// Creates a plan; every parameter sets the property of the same name.
  public init(
    dataset: String, directory: String? = nil, subset: Int? = nil, validation: Int? = nil, seed: UInt64 = 0,
    preparation: Preparation? = nil
  ) {
    self.dataset = dataset
    self.directory = directory
    self.subset = subset
    self.validation = validation
    self.seed = seed
    self.preparation = preparation
  }

  private enum CodingKeys: String, CodingKey { case dataset, subset, validation, seed, preparation }

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

  /// Loads the examples and divides them into training, validation and test parts.
  ///
  /// The validation part is drawn first, so that runs with different subsets share validation images that none of them trained on.
  /// - Parameters:
  ///   - start: the origin of the model, which says what examples of one's own are to become.
  ///   - isShared: whether the model is for other data sets as well, so that a model file does not say the classes and the normalisation of
  ///     this one.
  ///   - onlyTest: whether only test examples are wanted; examples of one's own are then no others.
  ///   - takesUnlabelled: whether training examples of one's own may be without labels.
  ///   - note: called with a line when an intact copy is read instead of a damaged file, and with what was left out.
  /// - Throws: `DatasetError` for missing or damaged files and impossible counts.
  public func load(
    for start: Experiment.Start? = nil, isShared: Bool = false, onlyTest: Bool = false, takesUnlabelled: Bool = false,
    note: (String) -> Void = { _ in }
  ) throws -> TrainingData {
    if let own = try OwnData.named(dataset, in: directory) {
      var known = try start?.inputs() ?? KnownInputs()
      if isShared { known = KnownInputs(shape: known.shape, takesSequences: known.takesSequences) }
      return try load(own, known, onlyTest: onlyTest, takesUnlabelled: takesUnlabelled, note: note)
    }
    if let preparation, preparation != Preparation(mean: preparation.mean, deviation: preparation.deviation) {
      let kinds = OwnData.all.map(\.pattern).joined(separator: ", ")
      throw DatasetError.badRequest(
        "--image-size, --resize, --channel-order and --skip-broken go with data of your own, \(kinds): \(dataset) has its own")
    }
    let description = try Dataset.named(dataset, among: Dataset.possibleNames)
    let (all, test) = try Dataset.load(name: dataset, dataDirectory: directory, note: note)
    let normalization = try given(for: all) ?? (isShared ? nil : kept(by: start, for: all)) ?? description.normalization
    let (training, validation) = try divided(all, description.name)
    return TrainingData(
      training: training, validation: validation, test: test, normalization: normalization,
      augmentation: description.augmentation.isNone ? nil : description.augmentation)
  }

  /// Splits off the validation part, and draws the subset.
  func divided(_ all: ExampleSet, _ name: String) throws -> (training: ExampleSet, validation: ExampleSet?) {
    var training = all
    var validationPart: ExampleSet?
    let held = validation ?? min(subset.map(Self.heldBeside) ?? all.count / 10, all.count / 2)
    if let subset, held <= all.count, subset > all.count - held {
      throw DatasetError.badRequest(
        "--subset \(subset) is impossible: \(name) has \(all.count) training images, \(room(in: all.count))")
    }
    if held > 0 {
      let parts = try all.split(validation: held, seed: SeedPurpose.split.seed(from: seed))
      training = parts.training
      validationPart = parts.validation
    }
    return (try drawn(from: training), validationPart)
  }

  /// Draws the subset, if there is one.
  func drawn(from training: ExampleSet) throws -> ExampleSet {
    try subset.map { try training.subset($0, seed: SeedPurpose.subset.seed(from: seed)) } ?? training
  }
}
