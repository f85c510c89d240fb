import Foundation
import Networks
import Results
import SparseRuntime
import TestSupport
import Testing
import Torch
import Training

/// Small plans, and what stands in the way of plans, as a user meets them.
@Suite struct PlanStorageCommandTests {
  private struct Report: Decodable {
    struct Change: Decodable {
      var layer: String
      var from: Float, to: Float, size: Float
    }
    var bytes: Int
    var storage: String
    var largestChange: Change?
  }

  /// A model of 64 → 16 → 10 without training, a quarter of whose weights are left.
  private func model(_ folder: String, _ change: (inout [ParameterName: Tensor]) throws -> Void = { _ in }) throws -> String {
    let network = try Architecture.parse("mlp:64-16-10")
    var tensors = try Model(network, seed: 1).tensors
    let generator = try Generator(seed: 2)
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) where name.role == .weight {
      let kept = try Tensor.empty(tensor.shape)
      try kept.fillBernoulli(0.25, generator: generator)
      tensors[name] = try tensor.detached() * kept
    }
    try change(&tensors)
    let path = folder + "/small.safetensors"
    try ModelFile(model: Model(network: network, tensors: tensors)).write(to: path)
    return path
  }

  private func size(_ path: String) throws -> Int { try Data(contentsOf: URL(fileURLWithPath: path)).count }

  @Test func plansAreStoredAsAsked() throws {
    try withTemporaryDirectory { folder in
      let model = try model(folder)
      let input = try Tensor.normal([3, 64], generator: Generator(seed: 1))
      try TensorArchive(tensors: ["x": input], metadata: [:]).write(to: folder + "/x.safetensors")
      struct Row: Decodable { var output: [Float] }
      func outputs(_ plan: String) throws -> [Float] {
        let listed = try espalier("run", plan, folder + "/x.safetensors", "--json")
        return try JSONDecoder().decode([Row].self, from: Data(listed.output.utf8)).flatMap(\.output)
      }
      var (sizes, results): ([Int], [[Float]]) = ([], [])
      for form in WeightForm.allCases {
        let plan = "\(folder)/\(form).plan"
        let made = try espalier("compile", model, "-o", plan, "--kernels", "sparse", "--storage", "\(form)", "--json")
        #expect(made.status == 0 && made.errors.isEmpty)
        let report = try JSONDecoder().decode(Report.self, from: Data(made.output.utf8))
        #expect(try report.storage == "\(form)" && report.bytes == size(plan))
        #expect((report.largestChange == nil) == [.float32, .compact].contains(form))
        if let change = report.largestChange {
          #expect(["fc1", "fc2"].contains(change.layer) && change.size == abs(change.to - change.from))
          // Weights are below 1: halves have ten digits behind the first, and bytes seven.
          #expect(change.size > 0 && change.size < (form == .int8 ? 1.0 / 254 : 1.0 / 2048))
        }
        #expect(try CompiledModel(contentsOf: plan).plan.storage.form == form)
        sizes.append(report.bytes)
        results.append(try outputs(plan))
      }
      #expect(zip(sizes, sizes.dropFirst()).allSatisfy { $0 > $1 })
      #expect(results[0] == results[1] && results[0] != results[2] && results[2] != results[3])
      for i in 2...3 { #expect(zip(results[0], results[i]).allSatisfy { abs($0 - $1) < (i == 2 ? 0.002 : 0.05) }) }

      let text = try espalier("compile", model, "-o", folder + "/t.plan", "--kernels", "sparse", "--storage", "int8").output
      #expect(text.contains("t.plan: \(Format.count(sizes[3])) bytes, weights as int8, the model has \(Format.count(try size(model)))\n"))
      #expect(text.contains("\nlargest change of a weight: "))
      let unknown = try espalier("compile", model, "--storage", "int4")
      #expect(
        unknown.errors == "espalier: The value 'int4' is invalid for '--storage <form>'. Please provide one of 'float32', 'compact', "
          + "'float16' or 'int8'. See \"espalier compile --help\"\n")
      let same = try espalier("compile", model, "-o", folder + "/t.plan", "--kernels", "sparse", "--storage", "compact").output
      #expect(same.hasSuffix("weights as compact, the model has \(Format.count(try size(model)))\nno weight is changed\n"))
      let timed = try espalier("benchmark", folder + "/int8.plan", "--batch", "1", "--repetitions", "1")
      #expect(timed.output.hasPrefix("mlp:64-16-10, \(Format.count(sizes[3])) bytes, weights as int8, 1 thread;"))
    }
  }

  @Test func weightsThatAFormCannotHoldAreNamedBeforeAnythingIsMeasured() throws {
    try withTemporaryDirectory { folder in
      let model = try model(folder) { tensors in
        var values = try #require(try tensors[ParameterName("fc2", .weight)]?.detached().array(Float.self))
        values[7] = -1e6
        tensors[ParameterName("fc2", .weight)] = try Tensor(values, shape: [10, 16])
      }
      let refused = try espalier("compile", model, "--storage", "float16")
      #expect(refused.status == 65 && refused.output.isEmpty)
      #expect(
        refused.errors
          == "espalier: fc2 has the weight -1000000.0, beyond 65504, the largest number of float16; float32 and compact hold it\n")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["small.safetensors"])
    }
  }

  @Test func plansAreInspected() throws {
    try withTemporaryDirectory { folder in
      let model = try model(folder)
      let plan = folder + "/small.plan"
      let compiled = try espalier("compile", model, "--kernels", "sparse", "--json")
      struct Compiled: Decodable {
        struct Layer: Decodable { var kept: Int }
        var layers: [Layer]
      }
      let kept = try JSONDecoder().decode(Compiled.self, from: Data(compiled.output.utf8)).layers.map(\.kept)
      let shown = try espalier("inspect", plan)
      #expect(shown.status == 0 && shown.errors.isEmpty)
      // Places and values of kept weights; where those of an output begin, and of one block. Biases of 0 are none.
      let bytes = [6 * kept[0] + 4 * (16 + 1 + 1), 6 * kept[1] + 4 * (10 + 1 + 1)]
      let zeros = zip(kept, [1024, 160]).map { String(format: "%.1f", 100 - 100 * Double($0) / Double($1)) }
      #expect(
        shown.output.hasPrefix(
          """
          mlp:64-16-10: a plan of the sparse runtime

          step   kernel  input  output  weights  kept  % zeros  bytes
          fc1    sparse  64     16        1,024   \(kept[0])     \(zeros[0])  \(Format.count(bytes[0]))
          fc2    sparse  16     10          160    \(kept[1])     \(zeros[1])    \(bytes[1])
          """), "\(shown.output)")
      #expect(shown.output.contains("\nfile     \(Format.count(try size(plan))) bytes, version 3, weights as float32\n"), "\(shown.output)")
      #expect(shown.output.contains("\nbatches  64 examples side by side, fewer than 8 one after another\n"))
      #expect(shown.output.hasSuffix("\ninput    64\n"))

      struct Listing: Decodable {
        struct Step: Decodable { var name: String, kernel: String, inputs: [[Int]], output: [Int], weights: Int, kept: Int, bytes: Int }
        var network: String, version: Int, bytes: Int, storage: String, inputShape: [Int], outputShapes: [[Int]], steps: [Step]
      }
      #expect(try espalier("compile", model, "--kernels", "dense", "--storage", "int8").status == 0)
      let listing = try JSONDecoder().decode(Listing.self, from: Data(espalier("inspect", plan, "--json").output.utf8))
      #expect(listing.network == "mlp:64-16-10" && listing.version == 3 && listing.storage == "int8")
      #expect(try listing.bytes == size(plan) && listing.inputShape == [64] && listing.outputShapes == [[10]])
      #expect(listing.steps.map(\.name) == ["fc1", "fc2"] && listing.steps.map(\.kernel) == ["dense", "dense"])
      #expect(listing.steps.map(\.inputs) == [[[64]], [[16]]] && listing.steps.map(\.output) == [[16], [10]])
      #expect(listing.steps.map(\.weights) == [1024, 160] && listing.steps.allSatisfy { $0.kept <= $0.weights / 3 })
      // A byte a weight, four for an output's scale, four for the tap.
      #expect(listing.steps.map(\.bytes) == [1024 + 4 * 16 + 4, 160 + 4 * 10 + 4])

      for (option, word) in [("--groups", []), ("--dataset", ["digits"])] {
        let refused = try espalier(["inspect", plan, option] + word)
        #expect(refused.status == 64 && refused.errors == "espalier: \(option) goes with a model: \(plan) is a plan\n")
      }
      try Data("ESPPLAN\n and then nothing".utf8).write(to: URL(fileURLWithPath: folder + "/broken.plan"))
      let broken = try espalier("inspect", folder + "/broken.plan")
      #expect(broken.status == 65)
      #expect(broken.errors == "espalier: \(folder)/broken.plan: not a usable plan: 25 bytes are too few for a plan\n")
    }
  }

  @Test func whatIsNoFileIsNoPlan() throws {
    try withTemporaryDirectory { folder in
      try Data().write(to: URL(fileURLWithPath: folder + "/empty.plan"))
      for (path, reason) in [(folder, "it is a folder"), ("/dev/null", "it is not a file"), (folder + "/empty.plan", "it is empty")] {
        for command in [["run", path, "-"], ["benchmark", path]] {
          let refused = try espalier(command)
          #expect(refused.status == 65 && refused.errors == "espalier: \(path): \(reason)\n", "\(command)")
        }
      }
    }
  }

  @Test func aDeviceHasNoProfileBesideIt() throws {
    try withTemporaryDirectory { folder in
      let model = try model(folder)
      let made = try espalier("compile", model, "-o", "/dev/null")
      #expect(made.status == 0 && made.errors.isEmpty)
      #expect(made.output.contains("/dev/null: "))
      #expect(!FileManager.default.fileExists(atPath: "/dev/null.kernels.json"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["small.safetensors"])
    }
  }

  @Test func aProfileThatIsNoneIsReplacedWithAWord() throws {
    try withTemporaryDirectory { folder in
      let model = try model(folder)
      let profile = folder + "/small.kernels.json"
      try Data("garbage".utf8).write(to: URL(fileURLWithPath: profile))
      let made = try espalier("compile", model)
      #expect(made.status == 0)
      #expect(made.errors == "\(profile) is not a usable profile: kernels are measured, and it is replaced\n")
      #expect(try String(contentsOfFile: profile, encoding: .utf8).contains("\"name\" : \"fc1\""))
      #expect(try espalier("compile", model).errors.isEmpty)
      // Nobody reads it where kernels are not measured, and then it stays.
      try Data("garbage".utf8).write(to: URL(fileURLWithPath: profile))
      #expect(try espalier("compile", model, "--kernels", "usual").errors.isEmpty)
      #expect(try String(contentsOfFile: profile, encoding: .utf8) == "garbage")
    }
  }
}
