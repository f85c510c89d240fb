internal import ArgumentParser
internal import Datasets
internal import Files
internal import Foundation
internal import Interruptions
internal import Results
internal import SparseRuntime
internal import Torch
internal import Words

/// `espalier run`: inference by the sparse runtime.
struct RunCommand: CheckedCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run a compiled model on images, tensors or a stream of numbers.",
    discussion: """
      JPEG and PNG images are scaled, cut and normalised as in training:
        espalier run small.plan cat.jpg dog.png

      A tensor of a safetensors file, [n, channels, height, width], as it is:
        espalier run small.plan batch.safetensors -o logits.safetensors

      A pipe of float32 numbers, one example after another, little-endian, to a
      pipe of outputs:
        producer | espalier run small.plan - > logits.f32
      """)

  @Argument(help: ArgumentHelp("A plan that espalier compile made.", valueName: "plan"), completion: .file(extensions: ["plan"]))
  var plan: String

  @Argument(
    help: ArgumentHelp("Images, a safetensors file, or - for float32 numbers from standard input.", valueName: "input"),
    completion: .file(extensions: ["jpg", "jpeg", "png", "safetensors"]))
  var inputs: [String]

  @Option(
    name: .shortAndLong, help: ArgumentHelp("A safetensors file for the outputs, as the tensor output.", valueName: "file"),
    completion: .file(extensions: ["safetensors"]))
  var output: String?

  @Option(help: ArgumentHelp("Name of the tensor; may be left out if the file has one.", valueName: "name"))
  var tensor: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("How many classes are shown for each example.", valueName: "n"))
  var top = 3

  @Option(parsing: .unconditional, help: ArgumentHelp("Threads that compute an example, or many, together.", valueName: "n"))
  var threads = 1

  @Flag(help: "Keep each of the threads on a processor of its own.")
  var pin = false

  @Flag(help: "Print outputs as JSON.")
  var json = false

  private enum Input { case images, tensors, stream }
  private var input: Input { inputs == ["-"] ? .stream : inputs.allSatisfy { $0.hasSuffix(".safetensors") } ? .tensors : .images }

  func check() throws {
    guard (1...1024).contains(threads) else { throw ValidationError("--threads \(threads) is impossible: 1 to 1024 are possible") }
    guard top >= 1 else { throw ValidationError("--top \(top) is impossible: give 1 or more") }
    if inputs.count > 1, inputs.contains("-") { throw ValidationError("- is standard input and stands alone") }
    if input == .tensors, inputs.count > 1 { throw ValidationError("give one safetensors file, not \(inputs.count)") }
    if input == .images, let other = inputs.first(where: { $0.hasSuffix(".safetensors") }) {
      throw ValidationError("give images or a safetensors file: \(other.inLine) stands among images")
    }
    if tensor != nil, input != .tensors { throw ValidationError("--tensor goes with a safetensors file") }
    if input == .stream, output != nil || json {
      throw ValidationError("numbers from - go to standard output: leave out --output and --json")
    }
  }

  func run() throws {
    var outputs = Outputs()
    outputs.keep("the plan", plan)
    for input in inputs where input != "-" { outputs.keep("the input", input) }
    outputs.add("--output", output, as: .file)
    try outputs.check()
    let model = try CompiledModel(contentsOf: plan, threads: threads, pinned: pin)
    switch input {
    case .stream: try stream(model)
    case .tensors: try report(model, model.run(tensorValues(model)), names: nil)
    case .images:
      let preparation = model.plan.preparation
      if let missing = inputs.first(where: { !FileManager.default.fileExists(atPath: $0) }) { throw MissingFile(path: missing) }
      let shape = preparation.shape.isEmpty ? model.plan.inputShape : preparation.shape
      let files = try inputs.map {
        try StillImage(path: $0, shape: shape, resize: preparation.resize, isReversed: preparation.isReversed)
      }
      // Not before it is known that there are images: an error is one line.
      if preparation.mean.isEmpty { Console.note("\(plan) does not say how images are normalised: their values are 0 to 1") }
      var results: [Float] = []
      for file in files { results += try model.run(model.input(of: file.bytes)) }
      try report(model, results, names: inputs)
    }
  }

  private func tensorValues(_ model: CompiledModel) throws -> [Float] {
    let archive = try TensorArchive(contentsOf: inputs[0])
    let known = archive.tensors.keys.sorted()
    guard !known.isEmpty else { throw UnusableInput("\(inputs[0]) has no tensors: give a file that holds the examples") }
    guard let name = tensor ?? (known.count == 1 ? known.first : nil), let tensor = archive.tensors[name] else {
      let names = known.prefix(8).map(\.inLine).joined(separator: ", ") + (known.count > 8 ? ", …" : "")
      let wanted = tensor.map { "none is called \($0.inLine)" } ?? "give --tensor"
      throw UnusableInput("\(inputs[0]) has the tensors \(names): \(wanted)")
    }
    let shape = model.plan.inputShape
    // Sides of one pixel may be left out, and all of them be written as one.
    let expected = [shape, [shape.reduce(1, *)], model.plan.preparation.shape].map { $0.filter { $0 != 1 } }
    func sides(_ shape: some Sequence<Int>) -> String { shape.map(String.init).joined(separator: "×") }
    guard let count = tensor.shape.first, expected.contains(tensor.shape.dropFirst().filter { $0 != 1 }) else {
      let given = tensor.shape.isEmpty ? "a single number" : sides(tensor.shape)
      throw UnusableInput("\(inputs[0]): \(name.inLine) is \(given); expected is n×\(sides(shape))")
    }
    guard count > 0 else {
      throw UnusableInput("\(inputs[0]): \(name.inLine) is \(sides(tensor.shape)), which is no example: give 1 or more of \(sides(shape))")
    }
    return try tensor.cast(to: .float32).array(Float.self)
  }

  /// Passes whole examples from standard input to standard output, as many at a time as have come.
  private func stream(_ model: CompiledModel) throws {
    Interrupt.ignoreClosedPipes()
    let size = model.plan.inputCount * MemoryLayout<Float>.stride
    var (pending, isEmpty) = (Data(), true)
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      // A producer may wait for the answer to an example before it sends the next: what has come is answered.
      let count = read(STDIN_FILENO, &buffer, buffer.count)
      if count < 0, errno == EINTR {
        try Interruption.check()
        continue
      }
      guard count >= 0 else { throw UnusableInput("standard input cannot be read: \(String(cString: strerror(errno)))") }
      if count == 0 { break }
      isEmpty = false
      pending.append(contentsOf: buffer[..<count])
      let whole = pending.count / size * size
      guard whole > 0 else { continue }
      let values = pending.prefix(whole).withUnsafeBytes { bytes in
        [Float](unsafeUninitializedCapacity: whole / MemoryLayout<Float>.stride) { buffer, count in
          UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
          count = whole / MemoryLayout<Float>.stride
        }
      }
      pending = Data(pending.dropFirst(whole))
      try Console.pass(model.run(values))
    }
    if isEmpty {
      throw UnusableInput(
        "standard input is empty: give float32 numbers, \(Format.count(model.plan.inputCount)) for each example", .noInput)
    }
    guard pending.isEmpty else {
      throw UnusableInput("standard input ended within an example: \(pending.count) of \(size) bytes")
    }
  }

  private func report(_ model: CompiledModel, _ results: [Float], names: [String]?) throws {
    let size = model.plan.outputCount
    let rows = stride(from: 0, to: results.count, by: size).map { Array(results[$0..<$0 + size]) }
    if let output {
      try TensorArchive(tensors: ["output": Tensor(results, shape: [rows.count, size])], metadata: [:]).write(to: output)
      Console.note("wrote \(output)")
    }
    if json {
      struct Row: Encodable {
        var input: String?
        var output: [Float]
      }
      return try Console.print(Format.json(rows.enumerated().map { Row(input: names?[$0], output: $1) }))
    }
    guard output == nil else { return }
    for (i, row) in rows.enumerated() {
      let name = names?[i].inLine ?? "\(i)"
      try Console.print("\(name): \(classes(of: row, model.plan.classes).joined(separator: ", "))")
    }
  }

  /// Returns the classes of the largest outputs with their probabilities, by softmax.
  private func classes(of row: [Float], _ names: [String]) -> [String] {
    guard row.allSatisfy(\.isFinite) else { return ["outputs that are not finite numbers"] }
    let largest = Double(row.max() ?? 0)
    let powers = row.map { exp(Double($0) - largest) }
    let sum = powers.reduce(0, +)
    let order = row.indices.sorted { (row[$0], $1) > (row[$1], $0) }
    return order.prefix(top).map { index in
      let name = index < names.count ? names[index].inLine : "class \(index)"
      return "\(name) \(String(format: "%.1f", 100 * powers[index] / sum)) %"
    }
  }
}

/// The error for an input that the network does not take.
private struct UnusableInput: ReportedError, CustomStringConvertible {
  let description: String
  let exitStatus: ExitStatus
  init(_ description: String, _ exitStatus: ExitStatus = .dataError) { (self.description, self.exitStatus) = (description, exitStatus) }
}

extension SparseRuntimeError: ReportedError {
  var exitStatus: ExitStatus {
    switch self {
    case .file: .noInput
    case .unusable, .malformed, .input: .dataError
    case .resources: .systemError
    }
  }
}
