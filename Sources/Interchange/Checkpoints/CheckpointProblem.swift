internal import Files
internal import Torch

/// What is wrong with a checkpoint, while its path is not known.
struct CheckpointProblem: Error {
  let text: String
  init(_ text: String) { self.text = text }

  /// Gives problems the path of their file.
  static func naming<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as CheckpointProblem {
      throw TensorArchiveError.reading(path: path, problem: error.text)
    } catch let error as FileError {
      throw TensorArchiveError.reading(path: path, problem: error.problem)
    }
  }
}
