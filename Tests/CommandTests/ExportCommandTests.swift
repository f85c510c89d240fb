import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

@Suite struct ExportCommandTests {
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

      let bare = try espalier("export", model, "-o", folder + "/w.safetensors")
      #expect(bare.status == 0 && bare.errors == "wrote \(folder)/w.safetensors\n")
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: folder + "/w.safetensors"))
          == Data(contentsOf: URL(fileURLWithPath: folder + "/small.weights.safetensors")))
      let again = try espalier("evaluate", "--network", "mlp:64-16-10", "--weights", folder + "/w.safetensors", "--dataset", "digits")
      #expect(again.output == (try espalier("evaluate", model)).output)
    }
  }

  @Test(arguments: [
    ([], 64, "give --to onnx, torch or safetensors"),
    (["-o", "m.bin"], 64, "--output m.bin does not tell what to write: give --to onnx, torch or safetensors"),
    (["--to", "torch", "-o", "m.safetensors"], 64, "--to torch writes a Python program: give --output a name that ends in .py"),
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
