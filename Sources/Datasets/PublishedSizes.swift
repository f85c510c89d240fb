internal import Foundation

extension DatasetDescription {
  /// How many examples the published form of a file holds.
  func publishedCount(of file: LocalFile) -> Int {
    switch format {
    case .embedded: 0
    case .idx(let training, _, _, _): file == training.images || file == training.labels ? trainingCount : testCount
    case .cifar(let training, let test, _):
      training.contains(file) ? trainingCount / max(training.count, 1) : testCount / max(test.count, 1)
    }
  }

  /// The most bytes that a file can have: its published examples', uncompressed.
  func mostBytes(of file: LocalFile) -> Int {
    let (count, image) = (publishedCount(of: file), channels * height * width)
    return switch format {
    case .embedded: 0
    case .idx(let training, let test, _, _): file == training.images || file == test.images ? 16 + count * image : 8 + count
    case .cifar(_, _, let labelBytes): count * (labelBytes + image)
    }
  }

  /// The most bytes that can arrive of a file, on its way compressed or not; nil where nobody knows.
  func mostBytes(of remote: RemoteFile) -> Int? {
    if let size = remote.size { return size }
    guard isCompressible, let file = localFiles.first(where: { remote.name.hasPrefix($0.name) }) else { return nil }
    return Self.compressed(mostBytes(of: file))
  }

  /// What does not compress grows a little.
  private static func compressed(_ bytes: Int) -> Int { bytes + bytes / 100 + 1024 }

  /// Refuses by its size what cannot be the data set's file, before any of it is read: a sparse file may claim any.
  ///
  /// - Throws: ``DatasetError/badFile(path:problem:)``.
  func checkSize(of file: LocalFile, at path: String) throws {
    let (size, most) = (try FileReader.size(of: path), mostBytes(of: file))
    guard size > (path.hasSuffix(".gz") ? Self.compressed(most) : most) else { return }
    throw DatasetError.badFile(
      path: path, problem: "\(size) bytes are too many: the \(publishedCount(of: file)) published examples have \(most)")
  }
}
