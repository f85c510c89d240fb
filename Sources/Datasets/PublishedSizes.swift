internal import Foundation

extension DatasetDescription {
  /// Returns the number of examples in the published form of a file.
  func publishedCount(of file: LocalFile) -> Int {
    switch format {
    case .embedded: 0
    case .idx(let training, _, _, _): file == training.images || file == training.labels ? trainingCount : testCount
    case .cifar(let training, let test, _):
      training.contains(file) ? trainingCount / max(training.count, 1) : testCount / max(test.count, 1)
    }
  }

  /// Returns the most bytes that a file can have: the size of its published examples, uncompressed.
  func mostBytes(of file: LocalFile) -> Int {
    let (count, image) = (publishedCount(of: file), channels * height * width)
    return switch format {
    case .embedded: 0
    case .idx(let training, let test, _, _): file == training.images || file == test.images ? 16 + count * image : 8 + count
    case .cifar(_, _, let labelBytes): count * (labelBytes + image)
    }
  }

  /// Returns the most bytes that can arrive for a download, compressed or not; nil if unknown.
  func mostBytes(of remote: RemoteFile) -> Int? {
    if let size = remote.size { return size }
    guard isCompressible, let file = localFiles.first(where: { remote.name.hasPrefix($0.name) }) else { return nil }
    return Self.compressed(mostBytes(of: file))
  }

  /// Incompressible data grow a little.
  private static func compressed(_ bytes: Int) -> Int { bytes + bytes / 100 + 1024 }

  /// Refuses a file that is too large to be the data set's before any of it is read: a sparse file may claim any size.
  ///
  /// - Throws: ``DatasetError/badFile(path:problem:)``.
  func checkSize(of file: LocalFile, at path: String) throws {
    let (size, most) = (try FileReader.size(of: path), mostBytes(of: file))
    guard size > (path.hasSuffix(".gz") ? Self.compressed(most) : most) else { return }
    throw DatasetError.badFile(
      path: path, problem: "\(size) bytes are too many: the \(publishedCount(of: file)) published examples have \(most)")
  }
}
