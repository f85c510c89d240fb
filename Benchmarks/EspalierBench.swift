internal import Foundation
internal import SparseRuntime
internal import Training

/// The benchmark's command, which takes one measurement in a process of its own and prints it as a line of JSON.
@main
enum EspalierBench {
  private static func usage() -> String {
    """
    usage: espalier-bench --case NAME [--what \(names(BenchmarkCase.Subject.self))] [--variant VARIANT] [--threads N] [--seconds S]
           espalier-bench --sparse fastest|\(names(KernelForm.self)) [--threads N,…] [--seconds S]
           espalier-bench --convolutions NETWORK [--threads N] [--seconds S]
           espalier-bench --surgery NETWORK | --probe NETWORK [--threads N]
           espalier-bench --loader DIR [--threads N] [--seconds S]
           espalier-bench --scale \(names(ScaleTime.Form.self)) [--nodes N] [--output FILE]
    variants: \(names(BenchmarkCase.Variant.self)); cases: \(((try? BenchmarkCase.all()) ?? [:]).keys.sorted().joined(separator: ", "))

    """
  }

  private static func names<Kind: CaseIterable & RawRepresentable>(_: Kind.Type) -> String where Kind.RawValue == String {
    Kind.allCases.map(\.rawValue).joined(separator: "|")
  }

  static func main() {
    do {
      print(try measured(Options(Array(CommandLine.arguments.dropFirst()))))
      exit(0)
    } catch let error as UsageError {
      FileHandle.standardError.write(Data("espalier-bench: \(error.words)\n\(usage())".utf8))
      exit(64)
    } catch {
      FileHandle.standardError.write(Data("espalier-bench: \(error)\n".utf8))
      exit(70)
    }
  }

  private static func measured(_ options: Options) throws -> String {
    let (threads, seconds) = (try options.threads(), try options.seconds())
    func only() throws -> Int {
      guard threads.count == 1 else { throw UsageError("--threads takes several numbers with --sparse only") }
      return threads[0]
    }
    if let network = options["convolutions"] { return try ConvolutionTime.measure(network, threads: only(), seconds: seconds ?? 120) }
    if let network = options["surgery"] { return try SurgeryTime.measure(network, threads: only()) }
    if let network = options["probe"] { return try ProbeTime.measure(network, threads: only()) }
    if let folder = options["loader"] { return try LoaderTime.measure(folder, threads: only(), seconds: seconds ?? 2) }
    if options["scale"] != nil {
      let form = try options.choice("scale", or: ScaleTime.Form.linear)
      return try ScaleTime.measure(form, nodes: options.nodes(), threads: only(), path: options["output"])
    }
    if let name = options["sparse"] {
      let form = name == "fastest" ? nil : try options.choice("sparse", or: KernelForm.portable)
      guard form.map(KernelForm.available.contains) ?? true else { throw UsageError("--sparse \(name): this processor lacks it") }
      return try SparseTime.measure(threads: threads, seconds: seconds ?? 20, form: form)
    }
    guard let name = options["case"] else { throw UsageError("nothing to measure") }
    guard let subject = try BenchmarkCase.all()[name] else { throw UsageError("--case \(name) is unknown") }
    return try subject.measure(
      options.choice("what", or: .train), options.choice("variant", or: .dense), threads: only(), seconds: seconds ?? 5)
  }
}

/// The error for a command line that asks for nothing that can be measured; the usage follows its words.
struct UsageError: Error {
  let words: String
  init(_ words: String) { self.words = words }
}

/// The options of a command line, each with a value.
struct Options {
  private static let names: Set = [
    "case", "what", "variant", "threads", "seconds", "sparse", "convolutions", "surgery", "probe", "loader", "scale", "nodes", "output",
  ]
  private var values: [String: String] = [:]

  init(_ arguments: [String]) throws {
    var rest = arguments[...]
    while let option = rest.popFirst() {
      let name = String(option.dropFirst(2))
      guard option.hasPrefix("--"), Self.names.contains(name) else { throw UsageError("unknown: \(option)") }
      guard let value = rest.popFirst() else { throw UsageError("\(option) needs a value") }
      values[name] = value
    }
  }

  subscript(name: String) -> String? { values[name] }

  func choice<Kind: RawRepresentable>(_ name: String, or usual: Kind) throws -> Kind where Kind.RawValue == String {
    guard let value = values[name] else { return usual }
    guard let found = Kind(rawValue: value) else { throw UsageError("--\(name) \(value) is unknown") }
    return found
  }

  func threads() throws -> [Int] {
    try (values["threads"] ?? "1").split(separator: ",", omittingEmptySubsequences: false).map { word in
      guard let count = Int(word), (1...1024).contains(count) else { throw UsageError("--threads \(word) is impossible: give 1 to 1024") }
      return count
    }
  }

  func seconds() throws -> Double? {
    try values["seconds"].map { word in
      guard let seconds = Double(word), seconds > 0, seconds <= 86_400 else {
        throw UsageError("--seconds \(word) is impossible: give more than 0, up to 86400")
      }
      return seconds
    }
  }

  func nodes() throws -> Int {
    guard let word = values["nodes"] else { return 1000 }
    guard let count = Int(word), (1...1_000_000).contains(count) else {
      throw UsageError("--nodes \(word) is impossible: give 1 to 1000000")
    }
    return count
  }
}
