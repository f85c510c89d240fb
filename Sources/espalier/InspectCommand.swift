internal import ArgumentParser
internal import Datasets
internal import Foundation
internal import Networks
internal import Results
internal import Torch
internal import Training

/// `espalier inspect`.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show a model file or a network layer by layer.",
    discussion: """
      Shapes, parameters, multiplies (MACs), zeros, masks, and the history:
        espalier inspect small.safetensors
        espalier inspect small.safetensors --json

      A network of the catalogue needs no file; --dataset makes it for those
      images and classes:
        espalier inspect vgg16-bn-cifar
        espalier inspect lenet-300-100 --dataset digits

      Which channels leave together when units are pruned, and which cannot:
        espalier inspect resnet-20 --groups

      A safetensors file of another program is shown tensor by tensor.
      """)

  @Argument(help: ArgumentHelp("A model file, or a network's name.", valueName: "model"))
  var model: String

  @Option(help: ArgumentHelp("Make the named network for this data set.", valueName: "name"))
  var dataset: String?

  @Flag(help: "Show the groups of channels that are removed together.")
  var groups = false

  @Option(help: ArgumentHelp("The most memory --groups may need, e.g. 8GB; estimated, and refused beyond.", valueName: "size"))
  var memory: MemoryLimit = .standard

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let description = try dataset.map { try Dataset.named($0) }
    let source: ModelSource
    do { source = try ModelSource(model, dataset: description) } catch let error as ModelFileError {
      // A sound file of another program holds weights without a network, which can be listed all the same.
      guard let archive = try? TensorArchive(contentsOf: model), archive.metadata["format"] != "espalier" else { throw error }
      return try Console.print(ArchiveListing(archive, path: model).output(json: json))
    }
    if case .file = source, dataset != nil {
      throw ValidationError("--dataset goes with a network's name: a model file knows its own input")
    }
    if groups {
      let listing = try GroupListing(source.network, within: memory)
      return try Console.print(json ? listing.json() : listing.text)
    }
    let inspection = try Inspection(source)
    try Console.print(json ? inspection.json() : inspection.text(width: Console.textWidth))
  }
}

/// All that `inspect` says of a model.
struct Inspection: Encodable {
  var summary: ModelSummary
  var activationBytes: Int
  var history: [RemovalEvent]
  var preprocessing: Preprocessing?
  var classes: [String]
  var recipe: String?

  init(_ source: ModelSource) throws {
    summary = try source.summary()
    activationBytes = try source.network.cost().peakActivationBytes
    (history, classes) = ([], [])
    if case .file(let file, _) = source {
      history = file.history
      preprocessing = file.preprocessing
      classes = file.classes
      recipe = file.recipe
    }
  }

  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let flat = try encoder.encode(self)
    guard var object = try JSONSerialization.jsonObject(with: flat) as? [String: Any] else { return String(decoding: flat, as: UTF8.self) }
    // The recipe is JSON itself; readers should not have to unpack a text within a text.
    if let recipe, let parsed = try? JSONSerialization.jsonObject(with: Data(recipe.utf8)) { object["recipe"] = parsed }
    let data = try JSONSerialization.data(withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data, as: UTF8.self)
  }

  func text(width: Int) -> String {
    var facts: [(label: String, words: String)] = []
    let sizes = ["tensors \(Format.bytes(summary.tensorBytes))"] + (summary.fileBytes.map { ["file \(Format.bytes($0))"] } ?? [])
    facts.append(("size", (sizes + ["activations of one example at most \(Format.bytes(activationBytes))"]).joined(separator: ", ")))
    if summary.nonZeroWeights != nil, summary.effectiveMACs != summary.macs {
      facts.append(("MACs", "\(Format.count(summary.effectiveMACs)) of \(Format.count(summary.macs)) multiply a weight that is not 0"))
    }
    if let preprocessing {
      let numbers = { (values: [Float]) in values.map { Format.significant(Double($0), 4) }.joined(separator: ", ") }
      facts.append(
        (
          "input",
          "\(Format.shape(preprocessing.inputShape)), (value/255 − mean)/deviation, mean \(numbers(preprocessing.mean)), "
            + "deviation \(numbers(preprocessing.deviation))"
        ))
    }
    if !classes.isEmpty {
      let shown = classes.prefix(12).map(Self.printable).joined(separator: ", ")
      facts.append(("classes", "\(classes.count): \(shown)\(classes.count > 12 ? ", …" : "")"))
    }
    for (index, event) in history.enumerated() { facts.append((index == 0 ? "history" : "", event.words)) }
    if let recipe { facts.append(("recipe", Self.printable(recipe).replacing(",\"", with: ", \""))) }
    return "\(Self.printable(summary.network))\n\n" + summary.text + "\n" + TextTable.facts(facts, width: width)
  }

  /// Without control characters: names come from files, and a terminal obeys escape sequences.
  static func printable(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.properties.generalCategory != .control }))
  }
}

extension RemovalEvent {
  /// One line: when, what, by what, how much of which layer.
  var words: String {
    // Most methods' words name their criterion themselves.
    let by = method.contains(criterion) ? "" : " by " + Inspection.printable(criterion)
    var parts = ["step \(Format.count(step)): \(Inspection.printable(method))\(by)"]
    let units = removed.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
    if !units.isEmpty {
      parts.append("units " + units.map { "\(Inspection.printable($0.key)) −\($0.value.count)" }.joined(separator: ", "))
    }
    let weights = masked.filter { $0.value != 0 }.values.reduce(0) { $0.addingReportingOverflow($1).partialValue }
    if weights != 0 { parts.append("\(Format.count(weights)) weights masked") }
    return parts.joined(separator: "; ")
  }
}

/// The tensors of a safetensors file that holds no network.
struct ArchiveListing: Encodable {
  struct Entry: Encodable {
    var name: String
    var shape: [Int]
    var type: String
    var elements: Int
  }
  var path: String
  var tensors: [Entry]
  var metadata: [String: String]

  init(_ archive: TensorArchive, path: String) {
    self.path = path
    metadata = archive.metadata
    tensors = archive.tensors.sorted { $0.key < $1.key }.map {
      Entry(name: $0.key, shape: $0.value.shape, type: $0.value.elementType?.rawValue ?? "?", elements: $0.value.count)
    }
  }

  func output(json: Bool) throws -> String {
    if json { return try Format.json(self) }
    var table = TextTable(alignments: [.left, .left, .left, .right], header: ["tensor", "shape", "type", "elements"])
    for entry in tensors {
      table.append([Inspection.printable(entry.name), Format.shape(entry.shape), entry.type, Format.count(entry.elements)])
    }
    table.append(["total", "", "", Format.count(tensors.reduce(0) { $0 + $1.elements })])
    return "\(path): a safetensors file without a network; prune and evaluate take it with --network NAME --weights \(path)\n\n"
      + table.text
  }
}
