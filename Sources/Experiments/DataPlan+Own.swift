internal import Datasets
internal import Interchange
internal import Networks
internal import Torch
public import Training

/// How examples become the network's input, as far as it was given; of data sets of the catalogue only mean and deviation can be.
public struct Preparation: Codable, Hashable, Sendable {
  /// Height and width of images, or channels, height and width; nil for what the network takes.
  public var imageSize: [Int]?
  /// Pixels of the shorter side to which images are resized before they are cut; nil for just that size.
  public var resize: Int?
  /// Mean per channel, or one for all; nil for that of the training examples, or of the model file.
  public var mean: [Float]?
  /// Deviation per channel, or one for all; nil as for the mean.
  public var deviation: [Float]?
  /// Whether broken images or clips are left out and counted; nil for no.
  public var skipsBroken: Bool?
  /// Order of the channels of colour images; nil for that of the model file, or red, green and blue.
  public var channelOrder: Preprocessing.ChannelOrder?

  /// Creates a preparation; every parameter sets the property of the same name.
  public init(
    imageSize: [Int]? = nil, resize: Int? = nil, mean: [Float]? = nil, deviation: [Float]? = nil, skipsBroken: Bool? = nil,
    channelOrder: Preprocessing.ChannelOrder? = nil
  ) {
    self.imageSize = imageSize
    self.resize = resize
    self.mean = mean
    self.deviation = deviation
    self.skipsBroken = skipsBroken
    self.channelOrder = channelOrder
  }
}

extension DataPlan {
  /// Loads examples of one's own; what the plan leaves open, the model file says, or the network, or the training examples.
  func load(
    _ own: OwnData.Named, _ known: KnownInputs, onlyTest: Bool, takesUnlabelled: Bool, note: (String) -> Void
  ) throws -> TrainingData {
    let order = preparation?.channelOrder ?? known.preprocessing?.channelOrder
    let parts = try withoutActuallyEscaping(note) { note in
      var request = OwnData.Request()
      request.note = note
      request.onlyTest = onlyTest
      request.skipsBroken = preparation?.skipsBroken ?? false
      request.classNames = known.classes.isEmpty ? nil : known.classes
      request.outputs = known.outputs
      request.takesUnlabelled = takesUnlabelled
      request.takesSequences = known.takesSequences
      if own.kind.hasImageFiles {
        let size = preparation?.imageSize
        request.shape = size.map { $0.count == 2 ? [known.shape?.first ?? 3] + $0 : $0 } ?? known.shape
        request.reversesChannels = order == .bgr
        request.resize = preparation?.resize ?? (size == nil ? known.preprocessing?.resize : nil)
      } else if preparation?.imageSize != nil || preparation?.resize != nil || preparation?.channelOrder != nil {
        throw DatasetError.badRequest("--image-size, --resize and --channel-order go with image files, folder:DIR: \(dataset) holds none")
      }
      if preparation?.skipsBroken != nil, !own.kind.hasFiles {
        let kinds = OwnData.all.filter(\.hasFiles).map(\.pattern).joined(separator: ", ")
        throw DatasetError.badRequest("--skip-broken goes with files of images or clips, \(kinds): \(dataset) is one file")
      }
      return try own.load(request)
    }
    guard let all = parts.training ?? parts.test else {
      throw DatasetError.badRequest("\(dataset) has no examples to evaluate")
    }
    let normalization = try given(for: all) ?? known.normalization(of: all)
    guard parts.training != nil else {
      guard let normalization else {
        throw DatasetError.badRequest(
          "nothing says how \(dataset) is normalised for these weights: give --mean and --deviation, or a model file")
      }
      var data = TrainingData(
        training: all, validation: nil, test: all, normalization: normalization, resize: parts.resize, notes: parts.notes)
      data.channelOrder = order == .bgr ? order : nil
      return data
    }
    if parts.validation != nil, validation != nil {
      throw DatasetError.badRequest("--validation does not go with \(dataset), whose folder val is its validation part")
    }
    var (training, held) = (all, parts.validation)
    if !all.isLabelled, held == nil {
      // A held-out part would judge by what nobody knows.
      if let validation, validation > 0 {
        throw DatasetError.badRequest("--validation \(validation) needs labels to judge by, and \(dataset) has none")
      }
      training = try drawn(from: all)
    } else if held == nil {
      (training, held) = try divided(all, dataset)
    } else {
      training = try drawn(from: all)
    }
    var data = TrainingData(
      training: training, validation: held, test: parts.test,
      normalization: try normalization ?? measured(all, without: held, isPartOfAll: parts.validation == nil),
      augmentation: parts.augmentation,
      resize: parts.resize, notes: parts.notes)
    data.channelOrder = order == .bgr ? order : nil
    return data
  }

  /// Returns mean and deviation of the training part, whatever subset of it is drawn.
  private func measured(_ all: ExampleSet, without held: ExampleSet?, isPartOfAll: Bool) throws -> Normalization {
    guard isPartOfAll, held != nil else { return try all.meanAndDeviation() }
    var whole = self
    whole.subset = nil
    // The same validation images, also where their number follows the subset's.
    whole.validation = held?.count
    return try whole.divided(all, dataset).training.meanAndDeviation()
  }

  /// Returns the normalisation that a model keeps for the classes of a data set of the catalogue; nil where it is for other examples.
  func kept(by start: Experiment.Start?, for set: ExampleSet) throws -> Normalization? {
    // A network's name says nothing of them.
    guard let start, !start.isNamed else { return nil }
    let known = try start.inputs()
    guard known.classes == set.classNames else { return nil }
    return known.normalization(of: set)
  }

  /// Returns the mean and deviation that were given.
  func given(for set: ExampleSet) throws -> Normalization? {
    guard let mean = preparation?.mean, let deviation = preparation?.deviation else { return nil }
    func spread(_ values: [Float], _ option: String) throws -> [Float] {
      guard values.count == 1 || values.count == set.channels else {
        throw DatasetError.badRequest(
          "\(option) has \(values.count) numbers: \(dataset) has "
            + (set.channels == 1 ? "one channel, so give one" : "\(set.channels) channels, so give 1 or that many"))
      }
      return values.count == 1 ? Array(repeating: values[0], count: set.channels) : values
    }
    return Normalization(mean: try spread(mean, "--mean"), deviation: try spread(deviation, "--deviation"))
  }
}

/// What the origin of a model says of its inputs and classes.
struct KnownInputs {
  /// The preprocessing in a model file; nil if there is no file, or it says nothing.
  var preprocessing: Preprocessing?
  /// Names of the network's classes; empty if they are unknown.
  var classes: [String] = []
  /// Number of the network's outputs; nil if it is not known.
  var outputs: Int?
  /// Channels, height and width of the images that the network takes; nil if it takes vectors, or any shape.
  var shape: [Int]?
  /// Whether the network takes sequences, which are images of one row to it.
  var takesSequences = false

  /// Returns the normalisation of the model file, if it is one for such examples.
  func normalization(of set: ExampleSet) -> Normalization? {
    guard let preprocessing, preprocessing.elementType ?? .uint8 == set.elementType else { return nil }
    let (mean, deviation) = (Set(preprocessing.mean), Set(preprocessing.deviation))
    // Grey images given to networks for colour have one number for all channels.
    if set.channels == 1, mean.count == 1, deviation.count == 1 { return Normalization(mean: Array(mean), deviation: Array(deviation)) }
    guard preprocessing.mean.count == set.channels else { return nil }
    return Normalization(mean: preprocessing.mean, deviation: preprocessing.deviation)
  }
}

extension Experiment.Start {
  /// Returns what a model file or a network's name says of its inputs.
  ///
  /// - Throws: errors of reading the file; `NetworkError` for an unknown name.
  func inputs() throws -> KnownInputs {
    switch self {
    case .file(let path):
      let (preprocessing, classes) = try ModelFile.preprocessing(of: path)
      let shape = preprocessing.flatMap { $0.inputShape.count == 3 ? $0.inputShape : nil }
      let network = try ModelFile.network(of: path)
      // Names say how many there are.
      let outputs = classes.isEmpty ? try network.classes : nil
      return KnownInputs(
        preprocessing: preprocessing, classes: classes, outputs: outputs, shape: shape,
        takesSequences: (try? network.inputShape.isSequence) ?? false)
    case .imported(let path):
      // Where the file leaves height and width open, what has a shape of its own is not asked.
      let imported = try? ImportedNetwork(contentsOf: path)
      let native = imported?.network.inputShapes.first?.dimensions
      return KnownInputs(
        preprocessing: imported?.preprocessing, classes: imported?.classes ?? [], outputs: try imported?.network.classes,
        shape: native.flatMap { $0.count == 3 ? $0 : nil },
        takesSequences: (try? imported?.network.inputShape.isSequence ?? ImportedNetwork.takesSequences(path)) ?? false)
    case .network(let name, _):
      let network = try Architecture.parse(name)
      let native = try network.inputShape.dimensions
      return KnownInputs(outputs: try network.classes, shape: native.count == 3 ? native : nil)
    }
  }
}
