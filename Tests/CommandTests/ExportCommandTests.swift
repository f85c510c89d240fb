import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

@Suite struct ExportCommandTests {
  /// What `torch.load` could not open is not called so.
  @Test(arguments: ["x.pt", "x.safetensors.PTH", "x.py"]) func endingsOfOtherPrograms(name: String) throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/" + name
      let outcome = try espalier("train", "--network", "mlp:64-10", "--dataset", "digits", "--epochs", "1", "--output", path)
      #expect(outcome.status == 64 && outcome.output.isEmpty)
      #expect(
        outcome.errors.hasPrefix(
          "espalier: --output \(path) would hold a model file, which is safetensors: end it in .safetensors, or in .onnx for an ONNX file; "
            + "\"espalier export\" writes PyTorch modules"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  @Test func aModelGoesOnInPyTorch() throws {
    try withTemporaryDirectory { folder in
      let model = folder + "/small.safetensors"
      let made = try espalier(
        "prune", "--network", "mlp:64-16-10", "--dataset", "digits", "--epochs", "1", "--sparsity", "0.5", "--rounds", "1", "--threads",
        "1",
        "--no-latency", "--quiet", "-o", model)
      #expect(made.status == 0 && made.errors.isEmpty)
      let exported = try espalier("export", model, "--to", "torch")
      #expect(exported.status == 0 && exported.output.isEmpty)
      #expect(exported.errors == "wrote \(folder)/small.py and \(folder)/small.weights.safetensors\n")
      let program = try String(contentsOfFile: folder + "/small.py", encoding: .utf8)
      #expect(program.contains("WEIGHTS = pathlib.Path(__file__).with_name(\"small.weights.safetensors\")\n"))
      #expect(program.contains("        self.fc1 = nn.Linear(64, 16)\n        self.fc2 = nn.Linear(16, 10)\n"))
      #expect(program.contains("MASKED = [\n    \"fc1.weight\",\n    \"fc2.weight\",\n]\n"))
      #expect(program.contains("CLASSES = [\"0\", \"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\"]\n"))
      let (file, weights) = (try ModelFile(contentsOf: model), try TensorArchive(contentsOf: folder + "/small.weights.safetensors"))
      #expect(program.contains("MEAN = [\(Double(try #require(file.preprocessing).mean[0]))]\n"))
      #expect(weights.tensors.keys.sorted() == ["fc1.bias", "fc1.weight", "fc2.bias", "fc2.weight"])
      for (name, tensor) in file.model.tensors {
        #expect(try weights.tensors[name.description]?.array(Float.self) == tensor.array(Float.self))
      }

      let onnx = try espalier("export", model, "--to", "onnx")
      #expect(onnx.status == 0 && onnx.errors == "wrote \(folder)/small.onnx\n")
      // It says how its inputs were prepared, and computes the same.
      let there = try espalier("evaluate", folder + "/small.onnx", "--dataset", "digits")
      #expect(there.errors.isEmpty)
      #expect("mlp:64-16-10" + there.output.dropFirst("small".count) == (try espalier("evaluate", model)).output)

      // Half of 1184 weights are 0: what is left takes 4 bytes and one or two for its place.
      func size(_ name: String) throws -> Int { try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")).count }
      let sparse = try espalier("export", model, "-o", folder + "/sparse.onnx", "--sparse-initializers")
      #expect(sparse.status == 0)
      let saved = try size("small.onnx") - size("sparse.onnx")
      #expect(saved > 592 * 2 - 200 && saved < 592 * 3)
      let again16 = try espalier("evaluate", folder + "/sparse.onnx", "--dataset", "digits")
      #expect(again16.output.dropFirst("sparse".count) == there.output.dropFirst("small".count))
      let half = try espalier("export", model, "-o", folder + "/half.onnx", "--float16")
      #expect(half.status == 0)
      // 1210 parameters.
      let shrunk = try size("small.onnx") - size("half.onnx")
      #expect(shrunk > 2420 - 300 && shrunk < 2420)
      #expect(try espalier("evaluate", folder + "/half.onnx", "--dataset", "digits").errors.isEmpty)

      let bare = try espalier("export", model, "-o", folder + "/w.safetensors")
      #expect(bare.status == 0 && bare.errors == "wrote \(folder)/w.safetensors\n")
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: folder + "/w.safetensors"))
          == Data(contentsOf: URL(fileURLWithPath: folder + "/small.weights.safetensors")))
      let again = try espalier("evaluate", "--network", "mlp:64-16-10", "--weights", folder + "/w.safetensors", "--dataset", "digits")
      #expect(again.output == (try espalier("evaluate", model)).output)
    }
  }

  /// Runs end with ONNX where their output is called so, and go back under the names that they came with.
  @Test func runsWriteONNX() throws {
    try withTemporaryDirectory { folder in
      let trained = try espalier(
        "train", "--network", "mlp:64-16-10", "--dataset", "digits", "--epochs", "1it", "--threads", "1", "--no-latency", "--json", "-o",
        folder + "/dense.onnx")
      #expect(trained.status == 0 && trained.errors.hasSuffix("wrote \(folder)/dense.onnx\n"))
      let prune = ["prune", folder + "/dense.onnx", "--dataset", "digits", "--granularity", "unit", "--fraction", "0.5", "--recovery", "0"]
      let rest = ["--no-latency", "--quiet", "-o"]
      #expect(try espalier(prune + rest + [folder + "/small.onnx"]).status == 0)
      #expect(try espalier(prune + rest + [folder + "/small.safetensors"]).status == 0)
      #expect(try espalier("export", folder + "/small.safetensors", "-o", folder + "/again.onnx").status == 0)
      func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")) }
      #expect(try bytes("small.onnx") == bytes("again.onnx"))
      let file = try ModelFile(contentsOf: folder + "/small.safetensors")
      #expect(file.origin?.inputs == ["input"] && file.origin?.outputs == ["fc2"] && file.origin?.producer.hasPrefix("Espalier ") == true)
      #expect(try espalier("inspect", folder + "/small.onnx").output.contains("8×64"))
      // An ONNX model is exported like the model file that it is of: as many bytes again, and the same program.
      #expect(try espalier("export", folder + "/small.onnx", "-o", folder + "/back.onnx").status == 0)
      #expect(try bytes("back.onnx").count == bytes("small.onnx").count)
      #expect(try espalier("export", folder + "/small.onnx", "-o", folder + "/program.py").status == 0)
      #expect(try espalier("export", folder + "/small.safetensors", "-o", folder + "/program2.py").status == 0)
      let programs = try ["program", "program2"].map { name in
        try String(contentsOfFile: "\(folder)/\(name).py", encoding: .utf8).replacing("program2", with: "program")
      }
      #expect(programs[0].split(separator: "class Network").last == programs[1].split(separator: "class Network").last)

      let same = try espalier(prune + rest + [folder + "/dense.onnx"])
      #expect(same.status == 73 && same.errors.contains("--output and the model are the same file"))
      let packed = try espalier(prune + ["--pack"] + rest + ["p.onnx"])
      #expect(packed.status == 64 && packed.errors.contains("--pack packs a model file, and --output p.onnx is an ONNX file"))
    }
  }

  @Test(arguments: [
    ([], 64, "give --to onnx, torch or safetensors"),
    (["-o", "m.bin"], 64, "--output m.bin does not tell what to write: give --to onnx, torch or safetensors"),
    (["--to", "torch", "-o", "m.safetensors"], 64, "--to torch writes a Python program: give --output a name that ends in .py"),
    (["--to", "torch", "--float16"], 64, "--float16 goes with --to onnx"),
    (["-o", "w.safetensors", "--sparse-initializers"], 64, "--sparse-initializers goes with --to onnx"),
    (["-o", "m.safetensors"], 73, "cannot write m.safetensors: --output and the model are the same file"),
    (["-o", "none/m.py"], 73, "cannot write none/m.py: there is no folder "),
  ])
  func mistakes(options: [String], status: Int32, words: String) throws {
    try withTemporaryDirectory { folder in
      let file = URL(fileURLWithPath: folder + "/m.safetensors")
      try Data("model".utf8).write(to: file)
      let result = try espalier(["export", "m.safetensors"] + options, after: "cd '\(folder)'; exec")
      #expect(result.status == status)
      #expect(result.errors.contains(words), "\(result.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["m.safetensors"])
      #expect(try Data(contentsOf: file) == Data("model".utf8))
    }
  }
}
