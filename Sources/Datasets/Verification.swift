internal import Foundation
internal import Interruptions

/// The result of ``Dataset/verify(_:in:)`` for one file.
public struct FileReport: Sendable, Equatable {
  /// The state of a file on disk.
  public enum State: Sendable, Equatable {
    /// Identical to the published file.
    case ok
    /// Well-formed and usable, but not known to be the published file; with the reason.
    case readable(String)
    /// The file does not exist.
    case missing
    /// The file exists but cannot be used; with the reason.
    case corrupt(String)
  }

  /// Published name of the file.
  public let name: String
  /// Path of the file; nil if it is missing.
  public let path: String?
  /// Whether the file can be used, and is the published one.
  public let state: State
}

extension Dataset {
  /// Checks each file of a data set against its published checksum; if there is none, or it differs, reads the file through.
  ///
  /// - Returns: one report per file; none for the embedded `digits`.
  public static func verify(_ description: DatasetDescription, in dataDirectory: String? = nil) throws -> [FileReport] {
    let directory = dataDirectory ?? defaultDirectory()
    let folders = description.folders.map { $0.hasPrefix("/") ? $0 : "\(directory)/\($0)" }
    // The folder that loading would use, or else the one with the most files.
    let searches = folders.map { DatasetLocation.search($0, for: description).found }
    let found = searches.first { $0.count == description.localFiles.count } ?? searches.max { $0.count < $1.count } ?? [:]
    return try zip(description.localFiles, description.publishedNames).map { file, name in
      guard let path = found[file.name] else { return FileReport(name: name, path: nil, state: .missing) }
      let found = try state(of: file, at: path, published: name, description)
      if case .corrupt(let problem) = found, let plain = DatasetLocation.neighbour(of: path),
        case .readable(let words) = try state(of: file, at: plain, published: name, description)
      {
        return FileReport(name: name, path: plain, state: .readable("\(words); the compressed file beside it is damaged: \(problem)"))
      }
      return FileReport(name: name, path: path, state: found)
    }
  }

  private static func state(
    of file: DatasetDescription.LocalFile, at path: String, published name: String, _ description: DatasetDescription
  ) throws -> FileReport.State {
    do {
      try description.checkSize(of: file, at: path)
      let isPublishedForm = (path as NSString).lastPathComponent == name
      if let checksum = file.checksum, isPublishedForm, try checksum.computed(ofFile: path) == checksum { return .ok }
      let (count, expected) = try examples(of: file, at: path, description)
      guard count >= expected else { return .readable("holds \(count) of the \(expected) published examples") }
      let reason =
        file.checksum == nil
        ? "no checksum of it is published"
        : isPublishedForm ? "its checksum is not the published one" : "the published checksum is of \(name)"
      return .readable("holds \(count) examples; \(reason)")
    } catch DatasetError.badFile(_, let problem) {
      return .corrupt(problem)
    } catch let stop as Interrupted {
      throw stop
    } catch {
      return .corrupt("\(error)")
    }
  }

  /// Reads a file through and returns its number of examples, and the published number.
  private static func examples(
    of file: DatasetDescription.LocalFile, at path: String, _ description: DatasetDescription
  ) throws -> (count: Int, expected: Int) {
    let expected = description.publishedCount(of: file)
    switch description.format {
    case .embedded: return (0, 0)
    case .idx(_, _, _, let firstLabel):
      if file.name.contains("labels") {
        let labels = try IDX(path: path, rank: 1)
        try checkCount(of: labels, expected)
        return (try EMNIST.labels(of: labels, firstLabel: firstLabel, description).count, expected)
      }
      let images = try IDX(path: path, rank: 3)
      try EMNIST.checkSize(of: images, description)
      try checkCount(of: images, expected)
      _ = try images.elements()
      return (images.dimensions[0], expected)
    case .cifar(_, _, let labelBytes):
      let (_, labels) = try CIFAR.read(
        paths: [path], labelBytes: labelBytes, dataset: description.name, classes: description.classes)
      return (labels.count, expected)
    }
  }

  /// Throws if a file claims more examples than were published; a compressed file can hold far more than its size suggests.
  static func checkCount(of file: IDX, _ published: Int) throws {
    guard file.dimensions[0] <= published else {
      throw DatasetError.badFile(
        path: file.path, problem: "says that it holds \(file.dimensions[0]) examples, more than the \(published) published ones")
    }
  }
}
