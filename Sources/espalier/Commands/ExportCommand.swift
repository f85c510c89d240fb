internal import ArgumentParser
internal import Files
internal import Foundation
internal import Interchange
internal import Networks
internal import Torch
internal import Training
internal import Words

/// `espalier export`: a model for other programs.
struct ExportCommand: CheckedCommand {
  /// The forms that `--to` offers.
  enum Form: String, ExpressibleByArgument, CaseIterable {
    case onnx, torch, safetensors

    /// The ending of what is written.
    var ending: String {
      switch self {
      case .onnx: ".onnx"
      case .torch: ".py"
      case .safetensors: ".weights.safetensors"
      }
    }
  }

  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a model for other programs.",
    discussion: """
      For ONNX Runtime and whatever else reads ONNX (opset 17, any batch size):
        espalier export small.safetensors --to onnx

      Half as large, computed in float16 between float32 inputs and outputs; or
      without the zeros of masked weights, which runtimes fill in again:
        espalier export small.safetensors --to onnx --float16
        espalier export small.safetensors --to onnx --sparse-initializers

      A Python program that defines the network as an nn.Module with today's
      widths, and a file of weights beside it, for those who go on in PyTorch:
        espalier export small.safetensors --to torch
        python3 -c 'import small; model = small.load()'

      An ONNX model becomes a Python program in the same way:
        espalier export resnet20.onnx --to torch

      The weights alone, under PyTorch's names, without masks and history:
        espalier export small.safetensors --to safetensors -o weights.safetensors

      Without --output it is written beside the model: small.py and
      small.weights.safetensors. Nothing is pickled.
      """)

  @Argument(
    help: ArgumentHelp("A model file, or an ONNX model.", valueName: "model"), completion: .file(extensions: ["safetensors", "onnx"]))
  var model: String

  @Option(help: ArgumentHelp("What to write: onnx, torch or safetensors; by default what the output's ending says.", valueName: "form"))
  var to: Form?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The file to write; by default beside the model, with the ending of its form.", valueName: "file"),
    completion: .file(extensions: ["onnx", "py", "safetensors"]))
  var output: String?

  @Flag(help: "ONNX: float16 inside, inputs and outputs stay float32.")
  var float16 = false

  @Flag(help: "ONNX: store weights that are mostly 0 without their zeros, where that is smaller.")
  var sparseInitializers = false

  func check() throws {
    let form = try form()
    for (option, isGiven) in [("--float16", float16), ("--sparse-initializers", sparseInitializers)] where isGiven && form != .onnx {
      throw ValidationError("\(option) goes with --to onnx")
    }
  }

  private func form() throws -> Form {
    if let to {
      if to == .torch, let output, !output.hasSuffix(".py") {
        throw ValidationError("--to torch writes a Python program: give --output a name that ends in .py")
      }
      return to
    }
    guard let output else { throw ValidationError("give --to onnx, torch or safetensors") }
    if output.hasSuffix(".onnx") { return .onnx }
    if output.hasSuffix(".py") { return .torch }
    if output.hasSuffix(".safetensors") { return .safetensors }
    throw ValidationError("--output \(output.inLine) does not tell what to write: give --to onnx, torch or safetensors")
  }

  /// The model file, or what one would be of an ONNX model.
  private func subject() throws -> ModelFile {
    guard ImportedNetwork.isOne(model) else { return try WeightsAlone.naming(model) { try ModelFile(contentsOf: model) } }
    let imported = try ImportedNetwork(contentsOf: model)
    for note in imported.notes { Console.note("\(model): \(note)") }
    return ModelFile(
      model: try imported.model(), preprocessing: imported.preprocessing, classes: imported.classes, origin: imported.origin)
  }

  func run() throws {
    let form = try form()
    let path = output ?? (model as NSString).deletingPathExtension + form.ending
    let stem = (path as NSString).deletingPathExtension
    let weights = form == .torch ? stem + Form.safetensors.ending : path
    var outputs = Outputs()
    outputs.keep("the model", model)
    outputs.add("--output", path, as: .file)
    if form == .torch { outputs.add("the file of weights", weights, as: .file) }
    try outputs.check()
    let file = try subject()
    let tensors = Dictionary(file.model.tensors.map { ($0.description, $1) }, uniquingKeysWith: { first, _ in first })
    let archive = TensorArchive(tensors: tensors, metadata: ["format": "pt"])
    switch form {
    case .torch: break
    case .safetensors:
      try archive.write(to: path)
      return Console.note("wrote \(path)")
    case .onnx:
      try file.writeONNX(to: path, ONNXExport.Form(isFloat16: float16, isSparse: sparseInitializers))
      return Console.note("wrote \(path)")
    }
    let program = try PyTorchModule(
      file.model.network,
      .init(
        writer: "Espalier \(Espalier.version)", program: (stem as NSString).lastPathComponent,
        weights: (weights as NSString).lastPathComponent,
        normalization: file.preprocessing.map { ($0.mean.map(Double.init), $0.deviation.map(Double.init)) },
        channelOrder: file.preprocessing?.channelOrder?.rawValue, origin: file.origin, classes: file.classes,
        masked: file.model.masks.keys.map(\.description).sorted()))
    try archive.write(to: weights)
    try AtomicFile.write(Data(program.source.utf8), to: path)
    Console.note("wrote \(path) and \(weights)")
  }
}
