/// Labelled images in memory, bytes of [channels, height, width] each.
///
/// A value that shares its pixels with the sets made from it: subsets and splits copy no image.
public struct ImageSet: Sendable {
  /// Which part of a data set this comes from.
  public enum Part: String, Sendable, Codable {
    case training, test
  }

  /// The data set's name, or what the maker called it.
  public let name: String
  /// nil for a set made from bytes.
  public let part: Part?
  /// The classes' names, in label order.
  public let classNames: [String]
  /// 1 for grey, 3 for red, green, blue.
  public let channels: Int
  /// Pixels.
  public let height: Int
  /// Pixels.
  public let width: Int
  /// The class of each example, 0 …< ``classes``.
  public let labels: [Int64]
  /// How many examples the files hold, of which this set may be a part.
  public let fileCount: Int
  /// How many examples were published; nil for a set made from bytes.
  public let publishedCount: Int?

  let storage: ByteStorage
  /// For each example, which image of the storage it is.
  let positions: [Int64]

  /// The number of examples.
  public var count: Int { labels.count }
  /// The number of classes.
  public var classes: Int { classNames.count }
  /// Channels, height and width.
  public var imageShape: [Int] { [channels, height, width] }
  /// Bytes of one image.
  public var imageSize: Int { channels * height * width }

  /// Whether the files hold fewer examples than were published, which every report of a result says.
  public var isPartial: Bool { publishedCount.map { fileCount < $0 } ?? false }

  /// In words, e.g. `cifar-10 test: the files hold 1000 of the 10000 published examples`; nil unless ``isPartial``.
  public var partialNote: String? {
    guard isPartial, let publishedCount else { return nil }
    let label = part.map { "\(name) \($0.rawValue)" } ?? name
    return "\(label): the files hold \(fileCount) of the \(publishedCount) published examples"
  }

  /// All images of a storage.
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

  /// A set of images given as bytes, [count, channels, height, width] in row-major order.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if the sizes don't agree, or a label lies outside the classes.
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

  /// The bytes of one example.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if there is no such example.
  public func image(at example: Int) throws -> [UInt8] {
    guard positions.indices.contains(example) else { throw outside(example) }
    let start = Int(positions[example]) * imageSize
    return storage.withBytes { Array($0[start..<(start + imageSize)]) }
  }

  /// These examples in this order; one may come several times.
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

  /// How many examples each class has.
  public var classCounts: [Int] {
    var counts = Array(repeating: 0, count: classes)
    for label in labels { counts[Int(label)] += 1 }
    return counts
  }

  /// The examples of each class, in order.
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
  /// The same examples as a whole part of their own.
  func labelled(as part: Part, _ description: DatasetDescription) -> ImageSet {
    ImageSet(
      storage: storage, positions: positions, labels: labels, name: name, part: part, classNames: classNames, channels: channels,
      height: height, width: width, fileCount: count,
      publishedCount: part == .training ? description.trainingCount : description.testCount)
  }
}
