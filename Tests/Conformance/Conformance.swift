internal import Foundation
internal import Interchange
internal import Torch

/// A command of the project's own tests: runs many files of other programs through the readers, one line of JSON for each result.
@main
enum Conformance {
  private static let usage = """
    usage: espalier-conformance --operations
           espalier-conformance --cases FOLDER …                      cases of ONNX's backend tests
           espalier-conformance --mutations COUNT SEED FILE …         damaged copies of ONNX models, checkpoints and safetensors files

    """

  static func main() {
    do {
      try TorchRuntime.configure(threads: 1)
      let arguments = Array(CommandLine.arguments.dropFirst())
      switch arguments.first {
      case "--operations": try write(ImportedNetwork.operations)
      case "--cases": for folder in arguments.dropFirst() { try write(SuiteCase(folder: folder).verdict()) }
      case "--mutations":
        guard arguments.count > 3, let count = Int(arguments[1]), let seed = UInt64(arguments[2]) else { fallthrough }
        for path in arguments[3...] { try write(MutationResult(of: path, count: count, seed: seed)) }
      default:
        FileHandle.standardError.write(Data(usage.utf8))
        exit(64)
      }
      exit(0)
    } catch {
      FileHandle.standardError.write(Data("espalier-conformance: \(error)\n".utf8))
      exit(70)
    }
  }

  /// Writes a line at once: whoever reads it sees which case a crash or a hang belongs to.
  private static func write(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    FileHandle.standardOutput.write(try encoder.encode(value) + Data("\n".utf8))
  }
}
