internal import Files
internal import Foundation
internal import Torch
internal import Words

/// Weights in several safetensors files, and the index that names the file of each (`model.safetensors.index.json`).
struct ShardIndex: Decodable {
  /// Names of the files by those of the tensors.
  private let files: [String: String]

  private enum CodingKeys: String, CodingKey { case files = "weight_map" }

  /// The most bytes of an index.
  private static let maximumLength = 1 << 24
  /// The most files that an index may name.
  private static let maximumCount = 1024

  /// Reads the tensors that the index at a path names, from files that lie beside it.
  ///
  /// - Throws: ``CheckpointProblem`` for an index that is none, names files elsewhere or tensors that are not there, and errors of the files.
  static func read(_ path: String) throws -> TensorArchive {
    let data = try RegularFile.read(path, limit: maximumLength)
    guard let index = try? JSONDecoder().decode(Self.self, from: data), !index.files.isEmpty else {
      throw CheckpointProblem("it is no index of weights: there is no \"weight_map\" of tensors and files")
    }
    let names = Set(index.files.values).sorted()
    guard names.count <= maximumCount else {
      throw CheckpointProblem("it names \(names.count) files, at most \(maximumCount) are possible")
    }
    let folder = (path as NSString).deletingLastPathComponent
    var tensors: [String: Tensor] = [:]
    var unread: [String: TensorArchive.Unread] = [:]
    for name in names {
      guard !name.isEmpty, !name.contains("/"), !name.contains("\0"), name != ".", name != ".." else {
        throw CheckpointProblem("it names the file \(name.quoted): only files beside it are read")
      }
      let shard = (folder as NSString).appendingPathComponent(name)
      // A link could lead anywhere. Those of a download cache do, so the index itself may be one.
      _ = try RegularFile(shard, followsLinks: false)
      let archive = try TensorArchive(contentsOf: shard)
      for (tensor, file) in index.files where file == name {
        if let found = archive.tensors[tensor] {
          tensors[tensor] = found
        } else if let found = archive.unread[tensor] {
          unread[tensor] = found
        } else {
          throw CheckpointProblem("\(name.inLine) has no tensor \(tensor.quoted), which the index says it has")
        }
      }
    }
    return TensorArchive(tensors: tensors, unread: unread)
  }
}
