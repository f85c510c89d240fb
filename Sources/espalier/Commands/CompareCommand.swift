internal import ArgumentParser
internal import Results
internal import Words

/// `espalier compare`: two models side by side.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Show two models side by side, layer by layer.",
    discussion: """
      Cells read "64 → 50" if the models differ, and have one number otherwise:
        espalier compare dense.safetensors small.safetensors

      Either one may be a network of the catalogue:
        espalier compare vgg16-bn-cifar small.safetensors
      """)

  @Argument(help: ArgumentHelp("A model file, or a network's name.", valueName: "first"), completion: .file(extensions: ["safetensors"]))
  var first: String

  @Argument(help: ArgumentHelp("A model file, or a network's name.", valueName: "second"), completion: .file(extensions: ["safetensors"]))
  var second: String

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let comparison = NetworkComparison(try ModelSource(first).summary(), try ModelSource(second).summary())
    guard !json else { return try Console.print(comparison.json()) }
    try Console.print("\(first.printable()) → \(second.printable())\n\n" + comparison.text)
  }
}
