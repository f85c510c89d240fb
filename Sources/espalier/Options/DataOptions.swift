public import ArgumentParser
internal import Datasets
public import Experiments
public import Training

/// Options that choose the examples; shared by the commands that use any.
struct DataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The data set, or your own: folder:DIR, tensors:FILE.safetensors; \"espalier data list\" shows all.", valueName: "name"),
    completion: .list(Dataset.publishedNames))
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

  @Option(
    help: ArgumentHelp(
      "Of a folder: pixels of the network's input, e.g. 64, 48x64 or 1x28x28; by default what the network takes.", valueName: "size"))
  var imageSize: String?

  @Option(
    help: ArgumentHelp(
      "Of a folder: pixels of the shorter side before images are cut, at random in training; by default those of --image-size.",
      valueName: "pixels"))
  var resize: Int?

  @Option(
    help: ArgumentHelp(
      "Of a folder: order of the channels of colour, rgb or bgr (networks of Caffe); rgb by default.", valueName: "order"))
  var channelOrder: Preprocessing.ChannelOrder?

  @Option(
    help: ArgumentHelp(
      "Mean of the inputs, one number or one per channel, with --deviation; by default the model's, the data set's or the training images'.",
      valueName: "numbers"))
  var mean: String?

  @Option(help: ArgumentHelp("Deviation of the inputs, one number or one per channel.", valueName: "numbers"))
  var deviation: String?

  @Flag(help: "Of a folder: leave broken images or clips out, and count them, instead of stopping.")
  var skipBroken = false

  func validate() throws {
    if let subset, subset < 1 { throw ValidationError("--subset \(subset) is impossible: give at least 1 image") }
    if let validation, validation < 0 { throw ValidationError("--validation \(validation) is impossible: give 0 or more images") }
    _ = try preparation()
  }

  /// Returns the data plan that the options describe.
  ///
  /// - Parameter fallback: the data set to use if --dataset was not given, e.g. the one a model file was trained on.
  /// - Throws: `ValidationError` if there is neither.
  func plan(seed: UInt64, fallback: String? = nil) throws -> DataPlan {
    guard let name = dataset ?? fallback else {
      throw ValidationError("which data set? give --dataset, e.g. --dataset digits; \"espalier data list\" shows all")
    }
    return DataPlan(
      dataset: name, directory: dataDir, subset: subset, validation: validation, seed: seed, preparation: try preparation())
  }

  /// Returns the plan of a data set that the options describe but for its name.
  func plan(seed: UInt64, named name: String) throws -> DataPlan {
    var options = self
    options.dataset = name
    return try options.plan(seed: seed)
  }

  /// Returns how examples of one's own are prepared; nil if nothing was given.
  private func preparation() throws -> Preparation? {
    let found = Preparation(
      imageSize: try imageSize.map(Self.size), resize: resize, mean: try mean.map { try Self.numbers($0, "--mean") },
      deviation: try deviation.map { try Self.numbers($0, "--deviation") }, skipsBroken: skipBroken ? true : nil, channelOrder: channelOrder
    )
    guard (found.mean == nil) == (found.deviation == nil) else {
      throw ValidationError("--mean and --deviation go together: give both, or neither")
    }
    if let resize, resize < 1 { throw ValidationError("--resize \(resize) is impossible: give at least 1 pixel") }
    if let deviation = found.deviation, let wrong = deviation.first(where: { $0 <= 0 }) {
      throw ValidationError("--deviation \(wrong) is impossible: it must be above 0")
    }
    return found == Preparation() ? nil : found
  }

  /// Returns height and width, or channels, height and width, of an option's value.
  static func size(_ text: String) throws -> [Int] {
    let parts = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard (1...3).contains(parts.count), parts.allSatisfy({ (1...4096).contains($0) }), parts.count < 3 || [1, 3].contains(parts[0]) else {
      throw ValidationError("--image-size \(text) is impossible: give 1 to 4096 pixels, e.g. 64, 48x64 (height, width) or 1x28x28 (grey)")
    }
    return parts.count == 1 ? [parts[0], parts[0]] : parts
  }

  /// Returns the numbers of an option's value.
  static func numbers(_ text: String, _ option: String) throws -> [Float] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let number = Float(part), number.isFinite else {
        throw ValidationError("\(option) \(text) is impossible: give numbers, e.g. 0.5 or 0.485,0.456,0.406")
      }
      return number
    }
  }
}

extension Preprocessing.ChannelOrder: ExpressibleByArgument {}

extension ClassCount: ExpressibleByArgument {
  /// Parses a number or `auto`.
  public init?(argument: String) { self.init(argument) }

  static let help = ArgumentHelp(
    "Number of classes, or auto for that of the data; if the --weights have another, the last layer is initialised afresh.",
    valueName: "count")

  /// - Throws: `ValidationError` for an impossible number.
  func check() throws {
    if case .exactly(let count) = self, count < 1 { throw ValidationError("--classes \(count) is impossible: give at least 1") }
  }
}
