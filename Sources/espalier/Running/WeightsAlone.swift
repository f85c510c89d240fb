internal import Foundation
internal import Interchange
internal import Results
internal import Torch
internal import Training
internal import Words

/// The error for a file of weights where a model is needed.
struct WeightsAlone: ReportedError, CustomStringConvertible {
  let path: String
  var exitStatus: ExitStatus { .dataError }
  var description: String {
    let output = (path as NSString).deletingPathExtension + ".model.safetensors"
    let words = ["espalier", "prune", "--network", "NAME", "--weights", path, "--sparsity", "0", "--epochs", "0", "-o", output].shellWords
    return
      "\(path.inLine) holds weights, but no network: \(words.printable()) makes a model file of them, and \"espalier methods\" lists networks"
  }

  /// Does what reads a model, and says what to do with a file that holds weights alone.
  ///
  /// - Throws: what `body` throws; ``WeightsAlone``.
  static func naming<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error where error is ModelFileError || error is TensorArchiveError {
      guard FileManager.default.fileExists(atPath: path) else { throw error }
      if let archive = try? TensorArchive(contentsOf: path), archive.metadata["format"] == "espalier" { throw error }
      // A checkpoint that cannot be read says why by itself.
      let stored = try WeightsReader.files(path)
      guard !stored.tensors.isEmpty || !stored.unread.isEmpty else { throw error }
      throw WeightsAlone(path: path)
    }
  }
}
