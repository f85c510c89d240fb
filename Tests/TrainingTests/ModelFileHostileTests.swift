import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

/// A file that holds no sound model gets one exact line.
@Suite struct ModelFileHostileTests {
  /// What reading says after this change to a good file, without the path.
  private func problem(_ change: (inout TensorArchive) throws -> Void) throws -> String {
    try withTemporaryDirectory { folder throws in
      let path = folder + "/a"
      try exampleModelFile().write(to: path)
      var archive = try TensorArchive(contentsOf: path)
      try change(&archive)
      try archive.write(to: path)
      do {
        _ = try ModelFile(contentsOf: path)
        return "read"
      } catch let error as ModelFileError {
        let text = error.description
        #expect(text.hasPrefix("cannot read \(path): ") && !text.contains("\n"))
        return String(text.dropFirst("cannot read \(path): ".count))
      }
    }
  }

  private func problem(_ key: String, _ text: String?) throws -> String { try problem { $0.metadata[key] = text } }

  @Test func formats() throws {
    #expect(try problem { _ in } == "read")
    #expect(
      try problem("format", "pt") == "it holds weights, but no network: give it as the weights of a network that is named")
    #expect(try problem("format", nil) == "it holds weights, but no network: give it as the weights of a network that is named")
    #expect(try problem("version", "3") == "it is a model file of version \"3\", and only versions 1 and 2 are known")
    #expect(try problem("version", nil) == "it is a model file of version \"\", and only versions 1 and 2 are known")
    #expect(try problem("network", nil) == "its metadata lack \"network\"")
    #expect(try problem("history", nil) == "its metadata lack \"history\"")
  }

  @Test func texts() throws {
    #expect(try problem("network", "{") == "its network is damaged: it is not JSON")
    #expect(try problem("network", "[]").hasPrefix("its network: "))
    #expect(try problem("classes", #"["a","b",3]"#) == "its classes is damaged: expected String at [2]")
    #expect(try problem("classes", #"["a"]"#) == "it names 1 classes, but the network has 3")
    #expect(try problem("history", #"[{"step":1}]"#) == "its history is damaged: \"method\" is missing at [0]")
    #expect(
      try problem("history", #"[{"step":1e30,"method":"","criterion":"","removed":{},"masked":{}}]"#)
        .hasPrefix("its history is damaged: "))
    #expect(
      try problem("preprocessing", #"{"inputShape":[1,4,5],"mean":[0],"deviation":[1]}"#)
        == "images of shape [1, 4, 5] do not fill the network's input 1×4×4")
    #expect(
      try problem("preprocessing", #"{"inputShape":[4194305,4194305,211106198978564],"mean":[0],"deviation":[1]}"#)
        == "the input shape [4194305, 4194305, 211106198978564] is impossible")
    #expect(
      try problem("preprocessing", #"{"inputShape":[1,4,4],"mean":[0],"deviation":[0]}"#)
        == "mean and deviation must be finite, and the deviation above 0")
  }

  @Test(arguments: ["network", "history", "classes", "preprocessing", "masked"]) func deepNestingEndsInAnError(key: String) throws {
    for (open, count) in [("[", 100_000), (#"{"a":"#, 20_000), (#"{"nodes":["#, 10_000)] {
      #expect(try problem(key, String(repeating: open, count: count)).hasPrefix("its \(key)"), "\(key) \(open)")
    }
  }

  @Test func textsAreBounded() throws {
    #expect(
      try problem("classes", String(repeating: "9", count: (1 << 25) + 1))
        == "its classes has 33554433 bytes of JSON, and at most 33554432 are allowed")
  }

  @Test func tensors() throws {
    #expect(
      try problem { $0.tensors["classifier.bias"] = nil } == "the weights do not fit network tiny: missing classifier.bias [3]")
    #expect(
      try problem { $0.tensors["classifier.bias"] = try .zeros([4]) }
        == "the weights do not fit network tiny: classifier.bias has shape [4], not [3]")
    #expect(
      try problem { $0.tensors["other.weight"] = try .zeros([4]) } == "the weights do not fit network tiny: unexpected other.weight")
    #expect(try problem { $0.tensors["other"] = try .zeros([4]) } == "no network has a tensor named \"other\"")
    #expect(
      try problem { $0.tensors["features.1.num_batches_tracked"] = try .zeros([]) }
        == "no network has a tensor named \"features.1.num_batches_tracked\"")
    #expect(
      try problem { $0.tensors["classifier.bias"] = try .zeros([3], type: .uint8) }
        == "classifier.bias has elements of uint8, not float32 or float64")
  }

  @Test func masks() throws {
    let mask = "classifier.weight.mask"
    #expect(
      try problem { $0.tensors[mask] = try .full([3, 32], 1, type: .bool) } == "classifier.weight is masked twice")
    // As bits or as elements, a mask must be whole.
    func alone(_ change: (inout TensorArchive) throws -> Void) throws -> String {
      try problem {
        $0.metadata["masked"] = nil
        try change(&$0)
      }
    }
    #expect(
      try alone { $0.tensors[mask] = try .full([3, 31], 1, type: .bool) }
        == "the weights do not fit network tiny: the mask of classifier.weight does not fit")
    #expect(
      try alone { $0.tensors[mask] = try .full([3, 32], 1, type: .uint8) }
        == "the weights do not fit network tiny: the mask of classifier.weight does not fit")
    #expect(
      try problem { $0.tensors["other.weight.mask"] = try .full([3, 32], 1, type: .bool) }
        == "the weights do not fit network tiny: the mask of other.weight does not fit")
    #expect(
      try problem { $0.tensors["features.0.bias.mask"] = try .full([2], 0, type: .bool) }
        == "2 pruned elements of features.0.bias are not 0")
    // Not even NaN passes for 0.
    #expect(
      try problem {
        $0.tensors["features.0.bias"] = try Tensor([Float.nan, 0])
        $0.tensors["features.0.bias.mask"] = try .full([2], 0, type: .bool)
      } == "1 pruned elements of features.0.bias are not 0")
  }

  @Test func bitsAndPackedTensors() throws {
    let (bias, mask, kept) = ("features.1.bias", "features.1.bias.mask", "features.1.bias.kept")
    func problem(_ bits: [UInt8]?, _ values: Tensor?, whole: Bool = false) throws -> String {
      try self.problem {
        if !whole { $0.tensors[bias] = nil }
        $0.tensors[mask] = try bits.map { try Tensor($0) }
        $0.tensors[kept] = values
      }
    }
    #expect(try problem([0b10], Tensor([0.5 as Float])) == "read")
    #expect(try problem([0b101], Tensor([0.5 as Float])) == "the mask of features.1.bias has bits beyond its 2 elements")
    #expect(try problem([0b11], Tensor([0.5 as Float])) == "features.1.bias is packed to [1], and its mask keeps 2 elements")
    #expect(
      try problem([0b01], Tensor([0.5 as Float], shape: [1, 1])) == "features.1.bias is packed to [1, 1], and its mask keeps 1 elements")
    #expect(try problem([0b01], Tensor([1 as Int64])) == "features.1.bias has elements of int64, not float32 or float64")
    #expect(try problem([0b01], Tensor([0.5])) == "classifier.bias is of float32, but features.1.bias of float64")
    #expect(
      try problem([0b01], Tensor([Float.nan])) == "1 of the 2 elements of features.1.bias is NaN or infinite")
    #expect(try problem([0b10], Tensor([0.5 as Float]), whole: true) == "features.1.bias is there twice, whole and packed")
    let lacks = "features.1.bias is packed, and the mask that says where its elements belong is missing or does not fit"
    #expect(try problem(nil, Tensor([0.5 as Float])) == lacks && problem([1, 0], Tensor([0.5 as Float])) == lacks)
    #expect(
      try problem([0b10], nil)
        == "the weights do not fit network tiny: missing features.1.bias [2]; the mask of features.1.bias does not fit")
    #expect(try problem([1, 0], nil, whole: true) == "the weights do not fit network tiny: the mask of features.1.bias does not fit")
    #expect(try problem([0], nil, whole: true) == "2 pruned elements of features.1.bias are not 0")
    #expect(
      try self.problem { $0.tensors["other.weight.kept"] = try .zeros([4]) }
        == "other.weight is packed, and the mask that says where its elements belong is missing or does not fit")
    #expect(try self.problem { $0.tensors["kept"] = try .zeros([4]) } == "no network has a tensor named \"kept\"")
  }

  @Test func namesOfMaskedTensors() throws {
    #expect(
      try problem("masked", #"["classifier.weight","other.weight"]"#) == "its masked tensors name \"other.weight\", which it does not hold")
    #expect(try problem("masked", #"["a"]"#) == "its masked tensors name \"a\", which it does not hold")
    #expect(try problem("masked", #"["classifier.bias","classifier.bias"]"#) == "classifier.bias is masked twice")
    #expect(try problem("masked", #"{"classifier.bias":1}"#).hasPrefix("its masked is damaged: "))
  }

  /// Hostile numbers and cut text anywhere in the metadata: a sound model or one line, never a trap.
  @Test(arguments: 0..<4) func mutatedTextsLoadOrThrow(seed: Int) throws {
    let numbers = [
      "0", "-1", "1", "3", "65536", "2147483647", "2147483648", "4194305", "211106198978564", "4611686018427387904", "9223372036854775807",
      "9223372036854775808", "1e400", "0.5", "null", "\"\"", "[]", "{}",
    ]
    var random = RandomStream(seed: UInt64(seed))
    try withTemporaryDirectory { folder throws in
      let path = folder + "/a"
      try exampleModelFile().write(to: path)
      let good = try TensorArchive(contentsOf: path)
      for round in 0..<150 {
        var archive = good
        let key = try #require(["network", "network", "history", "preprocessing", "classes", "masked"].randomElement(using: &random))
        var text = Array(try #require(good.metadata[key]).utf8)
        for _ in 0...Int.random(in: 0...1, using: &random) where !text.isEmpty {
          switch Int.random(in: 0..<4, using: &random) {
          case 0: text.removeLast(Int.random(in: 0...text.count, using: &random))
          case 1: text[Int.random(in: 0..<text.count, using: &random)] = .random(in: 0x20...0x7E, using: &random)
          default:
            guard let start = text.indices.filter({ (48...57).contains(text[$0]) }).randomElement(using: &random) else { continue }
            let end = text[start...].firstIndex { !(48...57).contains($0) } ?? text.endIndex
            text.replaceSubrange(start..<end, with: Array((numbers.randomElement(using: &random) ?? "").utf8))
          }
        }
        archive.metadata[key] = String(decoding: text, as: UTF8.self)
        try archive.write(to: path)
        do { _ = try ModelFile(contentsOf: path) } catch let error as ModelFileError {
          #expect(!error.description.contains("\n"), "seed \(seed), round \(round)")
        }
      }
    }
  }
}
