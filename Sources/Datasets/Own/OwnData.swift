internal import Foundation

/// A kind of data set of one's own, named by where its files are instead of in the catalogue: `folder:DIR`, `tensors:FILE`.
///
/// Adding a kind is one file with a static member, its test, and its place in ``all``.
///
/// ```swift
/// let parts = try OwnData.named("tensors:features.safetensors")?.load(OwnData.Request())
/// ```
public struct OwnData: Sendable {
  /// What comes before the colon of a name, e.g. `tensors`.
  public let prefix: String
  /// What comes after it, e.g. `FILE.safetensors`.
  public let place: String
  /// One line for lists and help texts.
  public let summary: String
  /// The files that its examples are, one each; nil if all are in one file.
  let files: FileKind?
  let load: @Sendable (_ path: String, Request) throws -> Parts

  /// All kinds, in the order of lists and help texts.
  public static let all: [OwnData] = [.folder, .tensors, .logMel, .mfcc]

  /// Whether each example is a file of its own, of which broken ones can be left out.
  public var hasFiles: Bool { files != nil }

  /// Whether its examples are images that are cut to what the network takes.
  public var hasImageFiles: Bool { files == .images }

  /// How its names are spelled, e.g. `tensors:FILE.safetensors`.
  public var pattern: String { "\(prefix):\(place)" }

  /// A data set of some kind at some path.
  public struct Named: Sendable {
    /// The kind.
    public let kind: OwnData
    /// The path of its file or folder.
    public let path: String

    /// Reads the data set.
    ///
    /// - Throws: ``DatasetError``, `FileError` and `TensorArchiveError` for what is missing, damaged or contradictory.
    public func load(_ request: Request) throws -> Parts { try kind.load(path, request) }
  }

  /// Returns the data set that a name such as `folder:photos` or `tiny-imagenet` means; nil for names of the catalogue.
  ///
  /// - Parameter directory: the folder that published folders are in; nil for ``Dataset/defaultDirectory(environment:)``.
  /// - Throws: ``DatasetError/badRequest(_:)`` if nothing follows the colon; ``DatasetError/missingFiles(dataset:directory:files:isIncomplete:)``.
  public static func named(_ name: String, in directory: String? = nil) throws -> Named? {
    if let published = PublishedFolder.all.first(where: { $0.name == name }) {
      if let path = published.path(in: directory) { return Named(kind: published.kind, path: path) }
      throw DatasetError.missingFiles(
        dataset: name, directory: directory ?? Dataset.defaultDirectory(), files: published.folders, isIncomplete: false)
    }
    guard let kind = all.first(where: { name.hasPrefix($0.prefix + ":") }) else { return nil }
    let path = String(name.dropFirst(kind.prefix.count + 1))
    guard !path.isEmpty else { throw DatasetError.badRequest("\(name) names nothing: give \(kind.pattern)") }
    return Named(kind: kind, path: path.hasPrefix("~/") ? NSHomeDirectory() + path.dropFirst() : path)
  }

  /// What is wanted of a data set.
  public struct Request {
    /// Channels, height and width of the images that the network takes; nil if they are not known.
    public var shape: [Int]?
    /// Whether the network takes sequences, [channels, 1, length], so that examples of two dimensions are channels by length.
    public var takesSequences = false
    /// Pixels of the shorter side to which files' images are resized before a part of ``shape`` is taken; nil for just that size.
    public var resize: Int?
    /// Whether the channels of colour images are to be blue, green and red, as networks of Caffe and OpenCV take them.
    public var reversesChannels = false
    /// Names of the classes in the order of the network's outputs; nil to number those that are found.
    public var classNames: [String]?
    /// Number of the network's outputs, where it has no names for them; nil if it is not known.
    public var outputs: Int?
    /// Whether training examples without labels are welcome.
    public var takesUnlabelled = false
    /// Whether broken examples are left out, and counted, instead of refused.
    public var skipsBroken = false
    /// Whether only test examples are wanted: all that there are, if no part is set aside for testing.
    public var onlyTest = false
    /// Bytes of examples that are kept in memory; of more, some are read again and again.
    public var memoryLimit = CachedExamples.memoryLimit
    /// Called with lines for the user.
    public var note: (String) -> Void = { _ in }

    /// Names for `count` classes that have none of their own: the network's, or numbers.
    func names(for count: Int) -> [String] { classNames ?? (0..<max(outputs ?? 1, count, 1)).map(String.init) }

    /// Creates a request for whatever is there.
    public init() {}
  }

  /// The parts of a data set, as far as they are there and were asked for.
  public struct Parts: Sendable {
    /// Examples to learn from, and to hold validation examples out of; nil if only test examples were wanted.
    public var training: ExampleSet?
    /// Examples that the data set itself sets aside for choices; nil if it has none.
    public var validation: ExampleSet?
    /// Examples that results are reported on; nil if it has none.
    public var test: ExampleSet?
    /// Pixels of the shorter side to which images were resized, if that is more than the network takes.
    public var resize: Int?
    /// The augmentation that suits the examples; nil for none.
    public var augmentation: Augmentation?
    /// What a report of results must say, e.g. how many images were left out.
    public var notes: [String] = []

    init(
      training: ExampleSet?, validation: ExampleSet? = nil, test: ExampleSet?, resize: Int? = nil, augmentation: Augmentation? = nil,
      notes: [String] = []
    ) {
      self.training = training
      self.validation = validation
      self.test = test
      self.resize = resize
      self.augmentation = augmentation
      self.notes = notes
    }
  }
}
