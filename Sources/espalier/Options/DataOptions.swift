internal import ArgumentParser
internal import Datasets
internal import Experiments

/// Options that choose the images; shared by the commands that use any.
struct DataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The data set; \"espalier data list\" shows all.", valueName: "name"), completion: .list(Dataset.all.map(\.name)))
  var dataset: String?

  @Option(help: ArgumentHelp("The folder that holds the data sets.", valueName: "folder"), completion: .directory)
  var dataDir: String?

  @Option(help: ArgumentHelp("Number of training images to use, balanced over the classes.", valueName: "images"))
  var subset: Int?

  @Option(
    help: ArgumentHelp(
      "Training images held out for validation, 0 for none; by default a tenth, or beside a --subset a quarter of its size.",
      valueName: "images"))
  var validation: Int?

  func validate() throws {
    if let subset, subset < 1 { throw ValidationError("--subset \(subset) is impossible: give at least 1 image") }
    if let validation, validation < 0 { throw ValidationError("--validation \(validation) is impossible: give 0 or more images") }
  }

  /// Returns the data plan that the options describe.
  ///
  /// - Parameter fallback: the data set to use if --dataset was not given, e.g. the one a model file was trained on.
  /// - Throws: `ValidationError` if there is neither.
  func plan(seed: UInt64, fallback: String? = nil) throws -> DataPlan {
    guard let name = dataset ?? fallback else {
      throw ValidationError("which data set? give --dataset, e.g. --dataset digits; \"espalier data list\" shows all")
    }
    return DataPlan(dataset: name, directory: dataDir, subset: subset, validation: validation, seed: seed)
  }
}
