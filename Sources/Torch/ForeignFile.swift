internal import Foundation

/// Recognises, by its first bytes, a file of another format that was given as a safetensors file, and advises how to convert it.
///
/// Such files are not opened further here: those that hold weights for a network are read where weights are.
enum ForeignFile {
  /// Returns one line of advice, or nil if the format is unknown.
  ///
  /// - Parameters:
  ///   - head: the file's first bytes.
  ///   - path: the file's path; the advice names its last component if that is safe to paste into a shell.
  static func problem(_ head: [UInt8], path: String) -> String? {
    func begins(_ bytes: [UInt8]) -> Bool { head.starts(with: bytes) }
    func begins(_ text: String) -> Bool { begins(Array(text.utf8)) }
    let name = plainName(path)
    if begins("PK\u{3}\u{4}") {
      let first = firstMember(head)
      if first.hasSuffix(".npy") { return numpy("a NumPy archive", name ?? "FILE.npz") }
      let ending = (path as NSString).pathExtension.lowercased()
      let isPyTorch = first.hasSuffix("/data.pkl") || first.hasSuffix("/.format_version") || ["pth", "pt", "ckpt", "bin"].contains(ending)
      return isPyTorch ? pyTorch(name ?? "FILE.pth") : "it is a zip archive; give a safetensors file"
    }
    // torch.save before version 1.6 begins with a pickled number.
    if begins([0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20]) { return pyTorch(name ?? "FILE.pth") }
    if head.count > 1, head[0] == 0x80, (2...5).contains(head[1]) {
      return
        "it is a Python pickle, of which only those that torch.save writes are read; load it in Python and write its arrays with safetensors"
    }
    if begins([0x93] + Array("NUMPY".utf8)) { return "it is a single NumPy array without a name; give a safetensors file of all weights" }
    if begins([0x89] + Array("HDF\r\n".utf8)) {
      return "it is an HDF5 file, as Keras writes; load it in Python and write its arrays with safetensors"
    }
    // The version of ONNX's intermediate representation, then the producer's name.
    if head.count > 4, head[0] == 0x08, (1...32).contains(head[1]), head[2] == 0x12, head[4] != 0 {
      return "it is an ONNX model, which has its own network and weights: give it as the model, or to --network"
    }
    if begins("GGUF") { return "it is a GGUF file, whose weights are quantised; give a safetensors file" }
    if begins([0x1F, 0x8B]) { return "it is compressed by gzip; unpack it first" }
    if begins("version https://git-lfs") { return "it is a Git LFS pointer, not the file that it stands for; run \"git lfs pull\"" }
    let text = String(decoding: head.prefix(64), as: UTF8.self).drop(while: \.isWhitespace).lowercased()
    if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") { return "it is a web page: the download brought no file" }
    // A safetensors header of 123 bytes makes the file begin with a brace, too.
    if text.hasPrefix("{"), !head.contains(0) {
      return
        "it is JSON; the index of several safetensors files ends in .index.json, and --network NAME --weights FILE of train, prune and evaluate reads it"
    }
    return nil
  }

  private static func pyTorch(_ name: String) -> String {
    "it is a PyTorch file, whose weights --network NAME --weights \(name) reads; of anything else convert it once: python3 -c 'import torch, safetensors.torch as s; "
      + "d = torch.load(\"\(name)\", map_location=\"cpu\"); s.save_file({k: v.clone().contiguous() for k, v in d.get(\"state_dict\", d).items() "
      + "if torch.is_tensor(v)}, "
      + "\"\(converted(name))\")'"
  }

  private static func numpy(_ what: String, _ name: String) -> String {
    "it is \(what); convert it once: python3 -c 'import numpy, safetensors.numpy as s; "
      + "s.save_file(dict(numpy.load(\"\(name)\")), \"\(converted(name))\")'"
  }

  private static func converted(_ name: String) -> String { (name as NSString).deletingPathExtension + ".safetensors" }

  private static func plainName(_ path: String) -> String? {
    let name = (path as NSString).lastPathComponent
    let isPlain = name.utf8.allSatisfy { Character(Unicode.Scalar($0)).isLetter || "0123456789._-".utf8.contains($0) }
    return isPlain && (1...60).contains(name.utf8.count) ? name : nil
  }

  /// The name of a zip archive's first member: its length is in bytes 26 and 27, the name begins at byte 30.
  private static func firstMember(_ head: [UInt8]) -> String {
    guard head.count > 30 else { return "" }
    return String(decoding: head[30...].prefix(Int(head[26]) | Int(head[27]) << 8), as: UTF8.self)
  }
}
