internal import ArgumentParser
internal import Datasets
internal import Foundation
internal import Interchange
internal import Networks
internal import Results
internal import Torch
internal import Training
internal import Words

/// `espalier inspect`: the layers of a model file or network.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show a model file, an ONNX model, a plan or a network layer by layer.",
    discussion: """
      Shapes, parameters, multiplications (MACs), zeros, masks, and history:
        espalier inspect small.safetensors
        espalier inspect small.safetensors --json

      An ONNX model, as the network that it becomes here:
        espalier inspect model.onnx --groups

      A plan of the sparse runtime, step by step, with the bytes of each:
        espalier inspect small.plan

      A network of the catalogue needs no file; --dataset adapts it to the
      images and classes of a data set, and an ONNX model to the images:
        espalier inspect vgg16-bn-cifar
        espalier inspect lenet-300-100 --dataset digits

      Channels that are removed together when units are pruned, and layers
      without any:
        espalier inspect resnet-20 --groups

      A safetensors file of another program, or a PyTorch checkpoint, is shown
      tensor by tensor.
      """)

  @Argument(
    help: ArgumentHelp("A model file, an ONNX model, a plan, or a network's name.", valueName: "model"),
    completion: .file(extensions: ["safetensors", "onnx", "plan"]))
  var model: String

  @Option(help: ArgumentHelp("Adapt the named network, or the ONNX model, to this data set of the catalogue.", valueName: "name"))
  var dataset: String?

  @Flag(help: "Show the groups of channels that are removed together.")
  var groups = false

  @Option(
    help: ArgumentHelp("Maximum memory that --groups may need, e.g. 8GB; estimated beforehand, and refused if exceeded.", valueName: "size")
  )
  var memory: MemoryLimit = .standard

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let description = try dataset.map { try Dataset.named($0) }
    if Compilation.isPlan(model) {
      if let option = dataset != nil ? "--dataset" : groups ? "--groups" : nil {
        throw ValidationError("\(option) goes with a model: \(model.inLine) is a plan")
      }
      let listing = try PlanListing(model)
      return try Console.print(json ? Format.json(listing) : listing.text(width: Console.textWidth))
    }
    let source: ModelSource
    do { source = try ModelSource(model, dataset: description) } catch let error as ModelFileError {
      // A sound file of another program holds weights without a network, which can still be listed.
      guard let archive = try? TensorArchive(contentsOf: model), archive.metadata["format"] != "espalier" else { throw error }
      return try Console.print(try ArchiveListing(archive, path: model, kind: "a safetensors file").output(json: json))
    } catch let error as TensorArchiveError {
      // What is no safetensors file may be another file of weights.
      guard FileManager.default.fileExists(atPath: model) else { throw error }
      let stored = try WeightsReader.files(model)
      let archive = TensorArchive(tensors: stored.tensors, unread: stored.unread)
      let kind = model.hasSuffix(".index.json") ? "safetensors files" : "a PyTorch checkpoint"
      return try Console.print(try ArchiveListing(archive, path: model, kind: kind).output(json: json))
    }
    if case .file = source, dataset != nil {
      throw ValidationError("--dataset goes with a network's name: a model file knows its own input")
    }
    if case .imported(_, let notes, let path) = source { for line in notes { Console.note("\(path): \(line)") } }
    if groups {
      let listing =
        switch source {
        case .file, .imported: try GroupListing(source.network, within: memory)
        case .network(let network): try NetworkError.naming { try GroupListing(network, within: memory) }
        }
      return try Console.print(json ? listing.json() : listing.text)
    }
    let inspection = try Inspection(source)
    try Console.print(json ? inspection.json() : inspection.text(width: Console.textWidth))
  }
}

/// Everything that `inspect` shows of a model.
struct Inspection: Encodable {
  var summary: ModelSummary
  var activationBytes: Int
  var history: [RemovalEvent]
  /// Indices of the original's features that each layer still has; nil if no unit was removed, or the original is unknown.
  var kept: [String: KeptFeatures]?
  /// Numbers of units now and in the original; nil if the original is unknown.
  var units: Units?
  var preprocessing: Preprocessing?
  var classes: [String]
  var recipe: String?

  struct Units: Encodable {
    var left: Int
    var original: Int
  }

  init(_ source: ModelSource) throws {
    summary = try source.summary()
    activationBytes = try source.network.cost().peakActivationBytes
    (history, classes) = ([], [])
    if case .file(let file, _) = source {
      history = file.history
      let network = file.model.network
      kept = try network.keptFeatures()
      units = try network.lineage.map { _ in
        Units(left: try network.channelGroups().groups.units, original: try network.original.channelGroups().groups.units)
      }
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
    // The recipe is JSON itself; as an object, readers need not parse a string within the JSON.
    if let recipe, let parsed = try? JSONSerialization.jsonObject(with: Data(recipe.utf8)) { object["recipe"] = parsed }
    let data = try JSONSerialization.data(withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data, as: UTF8.self)
  }

  func text(width: Int) -> String {
    var facts: [(label: String, words: String)] = []
    let sizes = ["tensors \(Format.bytes(summary.tensorBytes))"] + (summary.fileBytes.map { ["file \(Format.bytes($0))"] } ?? [])
    facts.append(("size", (sizes + ["activations of one example at most \(Format.bytes(activationBytes))"]).joined(separator: ", ")))
    if summary.nonZeroWeights != nil, summary.effectiveMACs != summary.macs {
      facts.append(("MACs", "\(Format.count(summary.effectiveMACs)) of \(Format.count(summary.macs)) by weights that are not 0"))
    }
    if let preprocessing {
      let numbers = { (values: [Float]) in
        values.prefix(8).map { Format.significant(Double($0), 4) }.joined(separator: ", ") + (values.count > 8 ? ", …" : "")
      }
      let resized = preprocessing.resize.map { ", the middle of images resized to \($0) pixels" } ?? ""
      let value = preprocessing.elementType == nil ? "value/255" : "value"
      facts.append(
        (
          "input",
          "\(Format.shape(preprocessing.inputShape))\(resized), (\(value) − mean)/deviation, mean \(numbers(preprocessing.mean)), "
            + "deviation \(numbers(preprocessing.deviation))" + (preprocessing.channelOrder.map { ", channels \($0)" } ?? "")
        ))
    }
    if !classes.isEmpty {
      let shown = classes.prefix(12).joined(separator: ", ")
      facts.append(("classes", "\(classes.count): \(shown)\(classes.count > 12 ? ", …" : "")"))
    }
    for (index, event) in history.enumerated() { facts.append((index == 0 ? "history" : "", event.words)) }
    if let keptWords { facts.append(("kept", keptWords)) }
    if let recipe { facts.append(("recipe", recipe.replacing(",\"", with: ", \""))) }
    return "\(summary.network.inLine)\n\n" + summary.text + "\n" + TextTable.facts(facts, width: width)
  }

  /// The number of units left of the original, and where to find which features they are.
  private var keptWords: String? {
    guard history.contains(where: { $0.removed.contains { !$0.value.isEmpty } }) else { return nil }
    guard let units else { return "unknown: the file does not say from which network the units in its history were removed" }
    return "\(Format.count(units.left)) of \(Format.count(units.original)) units; --json lists which features of each layer"
  }
}

extension RemovalEvent {
  /// One line with step, method, criterion, and counts per layer.
  var words: String {
    // The words of most methods include their criterion.
    let by = method.contains(criterion) ? "" : " by " + criterion
    var parts = ["step \(Format.count(step)): \(method)\(by)"]
    let units = removed.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
    if !units.isEmpty {
      parts.append("units " + units.map { "\($0.key) −\($0.value.count)" }.joined(separator: ", "))
    }
    let weights = masked.filter { $0.value != 0 }.values.reduce(0) { $0.addingReportingOverflow($1).partialValue }
    if weights != 0 { parts.append("\(Format.count(weights)) weights masked") }
    return parts.joined(separator: "; ")
  }
}

/// The tensors of a file of weights without a network.
struct ArchiveListing: Encodable {
  struct Entry: Encodable {
    var name: String
    var shape: [Int]
    var type: String
    var elements: Int
    /// Number of elements that are NaN or infinite; nil if there are none.
    var notFinite: Int?
  }
  var path: String
  var tensors: [Entry]
  var metadata: [String: String]

  /// The kind of the file, as the heading names it.
  private let kind: String

  private enum CodingKeys: CodingKey { case path, tensors, metadata }

  init(_ archive: TensorArchive, path: String, kind: String) throws {
    self.path = path
    self.kind = kind
    metadata = archive.metadata
    let read = try archive.tensors.map { name, tensor in
      let bad = tensor.elementType?.isFloatingPoint == true ? Int(try tensor.isFinite().logicalNot().sum().item()) : 0
      return Entry(
        name: name, shape: tensor.shape, type: tensor.elementType?.rawValue ?? "?", elements: tensor.count, notFinite: bad > 0 ? bad : nil)
    }
    let unread = archive.unread.map { name, entry in
      // The header was checked: the product fits.
      Entry(name: name, shape: entry.shape, type: entry.type, elements: entry.shape.reduce(1, *), notFinite: nil)
    }
    tensors = (read + unread).sorted { $0.name < $1.name }
  }

  func output(json: Bool) throws -> String {
    if json { return try Format.json(self) }
    var table = TextTable(alignments: [.left, .left, .left, .right, .left], header: ["tensor", "shape", "type", "elements"])
    for entry in tensors {
      table.append([
        entry.name, Format.shape(entry.shape), entry.type, Format.count(entry.elements),
        entry.notFinite.map { "\(Format.count($0)) NaN or infinite" } ?? "",
      ])
    }
    table.append(["total", "", "", Format.count(tensors.reduce(0) { $0 + $1.elements })])
    return "\(path.printable()): \(kind) without a network; prune and evaluate accept it with "
      + "--network NAME --weights \(path.printable())\n\n" + table.text
  }
}
