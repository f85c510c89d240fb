internal import ArgumentParser
internal import Results

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

  /// Prints a row in the requested format.
  func print(_ record: RunRecord, showsLayers: Bool = false) throws {
    try Console.print(json ? record.json() : record.text(width: Console.textWidth, showsLayers: showsLayers))
  }
}

extension String {
  /// Whether a path that is to be written ends as ONNX files do.
  var hasONNXEnding: Bool { lowercased().hasSuffix(".onnx") }
}
