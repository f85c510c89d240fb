internal import Files
internal import Torch
public import Training

extension WeightsReader {
  /// Endings of the files that ``files`` reads.
  public static let extensions = ["safetensors", "pth", "pt", "th", "ckpt", "bin", "json"]

  /// Reads safetensors files, indices of several of them, and checkpoints of PyTorch, told apart by their content; no code of a file is run.
  ///
  /// A checkpoint's weights may lie on top, or under a key that training programs use (`state_dict`, `model`, …), in a dictionary or in a
  /// pickled module. Elements are read from the file into their tensors, one at a time.
  ///
  /// Errors are `TensorArchiveError`s, one line each.
  public static let files = WeightsReader { path in
    try CheckpointProblem.naming(path) {
      if path.hasSuffix(".index.json") { return StoredWeights(try ShardIndex.read(path)) }
      guard let file = try PyTorchFile(RegularFile(path)) else { return StoredWeights(try TensorArchive(contentsOf: path)) }
      let dictionary = try StateDictionary(file)
      let (tensors, unread) = try file.read(dictionary)
      return StoredWeights(tensors, unread: unread, notes: [dictionary.note].compactMap(\.self))
    }
  }
}
