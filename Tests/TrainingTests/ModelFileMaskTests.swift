import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

/// What a file says of masks, in as few bytes as the zeros allow.
@Suite struct ModelFileMaskTests {
  private let weight = ParameterName("classifier", .weight)
  private let bias = ParameterName("classifier", .bias)

  /// The example with masks of the given elements of the classifier's bias.
  private func example(_ values: [Float], kept: [Bool]) throws -> ModelFile {
    var file = try exampleModelFile()
    file.model.tensors[bias] = try Tensor(values)
    file.model.masks[bias] = try Tensor(kept)
    return file
  }

  /// The file's content; the model read from it has been compared, and so have the bytes written again.
  @discardableResult private func written(_ file: ModelFile, _ form: ModelFile.Form) throws -> TensorArchive {
    try withTemporaryDirectory { folder throws in
      try file.write(to: folder + "/a", form: form)
      let read = try ModelFile(contentsOf: folder + "/a")
      #expect(Set(read.model.masks.keys) == Set(file.model.masks.keys))
      for (name, mask) in file.model.masks { #expect(try read.model.masks[name]?.bytes() == mask.bytes(), "\(name)") }
      for (name, tensor) in file.model.tensors { #expect(try read.model.tensor(name).bytes() == tensor.bytes(), "\(name)") }
      try read.write(to: folder + "/b", form: form)
      let (a, b) = (try Data(contentsOf: URL(fileURLWithPath: folder + "/a")), try Data(contentsOf: URL(fileURLWithPath: folder + "/b")))
      #expect(a == b)
      if form == .plain { #expect(try file.byteCount == a.count) }
      return try TensorArchive(contentsOf: folder + "/a")
    }
  }

  /// The data have the bytes of the dense file's, to the last one.
  @Test func zerosAreTheMask() throws {
    let masked = try exampleModelFile()
    var dense = masked
    dense.model.masks = [:]
    let (with, without) = (try written(masked, .plain), try written(dense, .plain))
    #expect(with.tensors.mapValues(\.byteCount) == without.tensors.mapValues(\.byteCount))
    #expect(with.metadata["masked"] == #"["classifier.weight"]"# && with.metadata["version"] == "2")
    // Without masks the file is what it always was.
    #expect(without.metadata["masked"] == nil && without.metadata["version"] == "1")
  }

  @Test(
    arguments: [
      // Nothing pruned, all pruned, and a negative zero among what is pruned: the zeros say it all.
      ([1, 2, 3], [true, true, true], nil), ([0, 0, 0], [false, false, false], nil), ([0, -0.0, 3], [false, false, true], nil),
      // A kept weight may be 0.
      ([0, 0, 3], [false, true, true], 0b110), ([0, 2, 3], [true, true, true], 0b111), ([-0.0, 0, 3], [true, false, true], 0b101),
    ] as [([Float], [Bool], UInt8?)])
  func bitsWhereZerosSayLess(values: [Float], kept: [Bool], bits: UInt8?) throws {
    let archive = try written(example(values, kept: kept), .plain)
    #expect(try archive.tensors["classifier.bias.mask"]?.array(UInt8.self) == bits.map { [$0] })
    #expect(archive.metadata["masked"]?.contains("classifier.bias") == (bits == nil))
    #expect(try archive.tensors["classifier.bias"]?.array(Float.self) == values)
  }

  /// The order of bits is a promise to other programs: `numpy.unpackbits(bits, bitorder="little", count=n)`.
  @Test func bitsAreInOrder() throws {
    var file = try exampleModelFile()
    let keeps = (0..<96).map { $0 % 5 == 0 || $0 == 95 }
    file.model.tensors[weight] = try Tensor((0..<96).map { keeps[$0] ? Float($0) : 0 }, shape: [3, 32])
    file.model.masks[weight] = try Tensor(keeps, shape: [3, 32])
    let expected: [UInt8] = (0..<12).map { byte in (0..<8).reduce(0) { keeps[8 * byte + $1] ? $0 | 1 << $1 : $0 } }
    let plain = try written(file, .plain)
    #expect(try plain.tensors["classifier.weight.mask"]?.array(UInt8.self) == expected)
    let packed = try written(file, .packed)
    #expect(try packed.tensors["classifier.weight.mask"]?.array(UInt8.self) == expected && expected[0] == 0b10_0001)
    #expect(try packed.tensors["classifier.weight.kept"]?.array(Float.self) == (0..<96).filter { keeps[$0] }.map(Float.init))
    #expect(packed.tensors["classifier.weight"] == nil && packed.metadata["masked"] == nil && packed.metadata["version"] == "2")
  }

  /// Packed where that is smaller: three floats with two kept come to 9 bytes, with all kept to 13.
  @Test func noTensorIsPackedToMore() throws {
    let some = try written(example([0, 2, 3], kept: [false, true, true]), .packed)
    #expect(some.tensors["classifier.bias"] == nil && some.tensors["classifier.bias.kept"]?.shape == [2])
    let all = try written(example([1, 2, 3], kept: [true, true, true]), .packed)
    #expect(all.tensors["classifier.bias.kept"] == nil && all.metadata["masked"] == #"["classifier.bias"]"#)
    let none = try written(example([0, 0, 0], kept: [false, false, false]), .packed)
    #expect(none.tensors["classifier.bias.kept"]?.shape == [0])
    var dense = try exampleModelFile()
    dense.model.masks = [:]
    #expect(try written(dense, .packed).metadata == written(dense, .plain).metadata)
  }

  @Test(arguments: [ModelFile.Form.plain, .packed]) func bothTypesAndLayouts(form: ModelFile.Form) throws {
    var file = try exampleModelFile()
    let name = ParameterName("features.0", .weight)
    let mask = try Tensor((0..<18).map { $0 % 3 != 0 }, shape: [2, 1, 3, 3])
    file.model.masks[name] = mask
    try file.model.applyMasks()
    let bytes = try written(file, form).tensors.mapValues { try $0.bytes() }
    file.model.tensors[name] = try file.model.tensor(name).channelsLast()
    file.model.masks[name] = try mask.channelsLast()
    #expect(try written(file, form).tensors.mapValues { try $0.bytes() } == bytes)
    file.model = try file.model.cast(to: .float64)
    #expect(try written(file, form).tensors["features.0.weight" + (form == .packed ? ".kept" : "")]?.elementType == .float64)
  }

  /// Files of version 1 hold masks as they are in memory.
  @Test func earlierFilesAreRead() throws {
    try withTemporaryDirectory { folder throws in
      let file = try example([0, 0, 3], kept: [false, true, true])
      try file.write(to: folder + "/new")
      var archive = try TensorArchive(contentsOf: folder + "/new")
      archive.metadata["masked"] = nil
      archive.metadata["version"] = "1"
      for (name, mask) in file.model.masks { archive.tensors["\(name).mask"] = mask }
      try archive.write(to: folder + "/old")
      let read = try ModelFile(contentsOf: folder + "/old")
      for (name, mask) in file.model.masks { #expect(try read.model.masks[name]?.bytes() == mask.bytes(), "\(name)") }
      try read.write(to: folder + "/again")
      let paths = [folder + "/new", folder + "/again"]
      #expect(try Data(contentsOf: URL(fileURLWithPath: paths[0])) == Data(contentsOf: URL(fileURLWithPath: paths[1])))
    }
  }

  /// Without its metadata it would look dense.
  @Test(arguments: [ModelFile.Form.plain, .packed]) func itIsNoBareFileOfWeights(form: ModelFile.Form) throws {
    try withTemporaryDirectory { folder throws in
      let (file, path) = (try exampleModelFile(), folder + "/a")
      try file.write(to: path, form: form)
      #expect { try Model.load(weights: path, into: file.model.network) } throws: {
        "\($0)" == "cannot read \(path): it is a model file with masks, not bare weights: give it as the model"
      }
    }
  }

  /// Against the program itself where there is one: its header names no file here, and its end is the same.
  @Test func whatGzipMakesOfIt() throws {
    try withTemporaryDirectory { folder throws in
      var file = try exampleModelFile()
      file.model.tensors[weight] = try .zeros([3, 32])
      file.model.masks[weight] = try .full([3, 32], 0, type: .bool)
      try file.write(to: folder + "/a")
      let gzip = Process()
      gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      gzip.arguments = ["gzip", "-6", "-n", "-k", folder + "/a"]
      try gzip.run()
      gzip.waitUntilExit()
      let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/a.gz")).count
      let counted = try file.gzipByteCount()
      #expect(try abs(counted - bytes) <= 8 && counted < file.byteCount)
    }
  }
}
