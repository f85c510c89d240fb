public import Torch

/// Examples of one shape, mostly with labels: feature vectors [n] or images [channels, height, width], of bytes or of float32.
///
/// They are resident in memory, or read as they are needed (``ExampleReader``). A value that shares its elements with the sets derived
/// from it: subsets and splits copy no example.
public struct ExampleSet: Sendable {
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
  /// The dimensions of an example: [features], or [channels, height, width] of an image.
  public let shape: [Int]
  /// The class of each example, in 0 ..< ``classes``; 0 for all of a set without labels.
  public let labels: [Int64]
  /// Number of examples in the files, of which this set may be a subset.
  public let fileCount: Int
  /// Published number of examples; nil for a set made from bytes.
  public let publishedCount: Int?

  let storage: ExampleStorage
  /// The dimensions of an example as it is stored; of larger ones, batches get a part of the size of ``shape``.
  let storedShape: [Int]
  /// Whether ``adapted(to:)`` made the shape, not the choice of a part of images that are stored larger.
  private var isAdapted = false
  /// Whether it is known what the examples show; of others ``labels`` mean nothing, and ``classNames`` are the network's.
  public private(set) var isLabelled = true
  /// Index in the storage of each example's elements.
  let positions: [Int64]

  /// Number of examples.
  public var count: Int { labels.count }
  /// Number of classes.
  public var classes: Int { classNames.count }
  /// Type of an element: `uint8` or `float32`.
  public var elementType: ElementType { storage.elementType }
  /// Whether all examples are in memory as they go into a batch, but for the normalisation.
  public var isResident: Bool { if case .read = storage { false } else { storedShape == shape } }
  /// Channels of an image: 1 for grey, 3 for red, green and blue; the number of features of a vector.
  ///
  /// It is what has a mean and a deviation of its own.
  public var channels: Int { shape.first ?? 1 }
  /// Height of an image in pixels; 1 for a vector.
  public var height: Int { shape.count == 3 ? shape[1] : 1 }
  /// Width of an image in pixels; 1 for a vector.
  public var width: Int { shape.count == 3 ? shape[2] : 1 }
  /// Number of elements of an example.
  public var exampleSize: Int { channels * height * width }
  /// Number of elements of an example as it is stored.
  var storedSize: Int { storedShape.reduce(1, *) }

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
      storage: .bytes(storage), labels: labels, shape: [description.channels, description.height, description.width],
      classNames: description.classNames, name: description.name, part: part,
      publishedCount: part == .training ? description.trainingCount : description.testCount)
  }

  /// Creates a set of all examples of a storage, whose labels have been checked.
  init(
    storage: ExampleStorage, labels: [Int64], shape: [Int], storedShape: [Int]? = nil, classNames: [String], name: String,
    part: Part? = nil, publishedCount: Int? = nil
  ) {
    self.init(
      storage: storage, positions: (0..<Int64(labels.count)).map { $0 }, labels: labels, name: name, part: part, classNames: classNames,
      shape: shape, storedShape: storedShape ?? shape, fileCount: labels.count, publishedCount: publishedCount)
  }

  private init(
    storage: ExampleStorage, positions: [Int64], labels: [Int64], name: String, part: Part?, classNames: [String], shape: [Int],
    storedShape: [Int], fileCount: Int, publishedCount: Int?
  ) {
    self.storage = storage
    self.positions = positions
    self.labels = labels
    self.name = name
    self.part = part
    self.classNames = classNames
    self.shape = shape
    self.storedShape = storedShape
    self.fileCount = fileCount
    self.publishedCount = publishedCount
  }

  /// Creates a set of images from bytes, [count, channels, height, width] in row-major order.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if the sizes do not agree, or a label lies outside the classes.
  public init(
    bytes: [UInt8], labels: [Int64], channels: Int, height: Int, width: Int, classNames: [String], name: String = "images"
  ) throws {
    try Self.check(bytes.count, "bytes", of: [channels, height, width], labels, classNames, name, plural: "images")
    let storage = try ByteStorage(count: bytes.count, path: name) { _ = $0.update(fromContentsOf: bytes) }
    self.init(storage: .bytes(storage), labels: labels, shape: [channels, height, width], classNames: classNames, name: name)
  }

  /// Creates a set from float32 values, [count] + shape in row-major order.
  ///
  /// - Parameter shape: [features], or [channels, height, width].
  /// - Throws: ``DatasetError/badRequest(_:)`` if the sizes do not agree, a label lies outside the classes, or a value is not finite.
  public init(values: [Float], labels: [Int64], shape: [Int], classNames: [String], name: String = "features") throws {
    guard shape.count == 1 || shape.count == 3 else {
      throw DatasetError.badRequest("examples of \(shape.count) dimensions: possible are [features] and [channels, height, width]")
    }
    try Self.check(values.count, "values", of: shape, labels, classNames, name, plural: "examples")
    if let wrong = values.firstIndex(where: { !$0.isFinite }) {
      let (example, place) = wrong.quotientAndRemainder(dividingBy: values.count / labels.count)
      throw DatasetError.badRequest("value \(place) of example \(example) is \(values[wrong])")
    }
    let storage = try ByteStorage(count: values.count * 4, path: name) { buffer in
      values.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
    }
    self.init(storage: .floats(storage), labels: labels, shape: shape, classNames: classNames, name: name)
  }

  private static func check(
    _ count: Int, _ elements: String, of shape: [Int], _ labels: [Int64], _ classNames: [String], _ name: String, plural: String
  ) throws {
    let words = shape.map(String.init).joined(separator: "×")
    guard let size = product(shape), size > 0 else { throw DatasetError.badRequest("\(plural) of \(words) are impossible") }
    let needed = product([size, labels.count])
    guard needed == count else {
      throw DatasetError.badRequest(
        "\(labels.count) \(plural) of \(words) need \(needed.map(String.init) ?? "too many") \(elements), not \(count)")
    }
    if let wrong = labels.firstIndex(where: { $0 < 0 || $0 >= classNames.count }) {
      throw DatasetError.badRequest("label \(labels[wrong]) at example \(wrong): \(name) has \(classNames.count) classes")
    }
  }

  /// Returns the bytes of one image, [channels, height, width]; of one read from a file, those of its middle.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if there is no such example, or the set is not of bytes; errors of reading it.
  public func image(at example: Int) throws -> [UInt8] {
    guard elementType == .uint8 else { throw DatasetError.badRequest("\(name) has \(elementType.rawValue) elements, not bytes") }
    guard isResident, case .bytes(let storage) = storage, positions.indices.contains(example) else {
      return try features(at: example).map { UInt8($0) }
    }
    let start = Int(positions[example]) * exampleSize
    return storage.withBytes { Array($0[start..<(start + exampleSize)]) }
  }

  /// Returns the elements of one example as they are stored, without normalisation; of one read from a file, those of its middle.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if there is no such example; errors of reading it.
  public func features(at example: Int) throws -> [Float] {
    guard positions.indices.contains(example) else { throw outside(example) }
    var plain = Normalization.none(channels: channels)
    if elementType == .uint8 { plain.deviation = plain.deviation.map { _ in 1 / 255 } }
    var values = [Float](repeating: 0, count: exampleSize)
    let assembly = try assembly(plain, channelsLast: false)
    try values.withUnsafeMutableBufferPointer { try storage.assemble(assembly, [positions[example]], nil, into: $0) }
    return elementType == .uint8 ? values.map { $0.rounded() } : values
  }

  /// Returns a set of the given examples in the given order; examples may be repeated.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` if there is no such example.
  public func selecting(_ examples: some Sequence<Int>) throws -> ExampleSet {
    var chosen: [Int64] = []
    var chosenLabels: [Int64] = []
    for example in examples {
      guard positions.indices.contains(example) else { throw outside(example) }
      chosen.append(positions[example])
      chosenLabels.append(labels[example])
    }
    var set = ExampleSet(
      storage: storage, positions: chosen, labels: chosenLabels, name: name, part: part, classNames: classNames, shape: shape,
      storedShape: storedShape, fileCount: fileCount, publishedCount: publishedCount)
    (set.isAdapted, set.isLabelled) = (isAdapted, isLabelled)
    return set
  }

  /// Returns the same examples without their labels, which become 0.
  public func withoutLabels() -> ExampleSet {
    var set = ExampleSet(
      storage: storage, positions: positions, labels: Array(repeating: 0, count: count), name: name, part: part, classNames: classNames,
      shape: shape, storedShape: storedShape, fileCount: fileCount, publishedCount: publishedCount)
    (set.isAdapted, set.isLabelled) = (isAdapted, false)
    return set
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

extension ExampleSet {
  /// Returns the same images in another shape, without copying them: a single channel is repeated, what is smaller gets a black border, and
  /// of what is larger the middle remains. A mean and a deviation of the single channel hold for each of them
  /// (``Normalization/repeated(_:)``).
  ///
  /// - Parameter shape: [channels, height, width], or [features].
  /// - Throws: ``DatasetError/badRequest(_:)`` for vectors of another length, and for colour images with another number of channels.
  public func adapted(to shape: [Int]) throws -> ExampleSet {
    if shape == self.shape { return self }
    func words(_ shape: [Int]) -> String { shape.map(String.init).joined(separator: "×") }
    guard self.shape.count == 3, shape.count == 3, shape.allSatisfy({ $0 > 0 }), let size = product(shape), size <= 1 << 30 else {
      throw DatasetError.badRequest("\(name) has examples of \(words(self.shape)), which cannot become \(words(shape))")
    }
    guard storedShape[0] == 1 || storedShape[0] == shape[0] else {
      throw DatasetError.badRequest("\(name) has images of \(channels) channels, which cannot become \(shape[0])")
    }
    var set = ExampleSet(
      storage: storage, positions: positions, labels: labels, name: name, part: part, classNames: classNames, shape: shape,
      storedShape: storedShape, fileCount: fileCount, publishedCount: publishedCount)
    (set.isAdapted, set.isLabelled) = (true, isLabelled)
    return set
  }

  /// What ``adapted(to:)`` has done, e.g. `grey repeated to 3 channels, black border, from 28×28 to 32×32`; nil if nothing.
  public var adaptation: String? {
    guard isAdapted, shape.count == 3, storedShape.count == 3 else { return nil }
    var words: [String] = []
    if storedShape[0] != shape[0] { words.append("grey repeated to \(shape[0]) channels") }
    let sides = zip(storedShape.dropFirst(), shape.dropFirst())
    if sides.contains(where: { $0 != $1 }) {
      words += (sides.contains { $0 < $1 } ? ["black border"] : []) + (sides.contains { $0 > $1 } ? ["cut to the middle"] : [])
      words.append("from \(storedHeight)×\(storedWidth) to \(height)×\(width)")
    }
    return words.isEmpty ? nil : words.joined(separator: ", ")
  }

  /// Returns the same examples as a complete part of a data set.
  func labelled(as part: Part, _ description: DatasetDescription) -> ExampleSet {
    ExampleSet(
      storage: storage, positions: positions, labels: labels, name: name, part: part, classNames: classNames, shape: shape,
      storedShape: storedShape, fileCount: count, publishedCount: part == .training ? description.trainingCount : description.testCount)
  }
}

/// The product of sizes; nil if one is negative or it exceeds 64 bits.
func product(_ sizes: [Int]) -> Int? {
  sizes.reduce(1) { product, size in
    product.flatMap { product in
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      return overflow || size < 0 ? nil : next
    }
  }
}
