internal import ArgumentParser
internal import Files
internal import Foundation
internal import Interchange
internal import Interruptions
internal import Networks
internal import Results
internal import SparseRuntime
internal import Torch
internal import Training
internal import Words

/// `espalier benchmark`: how fast a plan is, step by step and beside other engines.
struct BenchmarkCommand: CheckedCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark",
    abstract: "Time a compiled model, step by step and beside other engines.",
    discussion: """
      espalier benchmark small.plan
        espalier benchmark small.plan --batch 1,16,64 --threads 2

      Beside libtorch, and engines in Python; the model is what they run:
        espalier benchmark small.plan --model small.safetensors \\
          --against libtorch,onnxruntime,openvino

      An engine may need an environment of its own: name its Python. The others
      have that of ESPALIER_PYTHON, or python3.
        espalier benchmark small.plan --model small.onnx \\
          --against deepsparse=venv/bin/python,onnxruntime

      Engines are measured in turn, several times over, so that what else the
      machine does slows all alike; a time is the median of these turns. All get
      the same random numbers, and their outputs are compared.

      Steps are timed alone, for the examples that go through the network side by
      side. Their last column compares the bytes of weights and values, each
      counted once, with what copying a large array moves in the same time: more
      than 100 % stay in the processor's caches.
      """)

  @Argument(help: ArgumentHelp("A plan that espalier compile made.", valueName: "plan"), completion: .file(extensions: ["plan"]))
  var plan: String

  @Option(parsing: .unconditional, help: ArgumentHelp("Examples of a pass, with commas between several sizes.", valueName: "n,…"))
  var batch = "1,64"

  @Option(parsing: .unconditional, help: ArgumentHelp("Threads of each engine.", valueName: "n"))
  var threads = 1

  @Flag(help: "Keep each of the threads on a processor of its own.")
  var pin = false

  @Option(parsing: .unconditional, help: ArgumentHelp("Turns of each engine.", valueName: "n"))
  var repetitions = 7

  @Option(
    help: ArgumentHelp(
      "Engines to time beside it, with commas: libtorch, onnxruntime, deepsparse, openvino, openvino-sparse; =PYTHON after one names its Python.",
      valueName: "engine,…"))
  var against: String?

  @Option(
    help: ArgumentHelp("The model that other engines run: a model file, or an ONNX model.", valueName: "file"),
    completion: .file(extensions: ["safetensors", "onnx"]))
  var model: String?

  @Flag(help: "Print the times as JSON.")
  var json = false

  func batches() throws -> [Int] {
    try batch.split(separator: ",", omittingEmptySubsequences: false).map { word throws -> Int in
      guard let size = Int(word), (1...1 << 16).contains(size) else {
        throw ValidationError("--batch \(batch.inLine): give numbers from 1 to 65536, with commas between them")
      }
      return size
    }
  }

  func engines() throws -> [(name: String, python: String?)] {
    let words = against?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) ?? []
    let engines = try words.map { word throws -> (name: String, python: String?) in
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts[0] == "libtorch" || Peer.names.contains(parts[0]) else {
        throw ValidationError("--against \(word.inLine): possible are libtorch, \(Peer.names.joined(separator: ", "))")
      }
      return (parts[0], parts.count > 1 ? parts[1] : nil)
    }
    for (i, engine) in engines.enumerated() where engines[..<i].contains(where: { $0 == engine }) {
      throw ValidationError(
        "--against \(against?.inLine ?? "") names \(words[i].inLine) twice: name each engine once, or with another Python")
    }
    return engines
  }

  func check() throws {
    _ = try batches()
    let engines = try engines()
    guard (1...1024).contains(threads) else { throw ValidationError("--threads \(threads) is impossible: 1 to 1024 are possible") }
    guard (1...1000).contains(repetitions) else {
      throw ValidationError("--repetitions \(repetitions) is impossible: 1 to 1000 are possible")
    }
    if model == nil, let first = engines.first { throw ValidationError("--against \(first.name) needs --model, the model that it runs") }
    if model != nil, engines.isEmpty { throw ValidationError("--model goes with --against") }
  }

  func run() throws {
    let batches = try batches()
    let clock = ContinuousClock()
    let start = clock.now
    let compiled = try CompiledModel(contentsOf: plan, threads: threads, pinned: pin)
    let loaded = clock.now
    try Self.checkRoom(
      for: batches, values: compiled.plan.inputCount + compiled.plan.outputCount, memory: ProcessInfo.processInfo.physicalMemory)
    let one = numbers(compiled.plan.inputCount)
    _ = try compiled.run(one)
    let first = clock.now
    let copySpeed = Self.copySpeed()
    let rivals = try Rivals(engines(), model: model, threads: threads, shape: compiled.plan.inputShape)
    defer { rivals.removeFiles() }
    var report = BenchmarkReport(
      plan: plan, network: compiled.plan.name, planBytes: Int(try RegularFile(plan).size), storage: "\(compiled.plan.storage.form)",
      threads: threads,
      loadSeconds: (loaded - start) / .seconds(1), firstSeconds: (first - loaded) / .seconds(1), copyBytesPerSecond: copySpeed, engines: [],
      steps: [])
    for batch in batches {
      let input = numbers(batch * compiled.plan.inputCount)
      let own = try CompiledContestant(compiled, input)
      let all: [any Contestant] = [own] + (try rivals.contestants(input, batch: batch))
      report.engines += try Self.measured(all, batch: batch, repetitions: repetitions)
    }
    // Batches that go through the network alike have one table.
    for (groups, batches) in Dictionary(grouping: Set(batches), by: compiled.groups(for:)).sorted(by: { $0.key < $1.key }) {
      report.steps += try steps(compiled, groups: groups, of: batches.sorted(), copySpeed)
    }
    try Console.print(json ? Format.json(report) : report.text)
  }

  /// Refuses batches whose inputs and outputs take more than an eighth of the memory: each engine has its own, and what is in between
  /// besides.
  ///
  /// - Parameters:
  ///   - values: numbers of an example's input and output.
  ///   - memory: bytes of the machine.
  /// - Throws: `SparseRuntimeError.resources`.
  static func checkRoom(for batches: [Int], values: Int, memory: UInt64) throws(SparseRuntimeError) {
    let most = Int(clamping: memory / 8) / MemoryLayout<Float>.stride / max(values, 1)
    guard let batch = batches.first(where: { $0 > most }) else { return }
    throw .resources(
      "a batch of \(batch) examples of \(values) values in and out is more than this machine has room for; possible are up to \(most)")
  }

  /// Numbers of about the size of normalised pixels.
  private func numbers(_ count: Int) -> [Float] { (0..<count).map { Float(($0 &* 7919) % 1021) / 1021 * 2 - 1 } }

  private static func measured(_ all: [any Contestant], batch: Int, repetitions: Int) throws -> [BenchmarkReport.Engine] {
    // A turn takes some 50 ms, so that short passes are timed many times.
    let passes = try all.map { contestant in
      let once = try contestant.seconds(of: 2).min() ?? 0
      return max(1, min(2000, Int(0.05 / max(once, 1e-6))))
    }
    var medians: [[Double]] = Array(repeating: [], count: all.count)
    for _ in 0..<repetitions {
      for (i, contestant) in all.enumerated() {
        try Interruption.check()
        medians[i].append(median(try contestant.seconds(of: passes[i])))
      }
    }
    let largest = all[0].output.map { abs($0) }.max() ?? 0
    for other in all.dropFirst() where zip(other.output, all[0].output).contains(where: { abs($0 - $1) > 0.01 * largest }) {
      Console.note("\(other.name) gives other outputs at batch \(batch): is the model that which the plan was made of?")
    }
    return zip(all, medians).map { contestant, times in
      let difference = zip(contestant.output, all[0].output).map { abs($0 - $1) }.max() ?? 0
      return .init(
        name: contestant.name, version: contestant.version, batch: batch, seconds: median(times), fastest: times.min() ?? 0,
        slowest: times.max() ?? 0, difference: Double(difference / max(largest, .leastNormalMagnitude)))
    }
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard let middle = sorted.dropFirst(sorted.count / 2).first else { return 0 }
    return sorted.count.isMultiple(of: 2) ? (middle + sorted[sorted.count / 2 - 1]) / 2 : middle
  }

  private func steps(
    _ compiled: CompiledModel, groups: Int, of batches: [Int], _ copySpeed: Double
  ) throws -> [BenchmarkReport.Step] {
    let seconds = try compiled.stepSeconds(groups: groups)
    let examples = max(16 * groups, 1)
    return zip(compiled.plan.steps, seconds).map { step, seconds in
      let work = compiled.plan.work(of: step)
      guard seconds > 0 else {
        return .init(
          name: step.name, kernel: "\(step.kernelName), fused", batches: batches, batch: examples, seconds: 0, gigaflops: 0, bandwidth: 0)
      }
      return .init(
        name: step.name, kernel: step.kernelName, batches: batches, batch: examples, seconds: seconds,
        gigaflops: Double(2 * work.products * examples) / seconds / 1e9,
        bandwidth: Double(work.weightBytes + work.valueBytes * examples) / seconds / copySpeed)
    }
  }

  /// Bytes a second that copying a large array reads and writes.
  private static func copySpeed() -> Double {
    let count = 1 << 27
    let source = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 4096)
    let target = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 4096)
    defer {
      source.deallocate()
      target.deallocate()
    }
    source.initializeMemory(as: UInt8.self, repeating: 1, count: count)
    target.initializeMemory(as: UInt8.self, repeating: 0, count: count)
    let times = (0..<3).map { _ in ContinuousClock().measure { target.copyMemory(from: source, byteCount: count) } / .seconds(1) }
    return Double(2 * count) / max(times.min() ?? 1, 1e-9)
  }
}

/// The error for a model that a plan was not made of.
private struct WrongModel: ReportedError, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
  var exitStatus: ExitStatus { .dataError }
}

/// The engines that a plan is compared with, and the files that those in Python read.
private final class Rivals {
  private let engines: [(name: String, python: String?)]
  private let threads: Int
  private let model: Model?
  private var onnx: String?
  private let folder: String

  /// - Parameter shape: the plan's input, which says the size of images where an ONNX model does not.
  init(_ engines: [(name: String, python: String?)], model path: String?, threads: Int, shape: [Int]) throws {
    (self.engines, self.threads) = (engines, threads)
    folder = NSTemporaryDirectory() + "espalier-benchmark-\(getpid())"
    guard let path else {
      (model, onnx) = (nil, nil)
      return
    }
    let needsONNX = engines.contains { $0.name != "libtorch" }
    let file: ModelFile
    var given: String?
    if ImportedNetwork.isOne(path) {
      let (imported, isOwnSize) = try Self.imported(path, shape)
      file = ModelFile(model: try imported.model(), origin: imported.origin)
      // What was left off, a softmax say, the plan does not compute either: then all run what was read.
      if imported.notes.isEmpty, isOwnSize { given = path }
    } else {
      file = try WeightsAlone.naming(path) { try ModelFile(contentsOf: path) }
    }
    model = file.model
    if needsONNX, given == nil {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try file.writeONNX(to: folder + "/model.onnx")
    }
    onnx = given ?? folder + "/model.onnx"
    try TorchRuntime.configure(threads: threads)
    if needsONNX {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try Data(PackageResources.peer_py).write(to: URL(fileURLWithPath: folder + "/peer.py"))
    }
  }

  /// Reads an ONNX model in the size of its images, or else in the plan's.
  private static func imported(_ path: String, _ shape: [Int]) throws -> (network: ImportedNetwork, isOwnSize: Bool) {
    let own = try ImportedNetwork.hasOpenSizes(path) ? nil : ImportedNetwork(contentsOf: path)
    if let own, try own.network.inputShape.elements == shape.reduce(1, *) { return (own, true) }
    let other = Result {
      let sides = shape.suffix(2)
      return try ImportedNetwork(
        contentsOf: path, height: sides.first ?? 1, width: sides.last ?? 1, channels: shape.count == 3 ? shape[0] : nil)
    }
    if let own, (try? other.get()) == nil { return (own, true) }
    return (try other.get(), false)
  }

  func removeFiles() { try? FileManager.default.removeItem(atPath: folder) }

  func contestants(_ input: [Float], batch: Int) throws -> [any Contestant] {
    let usual = ProcessInfo.processInfo.environment["ESPALIER_PYTHON"].flatMap { $0.isEmpty ? nil : $0 } ?? "python3"
    return try engines.map { engine in
      guard let model else { throw PeerFailure(name: engine.name, reason: "no model was given") }
      guard try input.count == batch * model.network.inputShape.elements else {
        throw WrongModel("the model takes \(try model.network.inputShape), the plan \(input.count / batch) values: it was made of another")
      }
      if engine.name == "libtorch" { return try LibtorchContestant(model, input, batch: batch) }
      let data = folder + "/input-\(batch).raw"
      try input.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: data)) }
      return try Peer(
        engine.name, python: engine.python ?? usual, script: folder + "/peer.py", model: onnx ?? "", input: data, batch: batch,
        threads: threads)
    }
  }
}
