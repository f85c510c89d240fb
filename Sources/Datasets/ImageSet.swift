/// Labelled images in memory, each a byte array of [channels, height, width].
///
/// A value that shares its pixels with the sets derived from it: subsets and splits copy no image.
public struct ImageSet: Sendable {
  /// A part of a data set.
  public enum Part: String, Sendable, Codable {
    /// The training or test part of the data set as published.
    case training, test
  }

  /// Name of the data set, or the name given to a set made from bytes.
  public let name: String
  /// The part of the data set that the examples belong to; nil for a set made from bytes.
  public let part: Part?
  /// Names of the classes, in label order.
  public let classNames: [String]
  /// Channels of an image: 1 for grey, 3 for red, green and blue.
  public let channels: Int
  /// Height of an image in pixels.
  public let height: Int
  /// Width of an image in pixels.
  public let width: Int
  /// The class of each example, in 0 ..< ``classes``.
  public let labels: [Int64]
  /// Number of examples in the files, of which this set may be a subset.
  public let fileCount: Int
  /// Published number of examples; nil for a set made from bytes.
  public let publishedCount: Int?

  let storage: ByteStorage
  /// Index in the storage of each example's image.
  let positions: [Int64]

  /// Number of examples.
  public var count: Int { labels.count }
  /// Number of classes.
  public var classes: Int { classNames.count }
  /// Channels, height and width of an image.
  public var imageShape: [Int] { [channels, height, width] }
  /// Bytes per image.
  public var imageSize: Int { channels * height * width }

  /// Whether the files hold fewer examples than were published, which every report of a result must say.
  public var isPartial: Bool { publishedCount.map { fileCount < $0 } ?? false }

  /// ``isPartial`` in words, e.g. `cifar-10 test: the files hold 1000 of the 10000 published examples`; nil if the files are complete.
  public var partialNote: String? {
    guard isPartial, let publishedCount else { return nil }
    let label = part.map { "\(name) \($0.rawValue)" } ?? name
    return "\(label): the files hold \(fileCount) of the \(publishedCount) published examples"
  }

  /// Creates a set of all images of a storage.
  init(storage: ByteStorage, labels: [Int64], description: DatasetDescription, part: Part) {
    self.init(
      storage: storage, positions: (0..<Int64(labels.count)).map { $0 }, labels: labels, name: description.name, part: part,
      classNames: description.classNames, channels: description.channels, height: description.height, width: description.width,
      fileCount: labels.count, publishedCount: part == .training ? description.trainingCount : description.testCount)
  }

  private init(
    storage: ByteStorage, positions: [Int64], labels: [Int64], name: String, part: Part?, classNames: [String], channels: Int,
    height: Int, width: Int, fileCount: Int, publishedCount: Int?
  ) {
    self.storage = storage
    self.positions = positions
    self.labels = labels
    self.name = name
    self.part = part
    self.classNames = classNames
    self.channels = channels
    self.height = height
    self.width = width
    self.fileCount = fileCount
    self.publishedCount = publishedCount
  }

  /// Creates a set from bytes, [count, channels, height, width] in row-major order.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if the sizes do not agree, or a label lies outside the classes.
  public init(
    bytes: [UInt8], labels: [Int64], channels: Int, height: Int, width: Int, classNames: [String], name: String = "images"
  ) throws {
    let size = [channels, height, width].reduce((1, false)) { product, side in
      let (next, overflow) = product.0.multipliedReportingOverflow(by: side)
      return (next, product.1 || overflow || side < 1)
    }
    guard !size.1 else { throw DatasetError.badRequest("images of \(channels)×\(height)×\(width) are impossible") }
    let (needed, overflow) = size.0.multipliedReportingOverflow(by: labels.count)
    guard !overflow, needed == bytes.count else {
      throw DatasetError.badRequest(
        "\(labels.count) images of \(channels)×\(height)×\(width) need \(overflow ? "too many" : String(needed)) bytes, not \(bytes.count)")
    }
    if let wrong = labels.firstIndex(where: { $0 < 0 || $0 >= classNames.count }) {
      throw DatasetError.badRequest("label \(labels[wrong]) at example \(wrong): \(name) has \(classNames.count) classes")
    }
    let storage = try ByteStorage(count: bytes.count, path: name) { _ = $0.update(fromContentsOf: bytes) }
    self.init(
      storage: storage, positions: (0..<Int64(labels.count)).map { $0 }, labels: labels, name: name, part: nil, classNames: classNames,
      channels: channels, height: height, width: width, fileCount: labels.count, publishedCount: nil)
  }

  /// Returns the bytes of one example, [channels, height, width].
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if there is no such example.
  public func image(at example: Int) throws -> [UInt8] {
    guard positions.indices.contains(example) else { throw outside(example) }
    let start = Int(positions[example]) * imageSize
    return storage.withBytes { Array($0[start..<(start + imageSize)]) }
  }

  /// Returns a set of the given examples in the given order; examples may be repeated.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if there is no such example.
  public func selecting(_ examples: some Sequence<Int>) throws -> ImageSet {
    var chosen: [Int64] = []
    var chosenLabels: [Int64] = []
    for example in examples {
      guard positions.indices.contains(example) else { throw outside(example) }
      chosen.append(positions[example])
      chosenLabels.append(labels[example])
    }
    return ImageSet(
      storage: storage, positions: chosen, labels: chosenLabels, name: name, part: part, classNames: classNames, channels: channels,
      height: height, width: width, fileCount: fileCount, publishedCount: publishedCount)
  }

  /// Number of examples of each class.
  public var classCounts: [Int] {
    var counts = Array(repeating: 0, count: classes)
    for label in labels { counts[Int(label)] += 1 }
    return counts
  }

  /// Returns the indices of the examples of each class, ascending.
  public func examplesByClass() -> [[Int]] {
    var examples: [[Int]] = Array(repeating: [], count: classes)
    for (example, label) in labels.enumerated() { examples[Int(label)].append(example) }
    return examples
  }

  private func outside(_ example: Int) -> DatasetError {
    .badRequest("example \(example) of \(name): there are \(count), from 0")
  }
}

extension ImageSet {
  /// Returns the same examples as a complete part of a data set.
  func labelled(as part: Part, _ description: DatasetDescription) -> ImageSet {
    ImageSet(
      storage: storage, positions: positions, labels: labels, name: name, part: part, classNames: classNames, channels: channels,
      height: height, width: width, fileCount: count,
      publishedCount: part == .training ? description.trainingCount : description.testCount)
  }
}
