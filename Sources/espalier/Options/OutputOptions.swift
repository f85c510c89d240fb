internal import ArgumentParser
internal import Foundation
internal import Results
internal import Words

/// Options for output; shared by the commands that take long.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Show no progress.")
  var quiet = false

  @Flag(help: "Print the result as JSON.")
  var json = false

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Path of the model file to write; ending in .onnx, an ONNX file.", valueName: "file"),
    completion: .file())
  var output: String?

  /// Endings of other programs' files, which would not open what is written here.
  private static let foreignEndings: Set<String> = ["pt", "pth", "th", "ckpt", "bin", "pkl", "npz", "h5", "keras", "pb", "tflite", "py"]

  func validate() throws {
    guard let output, Self.foreignEndings.contains((output as NSString).pathExtension.lowercased()) else { return }
    throw ValidationError(
      "--output \(output.inLine) would hold a model file, which is safetensors: end it in .safetensors, or in .onnx for an ONNX file; "
        + "\"espalier export\" writes PyTorch modules")
  }

  /// Prints a row in the requested format.
  func print(_ record: RunRecord, showsLayers: Bool = false) throws {
    try Console.print(json ? record.json() : record.text(width: Console.textWidth, showsLayers: showsLayers))
  }
}

extension String {
  /// Whether a path that is to be written ends as ONNX files do.
  var hasONNXEnding: Bool { lowercased().hasSuffix(".onnx") }
}
