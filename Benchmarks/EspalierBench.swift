internal import Foundation
internal import Training

/// The benchmark's command, which takes one measurement in a process of its own: `espalier-bench --case NAME --variant VARIANT
/// --threads N --seconds S`, `--surgery NETWORK --threads N`, `--probe NETWORK --threads N`, `--sparse FORM --threads N --seconds S`, or
/// `--scale FORM --nodes N [--output FILE]`.
@main
enum EspalierBench {
  static func main() {
    var values: [String: String] = [:]
    let arguments = Array(CommandLine.arguments.dropFirst())
    for (key, value) in zip(arguments, arguments.dropFirst()) where key.hasPrefix("--") { values[String(key.dropFirst(2))] = value }
    let known = BenchmarkCase.all.map(\.name).joined(separator: ", ")
    let threads = values["threads"].flatMap(Int.init) ?? 1
    if let network = values["surgery"] { finish { try SurgeryTime.measure(network, threads: threads) } }
    if let network = values["probe"] { finish { try ProbeTime.measure(network, threads: threads) } }
    if let form = values["scale"].flatMap(ScaleTime.Form.init) {
      finish {
        try ScaleTime.measure(form, nodes: values["nodes"].flatMap(Int.init) ?? 1000, threads: threads, path: values["output"])
      }
    }
    if let form = values["sparse"] {
      finish {
        try SparseTime.measure(
          threads: threads, seconds: values["seconds"].flatMap(Double.init) ?? 20, form: KernelForm(rawValue: form))
      }
    }
    guard let name = values["case"], let subject = BenchmarkCase.all.first(where: { $0.name == name }),
      let variant = BenchmarkCase.Variant(rawValue: values["variant"] ?? "dense")
    else {
      let variants = BenchmarkCase.Variant.allCases.map(\.rawValue).joined(separator: "|")
      let usage =
        "usage: espalier-bench --case NAME [--variant \(variants)] [--threads N] [--seconds S] | --surgery NETWORK | --probe NETWORK | "
        + "--sparse fastest|portable|neon|avx2|avx512 | --scale linear|residual --nodes N; cases: \(known)\n"
      FileHandle.standardError.write(Data(usage.utf8))
      exit(64)
    }
    finish {
      try subject.measure(
        variant, threads: threads, seconds: values["seconds"].flatMap(Double.init) ?? 5)
    }
  }

  /// Prints the measurement, or why it failed, and exits.
  private static func finish(_ measure: () throws -> String) -> Never {
    do {
      print(try measure())
      exit(0)
    } catch {
      FileHandle.standardError.write(Data("espalier-bench: \(error)\n".utf8))
      exit(70)
    }
  }
}
