import Foundation
import Interchange
import TestSupport
import Testing
import Torch
import Training

/// Commands on data of one's own.
@Suite struct OwnDataCommandTests {
  @Test func aTableFromFileToRow() throws {
    try withTemporaryDirectory { folder in
      var archive = TensorArchive()
      let labels = (0..<60).map { Int64($0 % 2) }
      archive.tensors["x"] = try Tensor(labels.flatMap { [Float(100 + $0), Float(5)] }, shape: [60, 2])
      archive.tensors["y"] = try Tensor(labels)
      let (data, model) = ("tensors:\(folder)/table.safetensors", folder + "/m.safetensors")
      try archive.write(to: folder + "/table.safetensors")
      let trained = try espalier(
        "train", "--network", "lenet-300-100", "--dataset", data, "--classes", "auto", "--epochs", "4", "--batch-size", "10", "--threads",
        "1", "--quiet", "-o", model)
      #expect(trained.status == 0 && trained.errors.isEmpty)
      let inspected = try espalier("inspect", model)
      #expect(
        inspected.output.contains("\ninput    2, (value − mean)/deviation, mean 100.5, 5.000, deviation 0.5000, 1.000\n"),
        "\(inspected.output)")
      let evaluated = try espalier("evaluate", model, "--threads", "1")
      #expect(evaluated.output.contains("accuracy 100.00 % (60 of 60 test images)"), "\(evaluated.output)")
      #expect(evaluated.errors.contains("table.safetensors has no x_test: all of x is evaluated"))
      // Nothing may replace the data.
      let over = try espalier(
        "train", "--network", "lenet-300-100", "--dataset", data, "--epochs", "1", "--quiet", "-o", folder + "/table.safetensors")
      #expect(over.status != 0 && over.errors.contains("table.safetensors"))
    }
  }

  /// The natural data of a network over sequences, [n, channels, length], and the way back to what the network took.
  @Test func sequencesFromONNXToONNX() throws {
    struct Golden: Decodable { var name: String, file: String }
    let golden = try JSONDecoder().decode([Golden].self, from: Data(contentsOf: reference("onnx_sequences.json")))
    let file = try #require(golden.first { $0.name == "torch-sequence" })
    try withTemporaryDirectory { folder in
      let (first, model) = (folder + "/first.onnx", folder + "/small.safetensors")
      try #require(Data(base64Encoded: file.file)).write(to: URL(fileURLWithPath: first))
      func data(_ shape: [Int]) throws -> String {
        let name = shape.map(String.init).joined(separator: "x")
        var archive = TensorArchive()
        archive.tensors["x"] = try Tensor((0..<480).map { Float($0 * $0 % 97) / 97 }, shape: [30] + shape)
        archive.tensors["y"] = try Tensor((0..<30).map { Int64($0 % 3) })
        try archive.write(to: "\(folder)/\(name).safetensors")
        return "tensors:\(folder)/\(name).safetensors"
      }
      let prune = ["--granularity", "unit", "--fraction", "0.5", "--recovery", "2it", "--threads", "1", "--no-latency", "--quiet", "-o"]
      let pruned = try espalier(["prune", first, "--dataset", data([2, 8])] + prune + [model])
      #expect(pruned.status == 0, "\(pruned.errors)")
      let inspected = try espalier("inspect", model)
      #expect(inspected.output.contains("\ninput    2×1×8, (value − mean)/deviation, mean "), "\(inspected.output)")
      // As a file or at the end of a run, it takes and gives what it did.
      #expect(try espalier("export", model, "-o", folder + "/back.onnx").status == 0)
      #expect(try espalier(["prune", first, "--dataset", data([2, 8])] + prune + [folder + "/small.onnx"]).status == 0)
      for name in ["back.onnx", "small.onnx"] {
        #expect(try ImportedNetwork(contentsOf: "\(folder)/\(name)").origin.inputAxes == ["NCL"])
      }
      func said(_ path: String, _ shape: [Int]) throws -> String {
        let outcome = try espalier(["evaluate", path, "--dataset", data(shape), "--threads", "1"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome.output.split(separator: ": accuracy ").last.map(String.init) ?? ""
      }
      let loss = try said(model, [2, 8])
      #expect(loss.contains("loss "))
      #expect(try said(folder + "/back.onnx", [2, 8]) == loss)
      #expect(try said(model, [2, 1, 8]) == loss)
      #expect(try espalier("export", model, "--to", "torch").status == 0)
      #expect(try String(contentsOfFile: folder + "/small.py", encoding: .utf8).contains("Takes [batch, 2, 8] and returns [batch, 3].\n"))
      // Lengths before channels are another network's, and so is one image.
      for (shape, words) in [([8, 2], "8×1×2 sequences"), ([1, 2, 8], "1×2×8 images")] {
        let name = try data(shape)
        let refused = try espalier(["prune", first, "--dataset", name] + prune + [folder + "/no.onnx"])
        #expect(refused.status == 64)
        #expect(refused.errors == "espalier: \(first) holds a network for 2×1×8 inputs; \(name) has \(words)\n", "\(refused.errors)")
      }
      // Where nothing says that they are sequences, two dimensions are an image's.
      let grey = try espalier([
        "train", "--network", "lenet-300-100", "--dataset", data([2, 8]), "--classes", "auto", "--epochs", "1it", "--threads", "1",
        "--quiet", "-o", folder + "/grey.safetensors",
      ])
      #expect(try grey.status == 0 && espalier("inspect", folder + "/grey.safetensors").output.contains("\ninput    1×2×8, "))
    }
  }

  /// Numbers for classes are what data sets are counted by; without one such a network is pruned all the same.
  @Test func networksWithoutClassesAreRefused() throws {
    struct Golden: Decodable { var name: String, file: String }
    let golden = try JSONDecoder().decode([Golden].self, from: Data(contentsOf: reference("onnx_windows.json")))
    let file = try #require(golden.first { $0.name == "torch-causal" })
    try withTemporaryDirectory { folder in
      let (path, model) = (folder + "/causal.onnx", folder + "/small.safetensors")
      try #require(Data(base64Encoded: file.file)).write(to: URL(fileURLWithPath: path))
      var archive = TensorArchive()
      archive.tensors["x"] = try Tensor((0..<200).map { Float($0 % 7) }, shape: [20, 2, 5])
      archive.tensors["y"] = try Tensor((0..<20).map { Int64($0 % 3) })
      try archive.write(to: folder + "/data.safetensors")
      let data = ["--dataset", "tensors:\(folder)/data.safetensors", "--threads", "1"]
      let prune = ["prune", path, "--granularity", "weight", "--fraction", "0.5", "--no-latency", "--quiet"]
      #expect(try espalier(prune + ["--epochs", "0", "-o", model]).status == 0)
      let written = try FileManager.default.contentsOfDirectory(atPath: folder).count
      for name in [path, model] {
        let refused = try espalier(["evaluate", name, "--mean", "0", "--deviation", "1"] + data)
        #expect(refused.status == 64 && refused.output.isEmpty)
        #expect(
          refused.errors.hasSuffix(
            "\nespalier: \(name) makes 3×1×6 of an example, and data sets are for networks that make one number for each class\n"))
      }
      let trained = try espalier(prune + data + ["--recovery", "1ep", "-o", folder + "/no.safetensors"])
      #expect(trained.status == 64 && trained.errors.contains("\(path) makes 3×1×6 of an example"), "\(trained.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == written)
    }
  }

  /// What `--mean` says reaches the network's input, the model file and later evaluations.
  @Test func aCatalogueSetInAnotherNormalisation() throws {
    try withTemporaryDirectory { folder in
      let model = folder + "/m.safetensors"
      let trained = try espalier(
        "train", "--network", "lenet-300-100", "--dataset", "digits", "--subset", "200", "--epochs", "1", "--mean", "0.25", "--deviation",
        "2", "--threads", "1", "--quiet", "-o", model)
      #expect(trained.status == 0, "\(trained.errors)")
      let inspected = try espalier("inspect", model)
      #expect(inspected.output.contains(", mean 0.2500, deviation 2.000\n"), "\(inspected.output)")
      func loss(_ options: String...) throws -> Substring? {
        try espalier(["evaluate", model, "--threads", "1"] + options).output.split(separator: "loss ").last
      }
      let kept = try loss()
      #expect(try kept != nil && kept == loss("--mean", "0.25", "--deviation", "2"))
      #expect(try kept != loss("--mean", "0.3053", "--deviation", "0.3759"))
    }
  }

  /// Clips from files to row, with one broken, and evaluated by the model file alone.
  @Test func clipsFromFolderToRow() throws {
    try withTemporaryDirectory { folder in
      func little(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
      for (name, period) in [("high", 4), ("low", 40)] {
        try FileManager.default.createDirectory(atPath: "\(folder)/clips/\(name)", withIntermediateDirectories: true)
        for index in 0..<6 {
          let samples = (0..<1600).flatMap { little(($0 % period < period / 2 ? 1000 : -1000) + index, 2) }
          let head = little(16, 4) + little(1, 2) + little(1, 2) + little(16_000, 4) + little(32_000, 4) + little(2, 2) + little(16, 2)
          let clip = Array("RIFF....WAVEfmt ".utf8) + head + Array("data".utf8) + little(samples.count, 4) + samples
          try Data(clip).write(to: URL(fileURLWithPath: "\(folder)/clips/\(name)/\(index).wav"))
        }
      }
      let (data, model) = ("log-mel:\(folder)/clips", folder + "/m.safetensors")
      let broken = "\(folder)/clips/low/9.wav"
      try Data("RIFF".utf8).write(to: URL(fileURLWithPath: broken))
      let environment = "export XDG_CACHE_HOME='\(folder)/cache'; exec"
      let given = [
        "train", "--network", "lenet-300-100", "--dataset", data, "--classes", "auto", "--epochs", "4", "--batch-size", "4", "--threads",
        "1",
        "--quiet", "-o", model,
      ]
      let refused = try espalier(given, after: environment)
      #expect(
        refused.status == 65
          && refused.errors == "espalier: \(broken): it is not a WAVE file; --skip-broken leaves broken clips out\n", "\(refused.errors)")
      let trained = try espalier(given + ["--skip-broken"], after: environment)
      #expect(trained.status == 0 && trained.output.contains("1 broken clip of 13 left out:"), "\(trained.output)\(trained.errors)")
      try FileManager.default.removeItem(atPath: broken)
      let evaluated = try espalier(["evaluate", model, "--threads", "1"], after: environment)
      #expect(evaluated.output.contains("accuracy 100.00 % (12 of 12 test images)"), "\(evaluated.output)\(evaluated.errors)")
      #expect(FileManager.default.fileExists(atPath: "\(folder)/cache/espalier/features"))
    }
  }

  @Test(
    arguments: [
      (["--dataset", "tensors:none.safetensors"], 66, "cannot read none.safetensors: No such file or directory"),
      (["--dataset", "folder:none"], 66, "cannot read none: No such file or directory"),
      (["--dataset", "folder:"], 64, "folder: names nothing: give folder:DIR"),
      (
        ["--dataset", "digits", "--skip-broken"], 64,
        "--image-size, --resize, --channel-order and --skip-broken go with data of your own, folder:DIR, tensors:FILE.safetensors, log-mel:DIR, mfcc:DIR"
      ),
      (["--dataset", "digits", "--mean", "1"], 64, "--mean and --deviation go together: give both, or neither"),
      (["--dataset", "digits", "--mean", "1", "--deviation", "0"], 64, "--deviation 0.0 is impossible: it must be above 0"),
      (
        ["--dataset", "digits", "--mean", "a", "--deviation", "1"], 64,
        "--mean a is impossible: give numbers, e.g. 0.5 or 0.485,0.456,0.406"
      ),
      (
        ["--dataset", "digits", "--image-size", "2x8x8"], 64,
        "--image-size 2x8x8 is impossible: give 1 to 4096 pixels, e.g. 64, 48x64 (height, width) or 1x28x28 (grey)"
      ),
      (["--dataset", "digits", "--resize", "0"], 64, "--resize 0 is impossible: give at least 1 pixel"),
      (["--dataset", "digits", "--classes", "0"], 64, "--classes 0 is impossible: give at least 1"),
    ] as [([String], Int32, String)])
  func badInputIsOneLine(arguments: [String], status: Int32, words: String) throws {
    try withTemporaryDirectory { folder in
      let run = try espalier(
        ["train", "--network", "lenet-300-100", "--epochs", "1", "--quiet", "-o", folder + "/m.safetensors"] + arguments)
      #expect(run.status == status && run.errors.contains(words), "\(run.status): \(run.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  @Test func theListNamesThem() throws {
    let list = try espalier("data", "list").output
    #expect(list.contains("folder:DIR") && list.contains("tensors:FILE.safetensors"))
  }
}
