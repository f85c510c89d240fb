internal import ArgumentParser
internal import Files
internal import Foundation
internal import Interruptions
internal import Results
internal import SparseCompiler
internal import SparseRuntime
internal import Words

/// `espalier compile`: a plan of the sparse runtime.
struct CompileCommand: CheckedCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile",
    abstract: "Compile a model for the sparse runtime, in which zeros cost nothing.",
    discussion: """
      A plan has everything that inference needs, with weights in the order in
      which the kernels read them and zeros left out:
        espalier compile small.safetensors
        espalier run small.plan photo.jpg

      Batch norms, activations and residual sums become part of the layers. Which
      kernel a layer has, for all weights, single ones or blocks of them, is
      measured on this machine once and kept beside the plan
      (small.kernels.json); compiling again reads it and gives the same bytes.
      Measure anew, or do without:
        espalier compile small.safetensors --kernels measured
        espalier compile small.safetensors --kernels usual

      For requests that come one at a time, or for many images at once:
        espalier compile small.safetensors --batch 1
        espalier compile small.safetensors --batch 64

      For a small file, weights in 16 or 8 bits; they are float32 again in memory:
        espalier compile small.safetensors --storage int8

      An ONNX model may leave the size of its images open, and says nothing of
      how they are normalised:
        espalier compile model.onnx --image-size 224 \\
          --mean 0.485,0.456,0.406 --deviation 0.229,0.224,0.225

      A program that runs plans needs the module SparseRuntime only, not libtorch.
      """)

  @Argument(
    help: ArgumentHelp("A model file, or an ONNX model.", valueName: "model"), completion: .file(extensions: ["safetensors", "onnx"]))
  var model: String

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The plan to write; by default beside the model, with the ending .plan.", valueName: "file"),
    completion: .file(extensions: ["plan"]))
  var output: String?

  @Option(
    help: ArgumentHelp(
      """
      Each layer's kernel: the fastest (measured), by rule (usual), dense, sparse, block:4x4 (4x1, 2x4, 2x2, 2x1, \
      1x4) or kernel for all that can be, or as a profile says (a file); by default as the profile beside the plan says, or measured.
      """, valueName: "kernels"))
  var kernels: String?

  @Option(
    help: ArgumentHelp(
      """
      How weights lie in the file: float32, used where they lie; compact, the same numbers in fewer bytes; float16; int8, with a scale for \
      each output.
      """, valueName: "form"))
  var storage = StorageForm.float32

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Images of a batch that counts when kernels are measured; by default 1 and 64 alike. With 1 to 7 values are also laid out for single images.",
      valueName: "n"))
  var batch: Int?

  @Option(parsing: .unconditional, help: ArgumentHelp("Threads that kernels are measured with.", valueName: "n"))
  var threads = 1

  @OptionGroup(title: "Input") var input: InputOptions

  @Flag(help: "Print the layers and their kernels as JSON.")
  var json = false

  private var batches: KernelTuner.Batches { batch.map { $0 < 8 ? .lone : .many } ?? .all }
  private var path: String { output ?? (model as NSString).deletingPathExtension + ".plan" }
  /// Where the profile is kept; nothing lies beside a pipe or a device.
  private var profilePath: String? { AtomicFile.isStream(path) ? nil : (path as NSString).deletingPathExtension + ".kernels.json" }

  private static let choices = ["measured", "usual", "dense", "sparse"]
  /// The file of a profile that `--kernels` names.
  private var givenProfile: String? { kernels.flatMap { Self.choices.contains($0) || LayerKernel($0) != nil ? nil : $0 } }

  func check() throws {
    if let batch, batch < 1 { throw ValidationError("--batch \(batch) is impossible: give a number of images, 1 or more") }
    guard (1...1024).contains(threads) else { throw ValidationError("--threads \(threads) is impossible: 1 to 1024 are possible") }
    if output == "-" { throw ValidationError("--output -: a plan is a file: give its name") }
    if path.hasSuffix(".kernels.json") {
      throw ValidationError("--output \(path.inLine): profiles of kernels are called so: give a plan another name, such as small.plan")
    }
    if let givenProfile, !FileManager.default.fileExists(atPath: givenProfile) {
      if givenProfile.contains(where: { ".\\/".contains($0) }) { throw MissingFile(path: givenProfile.inLine) }
      throw ValidationError(
        """
        --kernels \(givenProfile.inLine): possible are measured, usual, dense, sparse, \(BlockShape.names), sparse:24x8 for 24 channels and \
        8 vectors at a time, and the file of a profile
        """)
    }
  }

  func run() throws {
    do {
      try compile()
    } catch SparseRuntimeError.malformed(let what) {
      throw CompilationError.tooLarge(network: model, what: what)
    }
  }

  private func compile() throws {
    var outputs = Outputs()
    outputs.keep("the model", model)
    outputs.keep("--kernels", givenProfile)
    outputs.add("--output", path, as: .file)
    // A profile that is given is not measured, and so not written.
    if givenProfile == nil { outputs.add("the kernels' profile", profilePath, as: .file) }
    try outputs.check()
    let compilation = try Compilation(model, input: input, isLone: batches == .lone ? true : nil)
    // Before time is spent on measurements: what a form cannot hold it cannot hold with other kernels either.
    if storage != .float32 { _ = try compilation.compiler.plan(weights: storage.weights) }
    let chosen = try profile(for: compilation.compiler)
    guard let kernels = chosen.profile.kernels(for: compilation.compiler.layers) else {
      throw WrongProfile(path: self.kernels ?? profilePath ?? path, model: model)
    }
    let plan = try compilation.plan(chosen.profile, kernels: kernels, weights: storage.weights)
    // What cannot be read must not be written.
    let written = try CompiledModel(bytes: plan.bytes).plan
    let shown = chosen.profile.limited(to: written, compilation.compiler.layers)
    let outputCount = written.outputs.count
    if outputCount > 1 { Console.note("\(model) has \(outputCount) outputs: a plan's first is what run gives") }
    try AtomicFile.write(Data(plan.bytes), to: path)
    if chosen.isMeasured, let profilePath { try Console.write(Format.json(shown), to: profilePath) }
    let report = CompilationReport(
      path: path, plan: plan, storage: storage.weights, profile: shown, modelBytes: (try? RegularFile(model).size).map { Int($0) })
    try Console.print(json ? Format.json(report) : report.text)
  }

  private func profile(for compiler: PlanCompiler) throws -> (profile: KernelProfile, isMeasured: Bool) {
    func fixed(_ kernel: (PlanCompiler.LayerSummary) -> LayerKernel) -> KernelProfile {
      let kernels = Dictionary(compiler.layers.map { ($0.name, kernel($0)) }, uniquingKeysWith: { first, _ in first })
      return KernelProfile(
        form: InferenceForm.fastest.rawValue, groups: compiler.usualGroups, loneExamples: compiler.usualLoneExamples,
        input: compiler.inputShape,
        layers: compiler.layers, kernels: kernels)
    }
    switch kernels {
    case "usual": return (fixed(\.usual), false)
    case "dense": return (fixed { $0.canBeDense ? .dense : .sparse(channels: nil) }, false)
    case "sparse": return (fixed { if case .sparse = $0.usual { $0.usual } else { .sparse(channels: 24) } }, false)
    case let given? where LayerKernel(given) != nil:
      return (fixed { layer in LayerKernel(given).flatMap { layer.suits($0) ? $0 : nil } ?? layer.usual }, false)
    case let given? where given != "measured": return (try read(given), false)
    case nil:
      // A profile of another network, of another state of it or of images of another size is measured anew.
      if let known = known(), known.form == InferenceForm.fastest.rawValue, known.batches == batches.rawValue,
        known.threads == threads, known.input == compiler.inputShape, known.kernels(for: compiler.layers) != nil
      {
        return (known, false)
      }
    default: break
    }
    let tuner = KernelTuner(batches: batches, threads: threads)
    let profile = try tuner.profile(of: compiler) { share in
      try Interruption.check()
      if Console.isTerminal { Console.draw("\rmeasuring kernels: \(Int(100 * share)) %") }
    }
    if Console.isTerminal { Console.draw("\r\u{1B}[K") }
    return (profile, true)
  }

  /// The profile beside the plan; one that is none is going to be replaced, which must not come as a surprise.
  private func known() -> KernelProfile? {
    guard let profilePath, FileManager.default.fileExists(atPath: profilePath) else { return nil }
    if let known = try? read(profilePath) { return known }
    Console.note("\(profilePath) is not a usable profile: kernels are measured, and it is replaced")
    return nil
  }

  private func read(_ path: String) throws -> KernelProfile {
    let text = try RegularFile.text(path, limit: 1 << 24)
    do { return try JSONDecoder().decode(KernelProfile.self, from: Data(text.utf8)) } catch { throw WrongProfile(path: path, model: model) }
  }
}

/// What was compiled, and how.
private struct CompilationReport: Encodable {
  var plan: String
  var bytes: Int
  var storage: String
  var largestChange: Change?
  var modelBytes: Int?
  var form: String
  var groups: Int
  var loneExamples: Int
  var layers: [KernelProfile.Layer]

  /// The weight that its form in the file changes most.
  struct Change: Encodable {
    var layer: String
    var from: Float, to: Float, size: Float
  }

  init(path: String, plan: PackedPlan, storage: WeightForm, profile: KernelProfile, modelBytes: Int?) {
    (self.plan, bytes, self.storage, self.modelBytes, form) = (path, plan.bytes.count, "\(storage)", modelBytes, profile.form)
    largestChange = plan.largestChange.map { Change(layer: $0.layer, from: $0.from, to: $0.to, size: $0.size) }
    (groups, loneExamples, layers) = (profile.groups, profile.loneExamples, profile.layers)
  }

  var text: String {
    var table = TextTable(alignments: [.left, .right, .right, .right, .left], header: ["layer", "weights", "kept", "%", "kernel"])
    for layer in layers {
      let percent = String(format: "%.1f", 100 * Double(layer.kept) / Double(max(layer.weights, 1)))
      table.append([layer.name, Format.count(layer.weights), Format.count(layer.kept), percent, layer.kernel])
    }
    var size = "\(plan.inLine): \(Format.count(bytes)) bytes" + (storage == "float32" ? "" : ", weights as \(storage)")
    size += modelBytes.map { ", the model has \(Format.count($0))" } ?? ""
    if let change = largestChange {
      func number(_ value: Float, _ digits: Int = 6) -> String { Format.significant(Double(value), digits) }
      size +=
        "\nlargest change of a weight: \(number(change.size, 4)), from \(number(change.from)) to \(number(change.to)) in \(change.layer.inLine)"
    } else if storage != "float32" {
      size += "\nno weight is changed"
    }
    return table.text + "\n\n" + size + "\n"
  }
}

/// The error for a profile that is not one of the model's layers.
private struct WrongProfile: ReportedError, CustomStringConvertible {
  let path: String
  let model: String
  var exitStatus: ExitStatus { .dataError }
  var description: String { "\(path) is not a profile of the layers of \(model): give --kernels measured" }
}
