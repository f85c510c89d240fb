internal import Foundation
internal import Training

/// The benchmark's command, which takes one measurement in a process of its own and prints it as a line of JSON.
@main
enum EspalierBench {
  private static func usage(_ cases: [String]) -> String {
    """
    usage: espalier-bench --case NAME [--what \(names(BenchmarkCase.Subject.self))] [--variant VARIANT] [--threads N] [--seconds S]
           espalier-bench --sparse fastest|\(names(KernelForm.self)) [--threads N,…] [--seconds S]
           espalier-bench --surgery NETWORK | --probe NETWORK [--threads N]
           espalier-bench --scale \(names(ScaleTime.Form.self)) [--nodes N] [--output FILE]
    variants: \(names(BenchmarkCase.Variant.self)); cases: \(cases.joined(separator: ", "))

    """
  }

  private static func names<Kind: CaseIterable & RawRepresentable>(_: Kind.Type) -> String where Kind.RawValue == String {
    Kind.allCases.map(\.rawValue).joined(separator: "|")
  }

  static func main() {
    var values: [String: String] = [:]
    let arguments = Array(CommandLine.arguments.dropFirst())
    for (key, value) in zip(arguments, arguments.dropFirst()) where key.hasPrefix("--") { values[String(key.dropFirst(2))] = value }
    let counts = (values["threads"] ?? "1").split(separator: ",").compactMap { Int($0) }.filter { $0 > 0 }
    let seconds = values["seconds"].flatMap(Double.init)
    let nodes = values["nodes"].flatMap(Int.init) ?? 1000
    finish {
      let cases = try BenchmarkCase.all()
      let threads = counts.first ?? 1
      if let network = values["surgery"] { return try SurgeryTime.measure(network, threads: threads) }
      if let network = values["probe"] { return try ProbeTime.measure(network, threads: threads) }
      if let form = values["scale"].flatMap(ScaleTime.Form.init) {
        return try ScaleTime.measure(form, nodes: nodes, threads: threads, path: values["output"])
      }
      if let form = values["sparse"], !counts.isEmpty {
        return try SparseTime.measure(threads: counts, seconds: seconds ?? 20, form: KernelForm(rawValue: form))
      }
      guard let name = values["case"], let subject = cases[name], !counts.isEmpty,
        let what = BenchmarkCase.Subject(rawValue: values["what"] ?? "train"),
        let variant = BenchmarkCase.Variant(rawValue: values["variant"] ?? "dense")
      else {
        FileHandle.standardError.write(Data(usage(cases.keys.sorted()).utf8))
        exit(64)
      }
      return try subject.measure(what, variant, threads: threads, seconds: seconds ?? 5)
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
