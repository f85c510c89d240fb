import Foundation
import Processes
import Results
import TestSupport
import Testing
import Training

/// What a run of the built program gave.
struct Outcome {
  var status: Int32
  var output: String
  var errors: String
}

/// Runs the `espalier` that was built beside these tests.
///
/// - Parameter outputTo: a path that standard output goes to instead.
func espalier(_ arguments: String..., outputTo path: String? = nil) throws -> Outcome { try espalier(arguments, outputTo: path) }

/// The same with a list of arguments.
///
/// - Parameter shell: what a shell does before, whose last command is the program's, as in `ulimit -f 4; exec`.
func espalier(_ arguments: [String], outputTo path: String? = nil, after shell: String? = nil) throws -> Outcome {
  try run(program, arguments, outputTo: path, after: shell)
}

/// The same of another program that was built beside these tests.
func run(_ program: URL, _ arguments: [String] = [], outputTo path: String? = nil, after shell: String? = nil) throws -> Outcome {
  let process = try ChildProcess(
    shell == nil ? program.path : "/bin/sh", shell.map { ["-c", "\($0) \"$0\" \"$@\"", program.path] + arguments } ?? arguments,
    output: path.map { .file($0) } ?? .pipe)
  let (output, errors) = try process.wait()
  return Outcome(
    status: process.exitStatus, output: String(decoding: output, as: UTF8.self), errors: String(decoding: errors, as: UTF8.self))
}

private struct NoProgram: Error, CustomStringConvertible {
  let name: String
  var description: String { "the program \(name) was not found beside the tests" }
}

var program: URL { get throws { try builtProgram("espalier") } }

/// A program that was built beside these tests.
func builtProgram(_ name: String) throws -> URL {
  // The test runner's own path leads to the folder of products, with or without a bundle in between.
  let places = [Bundle.main.bundleURL] + Bundle.allBundles.map(\.bundleURL) + CommandLine.arguments.map { URL(fileURLWithPath: $0) }
  for place in places {
    var folder = place
    for _ in 0..<4 {
      let candidate = folder.appendingPathComponent(name)
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: candidate.path, isDirectory: &isFolder), !isFolder.boolValue { return candidate }
      folder.deleteLastPathComponent()
    }
  }
  throw NoProgram(name: name)
}

@Suite struct CommandLineTests {
  @Test func helpTeaches() throws {
    let help = try espalier("--help")
    #expect(help.status == 0)
    #expect(help.output.contains("espalier prune --network lenet-300-100 --dataset digits --sparsity 0.9"))
    for command in ["train", "prune", "evaluate", "inspect", "compare", "methods", "data"] {
      #expect(help.output.contains("\n  \(command) "), "the overview lists \(command)")
      let own = try espalier(command, "--help")
      #expect(own.status == 0)
      #expect(
        own.output.contains("  espalier \(command)") || own.output.contains("\nespalier \(command)"), "\(command)'s help has an example")
    }
    #expect(try espalier().output == help.output, "no command shows the overview")
  }

  @Test func theVersionNamesLibtorch() throws {
    let version = try espalier("--version")
    #expect(version.status == 0)
    #expect(version.output.hasPrefix("espalier 0.1.0 (libtorch 2."))
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionsAreGenerated(shell: String) throws {
    let script = try espalier("--generate-completion-script", shell)
    #expect(script.status == 0)
    #expect(script.output.contains("inspect") && script.output.contains("granularity"))
  }

  @Test(arguments: [
    (["prun"], 64, "espalier: unknown command \"prun\"; did you mean prune?\n"),
    (["data", "fecth"], 64, "espalier: unknown command \"data fecth\"; did you mean fetch?\n"),
    (["inspect", "--jsn", "vgg16"], 64, "espalier: Unknown option '--jsn'. Did you mean '--json'? See \"espalier inspect --help\"\n"),
    (["inspect"], 64, "espalier: Missing expected argument '<model>'; see \"espalier inspect --help\"\n"),
    (
      ["inspect", "vg16"], 64,
      "espalier: no such file, and unknown network \"vg16\"; did you mean vgg16?\n"
    ),
    (["inspect", "gone.safetensors"], 66, "espalier: there is no file gone.safetensors\n"),
    (
      ["inspect", "resnet-20", "--dataset", "mnist"], 64,
      "espalier: network resnet-20 takes 3×32×32 images (or other sizes from 8×8 on), mnist has 1×28×28; networks for 1×28×28: "
        + "lenet-300-100, lenet-5, lenet-5-bn, mlp:WIDTHS\n"
    ),
    (
      ["train", "--network", "lenet-5", "--dataset", "mnist", "--epochs", "x"], 64,
      "espalier: --epochs \"x\" is not a length of training: write 40ep or 50000it\n"
    ),
    (
      ["prune", "--network", "lenet-5", "--epochs=-3", "--sparsity", "0.5"], 64,
      "espalier: --epochs \"-3\" is not a length of training: write 40ep or 50000it\n"
    ),
    (
      ["prune", "--network", "lenet-5", "--fraction", "0.5", "--every", "7epochs"], 64,
      "espalier: --every \"7epochs\" is not a length of training: write 40ep or 50000it\n"
    ),
    (
      ["prune", "--network", "lenet-5", "--fraction", "0.5", "--recovery", ""], 64,
      "espalier: --recovery \"\" is not a length of training: write 40ep or 50000it\n"
    ),
    (
      ["train", "--network", "lenet-5", "--dataset", "mnist", "--evaluate-every", "1.5ep"], 64,
      "espalier: --evaluate-every \"1.5ep\" is not a length of training: write 40ep or 50000it\n"
    ),
    (
      ["train", "--network", "lenet-5", "--dataset", "mnist", "--warm-up", "it"], 64,
      "espalier: --warm-up \"it\" is not a length of training: write 40ep or 50000it\n"
    ),
    (
      ["train", "--network", "lenet-5", "--dataset", "mnist", "--milestones", "3ep,,4ep"], 64,
      "espalier: --milestones \"\" is not a length of training: write 40ep or 50000it\n"
    ),
    (
      ["train", "--network", "lenet-5", "--dataset", "mnist", "--checkpoint-every", "often"], 64,
      "espalier: --checkpoint-every \"often\" is not a length of training: write 40ep or 50000it\n"
    ),
    (
      ["prune", "--network", "lenet-5", "--granularity", "unit", "--fraction", "0.999", "--epochs", "0"], 64,
      "espalier: the fraction would empty conv1: it asks for 20 of its 20 units, and a layer keeps at least one: ask for less, or leave it "
        + "alone with --ignore conv1\n"
    ),
    (
      ["prune", "--network", "lenet-5", "--granularity", "unit", "--fraction", "0.5", "--epochs", "0", "--ignore", "conv9*"], 64,
      "espalier: --ignore \"conv9*\" matches no layer: choose from conv1, conv2, fc1\n"
    ),
    (
      ["prune", "--network", "lenet-5", "--granularity", "unit", "--criterion", "abs-mrs", "--fraction", "0.5", "--epochs", "0"], 64,
      "espalier: criterion abs-mrs needs data: give --dataset\n"
    ),
    (
      ["prune"], 64,
      "espalier: what should be pruned? give a model file, or --network, e.g. --network lenet-300-100; see \"espalier prune --help\"\n"
    ),
    (["prune", "a", "--network", "b"], 64, "espalier: give a model file or --network, not both; see \"espalier prune --help\"\n"),
    (
      ["prune", "a", "--weights", "b"], 64,
      "espalier: --weights goes with --network: a model file has its own weights; see \"espalier prune --help\"\n"
    ),
    (
      ["prune", "--network", "lenet-5", "--sparsty", "0.5"], 64,
      "espalier: Unknown option '--sparsty'. Did you mean '--sparsity'? See \"espalier prune --help\"\n"
    ),
    (
      ["sensitivity", "--network", "lenet-5", "--weigths", "a"], 64,
      "espalier: Unknown option '--weigths'. Did you mean '--weights'? See \"espalier sensitivity --help\"\n"
    ),
    (
      ["probe", "--network", "small-conv", "--fraction", "0.1"], 64,
      "espalier: Unknown option '--fraction'. Did you mean '--fractions'? See \"espalier probe --help\"\n"
    ),
    (["evaluate"], 64, "espalier: give a model file, or --network with --weights; see \"espalier evaluate --help\"\n"),
    (
      ["evaluate", "--network", "lenet-5"], 64,
      "espalier: --network needs --weights: untrained weights are not worth evaluating; see \"espalier evaluate --help\"\n"
    ),
    (
      ["sensitivity", "--network", "lenet-5"], 64,
      "espalier: --network needs --weights: untrained weights say nothing; see \"espalier sensitivity --help\"\n"
    ),
    (
      ["prune", "--network", "mlp:64-10", "--granularity", "unit", "--fraction", "0.5", "--epochs", "0"], 64,
      "espalier: no units of mlp:64-10 can be removed: fc1: they are the network's output fc1; give --granularity weight\n"
    ),
    (
      ["prune", "--network", "lenet-5", "--granularity", "unit", "--limit", "3", "--epochs", "0"], 64,
      "espalier: --limit 3.0 of what? give --of parameters, macs, bytes or latency\n"
    ),
    (
      ["prune", "--network", "lenet-5", "--granularity", "weight", "--sparsity", "0.5", "--of", "macs", "--epochs", "0"], 64,
      "espalier: --of macs counts what a smaller network costs: it does not go with --granularity weight\n"
    ),
    (
      ["prune", "--network", "lenet-5", "--granularity", "unit", "--fraction", "0.5", "--repair", "glue", "--epochs", "0"], 64,
      "espalier: unknown --repair \"glue\": choose mean, reconstruction, batch-norm, or several, e.g. mean,batch-norm\n"
    ),
  ])
  func mistakesGetOneLine(arguments: [String], status: Int, words: String) throws {
    let outcome = try espalier(arguments)
    #expect(outcome.errors == words)
    #expect(outcome.status == Int32(status))
    #expect(outcome.output.isEmpty)
  }

  @Test func damagedFilesAreNamed() throws {
    try withTemporaryDirectory { folder in
      let empty = folder + "/empty.safetensors"
      try Data().write(to: URL(fileURLWithPath: empty))
      let huge = folder + "/huge.safetensors"
      try Data("no safetensors at all".utf8).write(to: URL(fileURLWithPath: huge))
      for path in [empty, huge] {
        let outcome = try espalier("inspect", path)
        #expect(outcome.status == 65)
        #expect(outcome.errors.hasPrefix("espalier: cannot read \(path): "))
        #expect(outcome.errors.filter(\.isNewline).count == 1)
      }
    }
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "this system has no /dev/full"))
  func aFullDiskIsReported() throws {
    let outcome = try espalier("inspect", "vgg16", outputTo: "/dev/full")
    #expect(outcome.errors == "espalier: cannot write standard output: No space left on device\n")
    #expect(outcome.status == 74)
  }

  @Test func aNetworkIsInspectedWithoutAFile() throws {
    let outcome = try espalier("inspect", "lenet-300-100")
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(
      outcome.output == """
        lenet-300-100

        layer    operation   weights      output   parameters     MACs
        input    input                    1×28×28
        flatten  flatten                  784
        fc1      linear      300×784      300         235,500  235,200
        relu1    activation               300
        fc2      linear      100×300      100          30,100   30,000
        relu2    activation               100
        fc3      linear      10×100       10            1,010    1,000
        total                410 outputs              266,610  266,200

        size  tensors 1.07 MB, activations of one example at most 4.34 kB

        """)
  }

  @Test func channelGroupsAreListed() throws {
    let outcome = try espalier("inspect", "lenet-5", "--groups")
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(
      outcome.output == """
        group  channels  leave together
        conv1        20  conv1[out] → conv2[in]
        conv2        50  conv2[out] → fc1[in×16]
        fc1         500  fc1[out] → fc2[in]
        fc2           –  none can leave: they are the network's output fc2

        """)
    let json = try espalier("inspect", "lenet-5", "--groups", "--json")
    #expect(json.status == 0 && json.output.contains("\"path\" : \"conv2[out] → fc1[in×16]\""))
  }

  /// A norm in steps, as language models write it: what it reads stays, what is behind it can leave.
  @Test func opaqueNodesAreListedWithWhatTheyKeep() throws {
    struct Golden: Decodable { var name, file: String }
    let all = try JSONDecoder().decode([Golden].self, from: Data(contentsOf: reference("onnx_opaque.json")))
    let golden = try #require(all.first { $0.name == "torch-rms-norm" })
    try withTemporaryDirectory { folder in
      let path = folder + "/rms.onnx"
      try #require(Data(base64Encoded: golden.file)).write(to: URL(fileURLWithPath: path))
      let outcome = try espalier("inspect", path, "--groups")
      #expect(outcome.status == 0)
      #expect(outcome.errors.contains("4 nodes are opaque, and keep the channels that they read: channelMean "))
      #expect(
        outcome.output == """
          group                      channels  leave together
          up                                6  up[out] → down[in]
          first                             –  none can leave: the opaque channelMean /norm/ReduceMean_output_0 keeps them
          down                              –  none can leave: the opaque channelMean /norm/ReduceMean_output_0 keeps them
          /norm/ReduceMean_output_0         –  opaque channelMean, keeps 4 channels of first, 4 channels of down
          norm_2                            –  opaque sqrt, keeps channels of no layer
          norm_3                            –  opaque reciprocal, keeps channels of no layer
          norm.Mul                          –  opaque multiply, keeps 4 channels of first, 4 channels of down

          """)
      let json = try espalier("inspect", path, "--groups", "--json")
      #expect(json.output.contains("\"function\" : \"channelMean\""))
      #expect(json.output.contains("\"layer\" : \"first\""))
    }
  }

  /// Without data the weights are random, and the target and the proof are the point.
  @Test func unitsAreCutToATargetWithoutData() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("espalier-cut-\(UUID().uuidString).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    let outcome = try espalier(
      "prune", "--network", "resnet-8", "--granularity", "unit", "--scope", "global", "--sparsity", "0.5", "--of", "macs", "--epochs", "0",
      "--threads", "1", "--output", file)
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("\ntarget") && outcome.output.contains("\nproof") && outcome.output.contains("allowed 1.0e-04)"))
    #expect(FileManager.default.fileExists(atPath: file))
    let groups = try espalier("inspect", file, "--groups")
    #expect(groups.status == 0 && groups.output.contains("conv1[out] + layer1.0.conv2[out]"))
  }

  @Test func aProofCanBeLeftOut() throws {
    try withTemporaryDirectory { folder in
      let outcome = try espalier(
        "prune", "--network", "mlp:64-20-10", "--granularity", "unit", "--fraction", "0.5", "--epochs", "0", "--threads", "1", "--no-proof",
        "--output", folder + "/small.safetensors")
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("\nproof        1 surgery not proved (--no-proof)\n"), "\(outcome.output)")
      #expect(!outcome.errors.contains("proved"), "\(outcome.errors)")
    }
  }

  /// A run broken off is the same run whether or not its row is measured.
  @Test func latencyCanBeLeftOut() throws {
    try withTemporaryDirectory { folder in
      let dense = folder + "/dense.safetensors"
      let trained = try espalier(
        "train", "--network", "mlp:64-20-10", "--dataset", "digits", "--epochs", "1", "--threads", "1", "--no-latency", "--json",
        "--output", dense)
      #expect(trained.status == 0, "\(trained.errors)")
      let row = try RunRecord(json: Data(trained.output.utf8))
      #expect(row.dense.latency.isEmpty && row.dense.accuracyAtEnd != nil)
      let recipe = try ModelFile(contentsOf: dense).recipe
      #expect(recipe?.contains("atency") == false)
      let pruned = try espalier(
        "prune", dense, "--granularity", "unit", "--fraction", "0.5", "--epochs", "0", "--threads", "1", "--no-latency", "--resume",
        "--output", folder + "/small.safetensors")
      #expect(pruned.status == 0, "\(pruned.errors)")
      #expect(!pruned.output.contains("latency, batch") && pruned.output.contains("\nlatency      not measured\n"), "\(pruned.output)")
      #expect(pruned.output.contains("the time was not measured."), "\(pruned.output)")
    }
  }

  @Test func aNetworkIsMadeForADataSet() throws {
    let outcome = try espalier("inspect", "lenet-300-100", "--dataset", "digits", "--json")
    let object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let summary = try #require(object["summary"] as? [String: Any])
    let layers = try #require(summary["layers"] as? [[String: Any]])
    #expect(layers.first?["outputShape"] as? [Int] == [1, 8, 8])
    #expect(layers.compactMap { $0["weightShape"] as? [Int] } == [[300, 64], [100, 300], [10, 100]])
  }

  @Test func networksAreCompared() throws {
    let outcome = try espalier("compare", "mlp:784-300-100-10", "mlp:784-50-100-10")
    #expect(outcome.status == 0)
    #expect(
      outcome.output == """
        mlp:784-300-100-10 → mlp:784-50-100-10

        layer  outputs   weights                 parameters              MACs
        fc1    300 → 50  300×784 → 50×784  235,500 → 39,250  235,200 → 39,200
        fc2    100       100×300 → 100×50    30,100 → 5,100    30,000 → 5,000
        fc3    10        10×100                       1,010             1,000

        outputs           410 → 160  (0.39×)
        parameters        266,610 → 45,360  (0.17×)
        prunable weights  266,200 → 45,200  (0.17×)
        MACs              266,200 → 45,200  (0.17×)
        tensors           1.07 MB → 181 kB  (0.17×)

        """)
  }

  @Test func methodsAreListed() throws {
    let all = try espalier("methods")
    #expect(all.status == 0)
    for word in ["magnitude", "activation", "weight-norm", "cubic", "exponential", "lenet-300-100", "kaiming-uniform", "floor"] {
      #expect(all.output.contains("\n  \(word) "), "the list names \(word)")
    }
    let json = try espalier("methods", "criteria", "--json")
    let object = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    #expect(Array(object.keys) == ["criteria"])
  }

  @Test func dataSetsAreListedAndVerified() throws {
    try withTemporaryDirectory { folder in
      let list = try espalier("data", "list", "--data-dir", folder)
      #expect(list.status == 0)
      #expect(
        list.output.contains("\nmnist            1×28×28       10    60,000   10,000  CC BY-SA 3.0                              not here\n")
      )
      let missing = try espalier("data", "verify", "mnist", "--data-dir", folder)
      #expect(missing.status == 66)
      #expect(missing.output.contains("train-images-idx3-ubyte.gz  missing"))
      let builtIn = try espalier("data", "verify", "digits", "--data-dir", folder)
      #expect(builtIn.status == 0)
      let unknown = try espalier("data", "verify", "minst", "--data-dir", folder)
      #expect(unknown.status == 64)
      #expect(unknown.errors.hasPrefix("espalier: unknown data set \"minst\"; did you mean mnist?"))
      let nothing = try espalier("data", "verify", "--data-dir", folder)
      #expect(nothing.status == 0)
      let fetched = try espalier("data", "fetch", "digits", "--data-dir", folder)
      #expect(fetched.status == 0)
      #expect(fetched.errors == "digits is built in: there is nothing to fetch\n")
    }
  }
}
