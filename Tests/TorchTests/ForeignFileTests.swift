import Foundation
import TestSupport
import Testing
import Torch

/// Files of other kinds that are given where a safetensors file belongs.
@Suite struct ForeignFileTests {
  private func problem(_ bytes: [UInt8], name: String = "x.bin") throws -> String {
    try withTemporaryDirectory { folder throws in
      let path = folder + "/" + name
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      do {
        _ = try TensorArchive(contentsOf: path)
        return "read"
      } catch let error as TensorArchiveError { return error.problem }
    }
  }

  private func zip(_ member: String) -> [UInt8] {
    [0x50, 0x4B, 3, 4, 0, 0, 8, 8] + Array(repeating: 0, count: 18) + [UInt8(member.utf8.count), 0, 0, 0] + Array(member.utf8)
      + Array(repeating: 1, count: 40)
  }

  private let pyTorch = """
    not a safetensors file: it is a PyTorch file, whose weights --network NAME --weights FILE.pth reads; of anything else convert it once: \
    python3 -c 'import torch, safetensors.torch as s; d = torch.load("FILE.pth", map_location="cpu"); \
    s.save_file({k: v.clone().contiguous() for k, v in d.get("state_dict", d).items() if torch.is_tensor(v)}, "FILE.safetensors")'
    """

  @Test func pyTorchIsToldHowToConvert() throws {
    let legacy: [UInt8] = [0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E, 0x80]
    for bytes in [zip("archive/data.pkl"), zip("x/.format_version"), zip("constants"), legacy] {
      #expect(try problem(bytes, name: "resnet-18_a.pth") == pyTorch.replacing("FILE", with: "resnet-18_a"))
    }
    // A name that a shell would not take as it is.
    #expect(try problem(legacy, name: "a'b c.pth") == pyTorch)
  }

  @Test func othersAreNamed() throws {
    func expect(_ bytes: [UInt8], _ words: String, name: String = "x.bin", at line: SourceLocation = #_sourceLocation) throws {
      #expect(try problem(bytes, name: name).hasPrefix("not a safetensors file: it is " + words), sourceLocation: line)
    }
    let rest = [UInt8](repeating: 0x61, count: 32)
    try expect(
      zip("fc.weight.npy"), #"a NumPy archive; convert it once: python3 -c 'import numpy, safetensors.numpy as s; "#, name: "x.npz")
    try expect(zip("metadata.json"), "a zip archive", name: "x.keras")
    try expect(
      [0x80, 0x04, 0x95] + rest,
      "a Python pickle, of which only those that torch.save writes are read; load it in Python and write its arrays with safetensors",
      name: "x.pkl")
    try expect([0x93] + Array("NUMPY".utf8) + rest, "a single NumPy array")
    try expect([0x89] + Array("HDF\r\n".utf8) + [0x1A, 0x0A] + rest, "an HDF5 file")
    try expect(
      [0x08, 0x07, 0x12, 0x07] + Array("pytorch".utf8) + rest, "an ONNX model, which has its own network and weights", name: "x.onnx")
    try expect(Array("GGUF".utf8) + rest, "a GGUF file")
    try expect([0x1F, 0x8B, 8, 0] + rest, "compressed by gzip")
    try expect(Array("version https://git-lfs.github.com/spec/v1\n".utf8), "a Git LFS pointer")
    try expect(Array("\n<!DOCTYPE html><html>".utf8), "a web page")
    try expect(
      Array(#"{"metadata": {"total_size": 1}}"#.utf8),
      "JSON; the index of several safetensors files ends in .index.json, and --network NAME --weights FILE of train, prune and evaluate reads it"
    )
  }

  @Test func whatNobodyKnowsIsNoSafetensorsFile() throws {
    #expect(try problem(Array("no safetensors at all".utf8)).hasPrefix("not a safetensors file: its header would have "))
    // A damaged safetensors file whose header's length looks like a brace is one.
    #expect(try problem([123, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x22]) == "it is cut short: its header has 123 bytes, but only 2 follow")
  }
}
