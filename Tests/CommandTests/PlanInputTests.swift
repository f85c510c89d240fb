import Foundation
import Networks
import SparseRuntime
import TestSupport
import Testing
import Torch
import Training

@testable import espalier

/// What `compile`, `run` and `benchmark` take, and what they say of what they do not.
@Suite struct PlanInputTests {
  private struct Profile: Decodable { var input: [Int] }

  /// An MLP of 64 → 16 → 10 without training, as a model file.
  private func small(_ folder: String) throws -> String {
    let path = folder + "/small.safetensors"
    try ModelFile(model: Model(Architecture.parse("mlp:64-16-10"), seed: 1)).write(to: path)
    return path
  }

  private func smallPlan(_ folder: String) throws -> String {
    #expect(try espalier("compile", small(folder), "--kernels", "usual").status == 0)
    return folder + "/small.plan"
  }

  private func expect(_ status: Int32, _ words: String..., after shell: String? = nil, says message: String) throws {
    let outcome = try espalier(words, after: shell)
    #expect(outcome.status == status && outcome.output.isEmpty, "\(words)")
    #expect(outcome.errors == "espalier: \(message)\n")
  }

  // MARK: - What run is given

  @Test func nothingToRunIsSaid() throws {
    try withTemporaryDirectory { folder in
      let plan = try smallPlan(folder)
      try expect(
        66, "run", plan, "-", after: "exec < /dev/null; exec", says: "standard input is empty: give float32 numbers, 64 for each example")
      let tensors: [String: Tensor] = try ["none": .zeros([0, 64]), "one": Tensor([1 as Float], shape: [])]
      try TensorArchive(tensors: tensors, metadata: [:]).write(to: folder + "/x.safetensors")
      try expect(
        65, "run", plan, folder + "/x.safetensors", "--tensor", "none",
        says: "\(folder)/x.safetensors: none is 0×64, which is no example: give 1 or more of 64")
      try expect(
        65, "run", plan, folder + "/x.safetensors", "--tensor", "one",
        says: "\(folder)/x.safetensors: one is a single number; expected is n×64")
    }
  }

  /// The plan says nothing of normalisation, which is worth a line for images alone.
  @Test func aBadImageIsOneLine() throws {
    try withTemporaryDirectory { folder in
      let model = try image(folder)
      #expect(try espalier("compile", model, "--kernels", "usual").status == 0)
      try Data("no image".utf8).write(to: URL(fileURLWithPath: folder + "/bad.jpg"))
      try expect(65, "run", folder + "/image.plan", folder + "/bad.jpg", says: "\(folder)/bad.jpg: it is neither a JPEG nor a PNG image")
    }
  }

  // MARK: - What compile is given

  /// A network for 3×20×24 images, or of any size, as its layers take.
  private func image(_ folder: String, preprocessing: Preprocessing? = nil, classes: [String] = []) throws -> String {
    var builder = NetworkBuilder("image", input: .image(channels: 3, height: 20, width: 24))
    builder.convolution("conv", 4, kernel: 3, padding: 1)
    builder.relu("relu")
    builder.adaptiveAveragePool(1)
    builder.flatten()
    builder.linear("fc", 2)
    let path = folder + "/image.safetensors"
    try ModelFile(model: Model(builder.network(), seed: 1), preprocessing: preprocessing, classes: classes).write(to: path)
    return path
  }

  /// The same as an ONNX model whose height and width are open: their numbers (field 1) become names (field 2).
  private func openImage(_ folder: String) throws -> String {
    let path = folder + "/open.onnx"
    #expect(try espalier("export", image(folder), "--to", "onnx", "-o", path).status == 0)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    for size: UInt8 in [20, 24] {
      let place = try #require(bytes.range(of: Data([0x0A, 2, 0x08, size])))
      bytes.replaceSubrange(place, with: [0x0A, 2, 0x12, 0])
    }
    try bytes.write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func openSizesAreGiven() throws {
    try withTemporaryDirectory { folder in
      let (model, plan) = (try openImage(folder), folder + "/open.plan")
      try expect(
        65, "compile", model,
        says: "cannot read \(model): its input \"input\" has shape [?, 3, ?, ?], whose sizes only images tell: train, prune, evaluate and "
          + "inspect take them from --dataset, compile from --image-size HEIGHTxWIDTH")
      try expect(
        64, "compile", model, "--image-size", "1x9x9",
        says: "--image-size 1x9x9 does not go with \(model), which takes images of other sizes, e.g. 3×224×224")
      for (size, shape) in [("12", [3, 12, 12]), ("12x16", [3, 12, 16]), ("3x16x12", [3, 16, 12])] {
        #expect(try espalier("compile", model, "--kernels", "usual", "--image-size", size).status == 0)
        #expect(try CompiledModel(contentsOf: plan).plan.inputShape == shape)
      }
      // A profile of images of one size is none for another.
      for (size, shape) in [("12", [3, 12, 12]), ("16x12", [3, 16, 12])] {
        #expect(try espalier("compile", model, "--image-size", size).status == 0)
        let profile = try Data(contentsOf: URL(fileURLWithPath: folder + "/open.kernels.json"))
        #expect(try JSONDecoder().decode(Profile.self, from: profile).input == shape)
      }
      // Other engines run the model in the plan's size.
      let timed = try espalier(
        "benchmark", plan, "--model", model, "--against", "libtorch", "--batch", "3", "--repetitions", "1", "--json")
      #expect(timed.status == 0 && timed.errors.isEmpty)
      struct Report: Decodable {
        struct Engine: Decodable { var name: String, difference: Double }
        var engines: [Engine]
      }
      let engines = try JSONDecoder().decode(Report.self, from: Data(timed.output.utf8)).engines
      #expect(engines.map(\.name) == ["espalier", "libtorch"] && engines.allSatisfy { $0.difference < 1e-5 })
    }
  }

  @Test func normalisationIsGivenOrTheModels() throws {
    try withTemporaryDirectory { folder in
      let (model, plan) = (try openImage(folder), folder + "/open.plan")
      func preparation(_ words: String...) throws -> PlanPreparation {
        let made = try espalier(["compile", model, "--kernels", "usual", "--image-size", "12x16"] + words)
        #expect(made.status == 0 && made.errors.isEmpty)
        return try CompiledModel(contentsOf: plan).plan.preparation
      }
      #expect(try preparation() == PlanPreparation(shape: [3, 12, 16]))
      #expect(
        try preparation("--mean", "0.5", "--deviation", "0.25,0.5,1")
          == PlanPreparation(shape: [3, 12, 16], mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.5, 1]))
      #expect(
        try preparation("--mean", "1,2,3", "--deviation", "2", "--resize", "14", "--channel-order", "bgr")
          == PlanPreparation(shape: [3, 12, 16], mean: [1, 2, 3], deviation: [2, 2, 2], resize: 14, isReversed: true))

      // What an exported model says of itself is believed, and what is given goes before it.
      let known = Preprocessing(inputShape: [3, 20, 24], mean: [1, 2, 3], deviation: [4, 5, 6], resize: 30)
      let source = try image(folder, preprocessing: known, classes: ["cat", "dog"])
      #expect(try espalier("export", source, "--to", "onnx", "-o", folder + "/told.onnx").status == 0)
      for told in [source, folder + "/told.onnx"] {
        #expect(try espalier("compile", told, "--kernels", "usual", "-o", plan).status == 0)
        let made = try CompiledModel(contentsOf: plan).plan
        #expect(made.classes == ["cat", "dog"])
        #expect(made.preparation == PlanPreparation(shape: [3, 20, 24], mean: [1, 2, 3], deviation: [4, 5, 6], resize: 30))
        #expect(try espalier("compile", told, "--kernels", "usual", "-o", plan, "--mean", "0", "--deviation", "1").status == 0)
        #expect(
          try CompiledModel(contentsOf: plan).plan.preparation
            == PlanPreparation(shape: [3, 20, 24], mean: [0, 0, 0], deviation: [1, 1, 1], resize: 30))
      }
    }
  }

  @Test func optionsThatDoNotGoWithAModelAreRefused() throws {
    try withTemporaryDirectory { folder in
      let (model, vector) = (try image(folder), try small(folder))
      try expect(
        64, "compile", model, "--image-size", "8", says: "--image-size 8 goes with an ONNX model: \(model) takes inputs of 3×20×24")
      try expect(
        64, "compile", model, "--mean", "1,2", "--deviation", "1",
        says: "--mean 1,2 has 2 numbers: images of \(model) take 1 number or 3")
      try expect(
        64, "compile", vector, "--mean", "1", "--deviation", "1", says: "--mean is of images: \(vector) takes inputs of 64")
      try expect(
        64, "compile", model, "--resize", "30",
        says: "--resize needs --mean and --deviation: \(model) does not say how its images are normalised")
      try expect(
        64, "compile", model, "--mean", "0", "--deviation", "1", "--resize", "19",
        says: "--resize 19 is impossible: images of \(model) have 20 pixels a side; give 20 or more")
      #expect(try espalier("export", vector, "--to", "onnx", "-o", folder + "/v.onnx").status == 0)
      try expect(
        64, "compile", folder + "/v.onnx", "--image-size", "9",
        says: "--image-size 9 does not go with \(folder)/v.onnx, which takes inputs of 64: leave it out")
      // A vector may be an image's pixels.
      #expect(try espalier("compile", folder + "/v.onnx", "--kernels", "usual", "--image-size", "8").status == 0)
      #expect(try CompiledModel(contentsOf: folder + "/v.plan").plan.preparation == PlanPreparation(shape: [1, 8, 8]))
    }
  }

  @Test func weightsAloneAreToldWhatToDo() throws {
    try withTemporaryDirectory { folder in
      let (model, bare) = (try small(folder), folder + "/bare.safetensors")
      #expect(try espalier("export", model, "--to", "safetensors", "-o", bare).status == 0)
      let way =
        "espalier prune --network NAME --weights \(bare) --sparsity 0 --epochs 0 -o \(folder)/bare.model.safetensors"
      let words = "\(bare) holds weights, but no network: \(way) makes a model file of them, and \"espalier methods\" lists networks"
      try expect(65, "compile", bare, says: words)
      try expect(65, "export", bare, "--to", "onnx", says: words)
      let plan = try smallPlan(folder)
      try expect(65, "benchmark", plan, "--model", bare, "--against", "libtorch", says: words)
      // The way that is told leads there, with the same weights.
      let line = way.split(separator: " ").dropFirst().map { $0 == "NAME" ? "mlp:64-16-10" : String($0) }
      #expect(try espalier(line + ["--quiet", "--no-latency"]).status == 0)
      #expect(try espalier("compile", folder + "/bare.model.safetensors", "--kernels", "dense", "-o", folder + "/a.plan").status == 0)
      #expect(try espalier("compile", model, "--kernels", "dense", "-o", folder + "/b.plan").status == 0)
      let plans = try ["a", "b"].map { try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0).plan")) }
      #expect(plans[0] == plans[1])

      // The index of several files.
      let index = #"{"weight_map": {"fc1.weight": "bare.safetensors"}}"#
      try Data(index.utf8).write(to: URL(fileURLWithPath: folder + "/b.index.json"))
      let listed = try espalier("compile", folder + "/b.index.json")
      #expect(listed.status == 65 && listed.errors.hasPrefix("espalier: \(folder)/b.index.json holds weights, but no network: "))
      try Data().write(to: URL(fileURLWithPath: folder + "/empty.pt"))
      try expect(
        65, "compile", folder + "/empty.pt", says: "cannot read \(folder)/empty.pt: 0 bytes are too few for a safetensors file")
      for name in ["none.th", "none.pt", "none.index.json", "none.onnx"] {
        try expect(66, "compile", name, says: "there is no file \(name)")
      }
    }
  }

  // MARK: - Names of kernels

  /// fc1 reads 64 channels, fc2 16.
  @Test func channelsThatALayerDoesNotHaveAreAll() throws {
    try withTemporaryDirectory { folder in
      let model = try small(folder)
      struct Report: Decodable {
        struct Layer: Decodable { var kernel: String }
        var layers: [Layer]
      }
      func compiled(_ kernels: String) throws -> (names: [String], plan: Data) {
        let made = try espalier("compile", model, "--kernels", kernels, "-o", folder + "/p.plan", "--json")
        #expect(made.status == 0 && made.errors.isEmpty)
        let report = try JSONDecoder().decode(Report.self, from: Data(made.output.utf8))
        return (report.layers.map(\.kernel), try Data(contentsOf: URL(fileURLWithPath: folder + "/p.plan")))
      }
      let all = try compiled("sparse:allx8")
      #expect(all.names == ["sparse:all×8", "sparse:all×8"])
      for count in [64, 65, 8000, 1_048_576] {
        let many = try compiled("sparse:\(count)x8")
        #expect(many.names == all.names && many.plan == all.plan, "\(count)")
      }
      #expect(try compiled("sparse:16x8").names == ["sparse:16×8", "sparse:all×8"])
      #expect(try compiled("sparse:63x16").names == ["sparse:63×16", "sparse:all×16"])
      #expect(try compiled("sparse:15x8").names == ["sparse:15×8", "sparse:15×8"])

      // A profile of before is read, and gives the same plan.
      let profile = """
        {"form": "avx512", "batches": "all", "threads": 1, "groups": 4, "loneExamples": 8, "layers": [
        {"name": "fc1", "weights": 1024, "kept": 1024, "kernel": "sparse:8000×8"},
        {"name": "fc2", "weights": 160, "kept": 160, "kernel": "sparse:256×8"}]}
        """
      try Data(profile.utf8).write(to: URL(fileURLWithPath: folder + "/old.json"))
      let old = try compiled(folder + "/old.json")
      #expect(old.names == all.names && old.plan == all.plan)
      // What is measured has such names, too.
      #expect(try espalier("compile", model, "--kernels", "measured").status == 0)
      let written = try String(contentsOfFile: folder + "/small.kernels.json", encoding: .utf8)
      #expect(!written.contains("sparse:64") && !written.contains("sparse:128") && !written.contains("sparse:256"))
    }
  }

  // MARK: - What benchmark says

  @Test func tablesAreHeadedByTheBatchesThatWereAskedFor() throws {
    try withTemporaryDirectory { folder in
      let plan = try smallPlan(folder)
      let run = try espalier("benchmark", plan, "--batch", "64,1,7,16,20,1", "--repetitions", "1")
      #expect(run.status == 0)
      let heads = run.output.split(separator: "\n").filter { $0.contains("GFLOP/s") }
      #expect(
        heads.map { $0.prefix { $0 != "k" }.trimmingCharacters(in: .whitespaces) } == [
          "batch 1, 7, one after another", "batch 16, 16 side by side", "batch 20, 32 side by side", "batch 64, 64 side by side",
        ])
      #expect(heads.allSatisfy { $0.hasSuffix("  GFLOP/s  % of memory's speed") })
      #expect(BenchmarkReport.heading([1], pass: 1) == "batch 1")
      #expect(BenchmarkReport.heading([64], pass: 1) == "batch 64, one after another")
      #expect(BenchmarkReport.heading([16, 64], pass: 16) == "batch 16, 64, 16 side by side")
    }
  }

  /// An eighth of 1 GB holds 128 MB: 33,554,432 float32, which are 453,438 examples of 74 values with 20 numbers left over.
  @Test(
    arguments: [
      (74, 1 << 30, [1, 453_438], nil), (74, 1 << 30, [1, 453_439, 453_440], (453_439, 453_438)), (1, 32, [1], nil),
      (1, 32, [2], (2, 1)), (2, 32, [1], (1, 0)), (150_528 + 1000, 16 << 30, [3543], nil),
      (150_528 + 1000, 16 << 30, [3544], (3544, 3543)), (0, 64, [2], nil), (1, .max, [65536], nil),
    ] as [(Int, Int, [Int], (Int, Int)?)])
  func batchesThatFitAreTaken(values: Int, memory: Int, batches: [Int], refused: (Int, Int)?) {
    var error: SparseRuntimeError?
    do { try BenchmarkCommand.checkRoom(for: batches, values: values, memory: UInt64(memory)) } catch let found { error = found }
    let words = refused.map {
      "a batch of \($0.0) examples of \(values) values in and out is more than this machine has room for; possible are up to \($0.1)"
    }
    #expect(error == words.map { .resources($0) })
  }
}
