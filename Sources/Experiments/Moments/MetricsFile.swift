internal import Files
internal import Foundation

/// A file with one JSON object a line for each moment of a run (`metrics.jsonl`), appended as they happen.
///
/// ```
/// {"moment":"evaluated","epoch":2,"iteration":32,"learningRate":0.001,"phase":"training","step":32,"training":0,
///  "trainingLoss":0.41,"validationAccuracy":0.93,"validationLoss":0.25}
/// ```
/// A killed run has all lines up to the kill. When it resumes, the lines after its checkpoint are dropped and written again: in the end the
/// file equals, byte for byte, that of an undisturbed run.
public final class MetricsFile: RunObserver {
  /// Path of the file.
  public let path: String
  private let note: (String) -> Void
  private var file: LineFile?
  private let encoder: JSONEncoder

  /// Names a file; it is not opened before the run begins.
  ///
  /// - Parameter note: called with a line for the user if a resumed run finds the file without its beginning.
  public init(_ path: String, note: @escaping (String) -> Void = { _ in }) {
    (self.path, self.note) = (path, note)
    encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
  }

  /// Opens the file and cuts it off after `count` lines.
  public func begin(after count: Int) throws {
    let file = try LineFile(path, keeping: count)
    if file.count < count, !file.isStream { note("\(path) has \(file.count) of the \(count) lines from before the checkpoint") }
    self.file = file
  }

  /// Appends a line.
  public func observe(_ moment: RunMoment) throws {
    try file?.append(String(decoding: encoder.encode(moment), as: UTF8.self))
  }

  /// Waits until the lines are on the disk.
  public func synchronize() throws { try file?.synchronize() }
}
