import Foundation
import Interchange
import TestSupport
import Testing
import Torch
import Training

@Suite struct ShardIndexTests {
  private func read(_ map: [String: String], _ prepare: (String) throws -> Void = { _ in }) throws -> StoredWeights {
    try withTemporaryDirectory { folder in
      try TensorArchive(tensors: ["a": Tensor([1, 2] as [Float])]).write(to: folder + "/one.safetensors")
      try TensorArchive(tensors: ["b": Tensor([3] as [Float]), "c": Tensor([4] as [Float])]).write(to: folder + "/two.safetensors")
      try prepare(folder)
      let path = folder + "/model.safetensors.index.json"
      try JSONSerialization.data(withJSONObject: ["metadata": ["total_size": 16], "weight_map": map]).write(to: URL(fileURLWithPath: path))
      return try WeightsReader.files(path)
    }
  }

  private func problem(_ map: [String: String], _ prepare: (String) throws -> Void = { _ in }) throws -> String {
    do {
      return "read \(try read(map, prepare).tensors.keys.sorted())"
    } catch let error as TensorArchiveError { return error.problem }
  }

  @Test func tensorsOfAllFilesAreRead() throws {
    let stored = try read(["a": "one.safetensors", "b": "two.safetensors"])
    #expect(stored.tensors.keys.sorted() == ["a", "b"])
    #expect(try stored.tensors["b"]?.array(Float.self) == [3])
  }

  @Test func onlyFilesBesideTheIndexAreRead() throws {
    for name in ["../one.safetensors", "/etc/passwd", "..", ".", "", "sub/one.safetensors"] {
      #expect(try problem(["a": name]) == "it names the file \(name.debugDescription): only files beside it are read")
    }
    let linked = try problem(["a": "link.safetensors"]) { folder in
      try FileManager.default.createSymbolicLink(atPath: folder + "/link.safetensors", withDestinationPath: folder + "/one.safetensors")
    }
    #expect(linked.contains("symbolic link"), "\(linked)")
    #expect(try problem(["z": "one.safetensors"]) == "one.safetensors has no tensor \"z\", which the index says it has")
    #expect(try problem([:]) == "it is no index of weights: there is no \"weight_map\" of tensors and files")
    #expect(try problem(["a": "three.safetensors"]).contains("No such file"))
  }
}
