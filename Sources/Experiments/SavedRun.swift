internal import Datasets
internal import Files
internal import Foundation
internal import Torch
internal import Training

/// The checkpoint of an interrupted run, and the record in it.
struct SavedRun {
  let checkpoint: Checkpoint
  let state: RunState
  /// Whether all stages are done.
  let isFinished: Bool
  /// Identity of the file that it was read from.
  let identity: FileIdentity?

  /// Reads the checkpoint of a run to be resumed; nil if the run starts anew.
  ///
  /// - Throws: `FileError` if a file other than a checkpoint lies at its path, `PlanError` for a checkpoint of another run, and errors of
  ///   reading it.
  init?(_ experiment: Experiment, _ options: Runner.Options) throws {
    guard let path = options.checkpoint, FileManager.default.fileExists(atPath: path) else { return nil }
    guard options.resume else {
      // The run will replace this file, and remove it at the end.
      guard let file = try? RegularFile(path) else { throw FileError(.write, path, "it is not a file: give another --checkpoint") }
      guard (try? Checkpoint.isOne(file)) == true else {
        throw FileError(.write, path, "it exists and is not a checkpoint: remove it, or give another --checkpoint")
      }
      return nil
    }
    identity = FileIdentity(path)
    checkpoint = try Checkpoint(contentsOf: path)
    let progress = try Progress(parsing: checkpoint.progress, path: path)
    guard progress.recipe == (try experiment.json) else {
      throw PlanError("\(path) belongs to a run with other options; repeat those, or remove it to start anew")
    }
    state = progress.state
    isFinished = state.stage == experiment.end && options.replacesInput(of: experiment)
  }

  /// Returns what is still needed of a finished run's input: class names and preprocessing, which the model that may have replaced the file
  /// shares.
  func start(of experiment: Experiment) throws -> ModelFile {
    guard case .file(let path) = experiment.start else { return ModelFile(model: checkpoint.model) }
    return try ModelFile(contentsOf: path)
  }

  /// The record that a run keeps in its checkpoints.
  struct Progress: Codable {
    var recipe: String
    var state: RunState

    init(recipe: String, state: RunState) {
      self.recipe = recipe
      self.state = state
    }

    /// Parses a record.
    ///
    /// - Throws: `RecordError` if it is not a valid record of a run.
    init(parsing json: String, path: String) throws {
      let data = Data(json.utf8)
      do { self = try JSONDecoder.records.decode(Progress.self, from: data) } catch {
        throw RecordError("\(path): the checkpoint's record is damaged")
      }
      do { try RecordedCounts.check(data) } catch {
        throw RecordError("\(path): the checkpoint's record is damaged: \(error)")
      }
    }
  }
}

extension Runner.Options {
  /// Whether the model will replace the file that the run begins with.
  func replacesInput(of experiment: Experiment) -> Bool {
    guard let output = output.flatMap(FileIdentity.init) else { return false }
    return experiment.start.path.flatMap(FileIdentity.init) == output
  }
}

extension Experiment {
  /// SHA-256 of the file that a run begins with; nil without such a file or without a checkpoint to keep it in.
  ///
  /// - Throws: `FileError`.
  func startChecksum(for options: Runner.Options) throws -> String? {
    guard options.checkpoint != nil, let path = start.path else { return nil }
    return try RegularFile(path).checksum()
  }
}

extension RegularFile {
  /// SHA-256 of the whole file in hexadecimal digits.
  ///
  /// - Throws: `FileError`.
  func checksum() throws -> String {
    var checksum = RunningChecksum()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    var position = 0
    while case let count = try read(into: buffer, at: position), count > 0 {
      checksum.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      position += count
    }
    return checksum.digits
  }
}
