import Foundation
import Results
import TestSupport
@testable import espalier
import Testing
import Torch

/// `compile`, `run` and `benchmark` as a user types them.
@Suite struct CompileCommandTests {
  private func prune(_ folder: String) throws -> String {
    let model = folder + "/small.safetensors"
    let made = try espalier(
      "prune", "--network", "mlp:64-16-10", "--dataset", "digits", "--epochs", "1", "--sparsity", "0.75", "--threads", "1", "--no-latency",
      "--quiet", "-o", model)
    #expect(made.status == 0 && made.errors.isEmpty)
    return model
  }

  @Test func aModelIsCompiledAndRun() throws {
    try withTemporaryDirectory { folder in
      let model = try prune(folder)
      let compiled = try espalier("compile", model)
      #expect(compiled.status == 0 && compiled.errors.isEmpty)
      // 296 of 1184 weights are left; how they are spread over the layers is training's affair.
      #expect(compiled.output.contains("\nfc1      1,024") && compiled.output.contains("\nfc2        160"))
      let plan = try Data(contentsOf: URL(fileURLWithPath: folder + "/small.plan"))
      #expect(compiled.output.hasSuffix("small.plan: \(Format.count(plan.count)) bytes, the model has \(Format.count(size(model)))\n"))
      let profile = try String(contentsOfFile: folder + "/small.kernels.json", encoding: .utf8)
      #expect(profile.contains("\"name\" : \"fc1\"") && profile.contains("\"weights\" : 1024"))

      // The second time the profile decides, and the bytes are the same.
      try FileManager.default.removeItem(atPath: folder + "/small.plan")
      #expect(try espalier("compile", model).status == 0)
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/small.plan")) == plan)

      // For another number of threads it was not measured.
      #expect(try espalier("compile", model, "--threads", "2", "--batch", "64").status == 0)
      let other = try String(contentsOfFile: folder + "/small.kernels.json", encoding: .utf8)
      #expect(other.contains("\"threads\" : 2") && other.contains("\"batches\" : \"many\""))
      #expect(profile.contains("\"threads\" : 1") && profile.contains("\"batches\" : \"all\""))

      // Every way to choose kernels gives the same outputs.
      let input = try Tensor.normal([20, 64], generator: Generator(seed: 1))
      try TensorArchive(tensors: ["x": input], metadata: [:]).write(to: folder + "/x.safetensors")
      func outputs(_ plan: String) throws -> [Float] {
        let ran = try espalier("run", plan, folder + "/x.safetensors", "-o", folder + "/y.safetensors")
        #expect(ran.status == 0 && ran.output.isEmpty && ran.errors == "wrote \(folder)/y.safetensors\n")
        let written = try TensorArchive(contentsOf: folder + "/y.safetensors")
        guard let output = written.tensors["output"] else {
          Issue.record("there is no output")
          return []
        }
        #expect(output.shape == [20, 10])
        return try output.array(Float.self)
      }
      let first = try outputs(folder + "/small.plan")
      #expect(Set(first).count > 100)
      for kernels in ["usual", "dense", "sparse", folder + "/small.kernels.json"] {
        #expect(try espalier("compile", model, "-o", folder + "/other.plan", "--kernels", kernels).status == 0)
        let other = try outputs(folder + "/other.plan")
        #expect(zip(first, other).allSatisfy { abs($0 - $1) < 1e-4 })
      }

      // A pipe of numbers, and rows as JSON.
      let raw = try input.array(Float.self).withUnsafeBytes { Data($0) }
      try raw.write(to: URL(fileURLWithPath: folder + "/x.raw"))
      let piped = try espalier(["run", folder + "/small.plan", "-"], outputTo: folder + "/y.raw", after: "exec < '\(folder)/x.raw'; exec")
      #expect(piped.status == 0)
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/y.raw")) == first.withUnsafeBytes { Data($0) })
      let listed = try espalier("run", folder + "/small.plan", folder + "/x.safetensors", "--json")
      struct Row: Decodable { var output: [Float] }
      let rows = try JSONDecoder().decode([Row].self, from: Data(listed.output.utf8))
      #expect(rows.flatMap(\.output) == first)
      let text = try espalier("run", folder + "/small.plan", folder + "/x.safetensors", "--top", "1")
      let best = first[0..<10].indices.max { first[$0] < first[$1] } ?? 0
      #expect(text.output.hasPrefix("0: \(best) ") && text.output.split(separator: "\n").count == 20)
    }
  }

  private func size(_ path: String) -> Int { (try? Data(contentsOf: URL(fileURLWithPath: path)).count) ?? 0 }

  @Test func whatCannotBeRunIsRefusedInOneLine() throws {
    try withTemporaryDirectory { folder in
      let model = try prune(folder)
      #expect(try espalier("compile", model, "--kernels", "usual").status == 0)
      #expect(!FileManager.default.fileExists(atPath: folder + "/small.kernels.json"))
      let plan = folder + "/small.plan"
      func expect(_ status: Int32, _ words: String..., says message: String) throws {
        let outcome = try espalier(words)
        #expect(outcome.status == status && outcome.output.isEmpty, "\(words)")
        #expect(outcome.errors == "espalier: \(message)\n")
      }
      try expect(64, "compile", "lenet-5", says: "lenet-5 is a network without weights: give a model file or an ONNX model")
      try expect(66, "compile", folder + "/no.safetensors", says: "there is no file \(folder)/no.safetensors")
      try expect(66, "run", folder + "/no.plan", "-", says: "\(folder)/no.plan: No such file or directory")
      try expect(
        65, "run", model, "-", says: "\(model): not a usable plan: it does not begin with ESPPLAN; espalier compile makes plans")
      try Data("{\"form\": \"avx512\", \"batches\": \"all\", \"threads\": 1, \"groups\": 1, \"loneExamples\": 8, \"layers\": []}".utf8)
        .write(
          to: URL(fileURLWithPath: folder + "/p.json"))
      try expect(
        65, "compile", model, "--kernels", folder + "/p.json",
        says: "\(folder)/p.json is not a profile of the layers of \(model): give --kernels measured")
      let before = try Data(contentsOf: URL(fileURLWithPath: folder + "/p.json"))
      try expect(
        73, "compile", model, "--kernels", folder + "/p.json", "-o", folder + "/p.json",
        says: "cannot write \(folder)/p.json: --output and --kernels are the same file")
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/p.json")) == before)
      var numbers = [Float](repeating: 0.5, count: 128)
      numbers[70] = .nan
      try TensorArchive(tensors: ["x": Tensor(numbers, shape: [2, 64])], metadata: [:]).write(to: folder + "/nan.safetensors")
      let broken = try espalier("run", plan, folder + "/nan.safetensors")
      #expect(broken.status == 0 && broken.output.hasPrefix("0: ") && !broken.output.contains("nan"), "\(broken.output)")
      #expect(broken.output.hasSuffix("%\n1: outputs that are not finite numbers\n"))
      let ascii = try espalier("compile", model, "--kernels", "sparse:24x8", "-o", folder + "/ascii.plan")
      #expect(ascii.status == 0 && ascii.output.contains("sparse:all×8"))
      try TensorArchive(tensors: ["a": .zeros([2, 63]), "b": .zeros([2, 64])], metadata: [:]).write(to: folder + "/x.safetensors")
      try expect(65, "run", plan, folder + "/x.safetensors", says: "\(folder)/x.safetensors has the tensors a, b: give --tensor")
      try expect(
        65, "run", plan, folder + "/x.safetensors", "--tensor", "c",
        says: "\(folder)/x.safetensors has the tensors a, b: none is called c")
      try expect(
        65, "run", plan, folder + "/x.safetensors", "--tensor", "a", says: "\(folder)/x.safetensors: a is 2×63; expected is n×1×8×8")
      try expect(65, "compile", plan, "-o", folder + "/z.plan", says: "\(plan) is a plan already: give the model that it was made of")
      try expect(66, "run", plan, folder + "/no.png", says: "there is no file \(folder)/no.png")
      let half = try espalier(["run", plan, "-"], after: "printf 123 |")
      #expect(half.status == 65 && half.errors == "espalier: standard input ended within an example: 3 of 256 bytes\n")
    }
  }

  /// A stand-in for a Python with an engine: it answers as `peer.py` does.
  private func engine(_ folder: String, _ name: String, _ body: String) throws -> String {
    let path = folder + "/" + name
    try Data("#!/bin/sh\n\(body)\n".utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return path
  }

  @Test func enginesAreTimedInTurn() throws {
    try withTemporaryDirectory { folder in
      let model = try prune(folder)
      #expect(try espalier("compile", model).status == 0)
      let plan = folder + "/small.plan"
      let good = try engine(
        folder, "good",
        """
        echo "$2 $5 $6" >> '\(folder)/calls'
        echo '{"engine": "onnxruntime", "version": "9.8", "threads": 1, "output": [1e9]}'
        while read -r line; do
          count=${line#*: }; count=${count%\\}}
          printf '{"seconds": [1'
          while [ "$count" -gt 1 ]; do printf ', 1'; count=$((count - 1)); done
          echo ']}'
        done
        """)
      let run = try espalier(
        "benchmark", plan, "--batch", "1,20", "--repetitions", "2", "--model", model, "--against", "libtorch,onnxruntime=\(good)", "--json")
      #expect(run.status == 0)
      #expect(
        run.errors
          == [1, 20].map { "onnxruntime gives other outputs at batch \($0): is the model that which the plan was made of?\n" }.joined())
      struct Report: Decodable {
        struct Engine: Decodable {
          var name: String, version: String, batch: Int, seconds: Double, fastest: Double, slowest: Double, difference: Double
        }
        struct Step: Decodable { var name: String, kernel: String, batch: Int, seconds: Double, gigaflops: Double, bandwidth: Double }
        var network: String, planBytes: Int, storage: String, threads: Int, engines: [Engine], steps: [Step]
      }
      let report = try JSONDecoder().decode(Report.self, from: Data(run.output.utf8))
      #expect(report.network == "mlp:64-16-10" && report.storage == "float32" && report.threads == 1 && report.planBytes == size(plan))
      #expect(report.engines.map(\.name) == ["espalier", "libtorch", "onnxruntime", "espalier", "libtorch", "onnxruntime"])
      #expect(report.engines.map(\.batch) == [1, 1, 1, 20, 20, 20])
      for engine in report.engines {
        #expect(engine.fastest <= engine.seconds && engine.seconds <= engine.slowest && engine.fastest > 0)
        switch engine.name {
        case "onnxruntime": #expect(engine.seconds == 1 && engine.version == "9.8" && engine.difference > 1000)
        case "libtorch": #expect(engine.version == "2.11.0" && engine.difference < 1e-5)
        default: #expect(engine.difference == 0)
        }
      }
      #expect(Set(report.steps.map(\.name)) == ["fc1", "fc2"])
      #expect(try String(contentsOfFile: folder + "/calls", encoding: .utf8) == "onnxruntime 1 1\nonnxruntime 20 1\n")

      let missing = try engine(folder, "missing", "echo '{\"error\": \"there is no engine here\"}'; exit 69")
      let dead = try engine(folder, "dead", "echo 'a line' >&2; echo 'the last words' >&2; exit 3")
      for (python, reason) in [(missing, "there is no engine here"), (dead, "it ended with status 3: the last words")] {
        let outcome = try espalier("benchmark", plan, "--model", model, "--against", "deepsparse=\(python)")
        #expect(outcome.status == 69 && outcome.output.isEmpty)
        #expect(outcome.errors == "espalier: deepsparse cannot be measured: \(reason)\n")
      }
    }
  }

  /// Two versions of an engine have a Python each.
  @Test func anEngineMayStandTwiceWithTwoPythons() throws {
    let line = "benchmark p --model m --against onnxruntime,onnxruntime=a,onnxruntime=b"
    #expect(try command(of: line.split(separator: " ").map(String.init)) is BenchmarkCommand)
  }

  @Test(arguments: [
    ("compile m --batch 0", "--batch 0 is impossible: give a number of images, 1 or more"),
    (
      "compile m --kernels fast",
      "--kernels fast: possible are measured, usual, dense, sparse, block:4x4, block:4x1, block:2x4, block:2x2, block:2x1, block:1x4, kernel, sparse:24x8 for 24 channels and 8 vectors at a time, and the file of a profile"
    ),
    ("compile m -o -", "--output -: a plan is a file: give its name"),
    (
      "compile m -o a.kernels.json",
      "--output a.kernels.json: profiles of kernels are called so: give a plan another name, such as small.plan"
    ),
    ("compile m --batch -1", "--batch -1 is impossible: give a number of images, 1 or more"),
    ("compile m --threads -1", "--threads -1 is impossible: 1 to 1024 are possible"),
    ("run p x.safetensors --top -1", "--top -1 is impossible: give 1 or more"),
    ("run p x.safetensors --threads -1", "--threads -1 is impossible: 1 to 1024 are possible"),
    ("benchmark p --batch -1", "--batch -1: give numbers from 1 to 65536, with commas between them"),
    ("benchmark p --repetitions -1", "--repetitions -1 is impossible: 1 to 1000 are possible"),
    ("benchmark p --threads -1", "--threads -1 is impossible: 1 to 1024 are possible"),
    ("compile m --threads 0", "--threads 0 is impossible: 1 to 1024 are possible"),
    ("run p x.safetensors --top 0", "--top 0 is impossible: give 1 or more"),
    ("run p - x.png", "- is standard input and stands alone"),
    ("run p a.safetensors b.safetensors", "give one safetensors file, not 2"),
    ("run p a.png b.safetensors", "give images or a safetensors file: b.safetensors stands among images"),
    ("run p a.png --tensor t", "--tensor goes with a safetensors file"),
    ("run p - --json", "numbers from - go to standard output: leave out --output and --json"),
    ("benchmark p --batch 1,x", "--batch 1,x: give numbers from 1 to 65536, with commas between them"),
    ("benchmark p --repetitions 0", "--repetitions 0 is impossible: 1 to 1000 are possible"),
    ("benchmark p --against tvm --model m", "--against tvm: possible are libtorch, onnxruntime, deepsparse, openvino, openvino-sparse"),
    ("benchmark p --against libtorch", "--against libtorch needs --model, the model that it runs"),
    ("benchmark p --model m", "--model goes with --against"),
    (
      "benchmark p --model m --against libtorch,libtorch",
      "--against libtorch,libtorch names libtorch twice: name each engine once, or with another Python"
    ),
    (
      "benchmark p --model m --against openvino=a,libtorch,openvino=a",
      "--against openvino=a,libtorch,openvino=a names openvino=a twice: name each engine once, or with another Python"
    ),
    ("compile m --image-size 0", "--image-size 0 is impossible: give 1 to 4096 pixels, e.g. 64, 48x64 (height, width) or 1x28x28 (grey)"),
    ("compile m --mean 1", "--mean and --deviation go together: give both, or neither"),
    ("compile m --deviation 1", "--mean and --deviation go together: give both, or neither"),
    ("compile m --mean x --deviation 1", "--mean x is impossible: give numbers, e.g. 0.5 or 0.485,0.456,0.406"),
    ("compile m --mean 1 --deviation 1,0", "--deviation 0.0 is impossible: it must be above 0"),
    ("compile m --resize 0", "--resize 0 is impossible: give at least 1 pixel"),
  ]) func contradictionsAreRefused(_ line: String, _ message: String) throws {
    let words = line.split(separator: " ").map(String.init)
    do {
      _ = try command(of: words)
      Issue.record("\(line) was taken")
    } catch { #expect("\(error)".contains(message), "\(error)") }
  }
}
