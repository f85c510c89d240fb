/// The binary format of CIFAR-10 and CIFAR-100: records of one label (CIFAR-100: coarse, then fine) and 3,072 bytes, the red, green and
/// blue planes of 32×32 pixels.
enum CIFAR {
  static let imageBytes = 3 * 32 * 32

  /// Reads all records of the given files, in order; the last label of each record counts.
  ///
  /// - Throws: ``DatasetError/badFile(path:problem:)`` if a file does not consist of whole records, or holds a label outside the classes.
  static func read(paths: [String], labelBytes: Int, dataset: String, classes: Int) throws -> (pixels: ByteStorage, labels: [Int64]) {
    let recordBytes = labelBytes + imageBytes
    var counts: [Int] = []
    var total = 0
    for path in paths {
      let size = try FileReader.size(of: path)
      guard size > 0, size % recordBytes == 0 else {
        throw DatasetError.badFile(path: path, problem: "\(size) bytes are not whole records of \(recordBytes) bytes")
      }
      counts.append(size / recordBytes)
      let (sum, overflow) = total.addingReportingOverflow(size / recordBytes)
      guard !overflow, sum <= Int.max / imageBytes else { throw DatasetError.badFile(path: path, problem: "\(size) bytes are too many") }
      total = sum
    }
    var labels: [Int64] = []
    // A sparse file may claim any size; its memory is allocated where failure can be reported.
    labels.reserveCapacity(min(total, 1 << 20))
    let pixels = try ByteStorage(count: total * imageBytes, path: paths.first ?? dataset) { buffer in
      var labelBuffer = [UInt8](repeating: 0, count: labelBytes)
      for (path, count) in zip(paths, counts) {
        let file = try FileReader(path: path)
        for record in 0..<count {
          let start = labels.count * imageBytes
          let read =
            try labelBuffer.withUnsafeMutableBytes { try file.read(into: $0) }
            + file.read(into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[start..<(start + imageBytes)])))
          guard read == recordBytes else { throw DatasetError.badFile(path: path, problem: "ends within record \(record)") }
          let label = Int(labelBuffer[labelBytes - 1])
          guard label < classes else { throw badLabel(path, label, record, dataset, 0, classes) }
          labels.append(Int64(label))
        }
      }
    }
    return (pixels, labels)
  }

  /// CIFAR-100's fine classes, in the order of `fine_label_names.txt`.
  static let fineClassNames = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle \
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish \
    forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle \
    mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine \
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar \
    sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree \
    wolf woman worm
    """.split(separator: " ").map(String.init)
}

/// Returns the error for a label outside its data set's classes.
func badLabel(_ path: String, _ label: Int, _ example: Int, _ dataset: String, _ first: Int, _ classes: Int) -> DatasetError {
  .badFile(path: path, problem: "label \(label) at example \(example): \(dataset) has \(classes) classes, \(first)…\(first + classes - 1)")
}
