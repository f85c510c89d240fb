/// The data sets in IDX files: MNIST and those with its layout, of which EMNIST stores its images transposed and numbers the classes of
/// its `letters` from 1.
enum EMNIST {
  /// Loads one part of a data set.
  ///
  /// - Throws: ``DatasetError/badFile(path:problem:)`` for a damaged file, sizes that do not match, or a label outside the classes.
  static func load(
    images imagesPath: String, labels labelsPath: String, transposed: Bool, firstLabel: Int, description: DatasetDescription,
    part: ExampleSet.Part
  ) throws -> ExampleSet {
    let images = try IDX(path: imagesPath, rank: 3)
    let labelFile = try IDX(path: labelsPath, rank: 1)
    let count = images.dimensions[0]
    try checkSize(of: images, description)
    try Dataset.checkCount(of: images, part == .training ? description.trainingCount : description.testCount)
    guard labelFile.dimensions[0] == count else {
      throw DatasetError.badFile(path: labelsPath, problem: "\(labelFile.dimensions[0]) labels for the \(count) images of \(imagesPath)")
    }
    guard count > 0 else { throw DatasetError.badFile(path: imagesPath, problem: "holds no images") }
    let labels = try labels(of: labelFile, firstLabel: firstLabel, description)
    let stored = try images.elements()
    let pixels = transposed ? try upright(stored, count: count, side: images.dimensions[1], path: imagesPath) : stored
    return ExampleSet(storage: pixels, labels: labels, description: description, part: part)
  }

  /// - Throws: ``DatasetError/badFile(path:problem:)`` if the images' size is not the data set's.
  static func checkSize(of images: IDX, _ description: DatasetDescription) throws {
    let (height, width) = (images.dimensions[1], images.dimensions[2])
    guard height == description.height, width == description.width else {
      throw DatasetError.badFile(
        path: images.path,
        problem: "images of \(height)×\(width) pixels: \(description.name) has \(description.height)×\(description.width)")
    }
  }

  /// Reads the labels, renumbered from 0.
  ///
  /// - Throws: ``DatasetError/badFile(path:problem:)`` for a label outside the classes.
  static func labels(of file: IDX, firstLabel: Int, _ description: DatasetDescription) throws -> [Int64] {
    try file.elements().withBytes { bytes in
      try bytes.enumerated().map { example, label in
        guard Int(label) >= firstLabel, Int(label) < firstLabel + description.classes else {
          throw badLabel(file.path, Int(label), example, description.name, firstLabel, description.classes)
        }
        return Int64(label) - Int64(firstLabel)
      }
    }
  }

  /// Returns the transposed images, out[y][x] = in[x][y]; images are square.
  static func upright(_ stored: ByteStorage, count: Int, side: Int, path: String) throws -> ByteStorage {
    try ByteStorage(count: stored.count, path: path) { out in
      stored.withBytes { bytes in
        for example in 0..<count {
          let start = example * side * side
          for y in 0..<side {
            for x in 0..<side { out[start + y * side + x] = bytes[start + x * side + y] }
          }
        }
      }
    }
  }
}
