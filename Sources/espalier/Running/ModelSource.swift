internal import Datasets
internal import Experiments
internal import Files
internal import Foundation
internal import Interchange
internal import Networks
internal import Results
internal import Torch
internal import Training
internal import Words

/// The subject of `inspect` and `compare`: a model file, an ONNX model, or a network of the catalogue.
enum ModelSource {
  case file(ModelFile, path: String)
  case imported(Model, notes: [String], path: String)
  case network(Network)

  /// Reads the model file or ONNX model at a path, or finds the network of that name if there is no such file.
  ///
  /// - Parameter dataset: the data set whose image shape and classes the network gets; nil for its native ones.
  /// - Throws: errors of reading the file; ``MissingFile`` or `NetworkError` if there is neither; `PlanError` for a data set that an ONNX
  ///   model does not take.
  init(_ text: String, dataset: DatasetDescription? = nil) throws {
    let input = dataset.map { FeatureShape.image(channels: $0.channels, height: $0.height, width: $0.width) }
    if FileManager.default.fileExists(atPath: text) {
      if ImportedNetwork.isOne(text) {
        let imported =
          try dataset.map { try Experiment.imported(text, for: $0, note: { Console.note($0) }) } ?? ImportedNetwork(contentsOf: text)
        self = .imported(try imported.model(), notes: imported.notes, path: text)
        return
      }
      self = .file(try ModelFile(contentsOf: text), path: text)
      return
    }
    // A path to a missing file must not be reported as a misspelt network.
    if text.contains("/") || (WeightsReader.extensions + ["onnx"]).contains((text as NSString).pathExtension) {
      do { _ = try RegularFile(text) } catch  where error.code == EACCES { throw error } catch {}
      throw MissingFile(path: text)
    }
    do {
      self = .network(try Architecture.parse(text, input: input, classes: dataset?.classes, dataset: dataset?.name))
    } catch NetworkError.architecture(let problem) where problem.hasPrefix("unknown network") {
      throw NetworkError.architecture("no such file, and \(problem)")
    }
  }

  /// The network of the model.
  var network: Network {
    switch self {
    case .file(let file, _): file.model.network
    case .imported(let model, _, _): model.network
    case .network(let network): network
    }
  }

  /// Returns sizes and costs layer by layer.
  func summary() throws -> ModelSummary {
    switch self {
    case .file(let file, let path):
      return try ModelSummary(network: file.model.network, model: file.model, fileBytes: RegularFile(path).size)
    case .imported(let model, _, let path):
      return try ModelSummary(network: model.network, model: model, fileBytes: RegularFile(path).size)
    case .network(let network): return try ModelSummary(network: network, model: nil, fileBytes: nil)
    }
  }
}

extension ModelSummary {
  /// Summarizes the layers of a network, with counts of non-zero and kept weights if a model is given.
  ///
  /// A module that several nodes share is counted at the first of them.
  init(network: Network, model: Model?, fileBytes: Int?) throws {
    let cost = try network.cost()
    let shapes = Dictionary(try network.parameterShapes().map { ($0.name, $0.dimensions) }, uniquingKeysWith: { first, _ in first })
    let prunable = Set(network.prunableWeights)
    var seen: Set<String> = []
    let layers = try zip(network.nodes, cost.layers).map { node, layer in
      let name = ParameterName(node.module, .weight)
      let shape = seen.insert(node.module).inserted ? shapes[name] : nil
      return LayerSummary(
        name: node.name, operation: layer.kind, weightShape: shape, outputShape: layer.output.dimensions, parameters: layer.parameters,
        nonZeroWeights: try shape == nil ? nil : model?.tensors[name]?.detached().nonZeroCount(),
        keptWeights: try shape == nil ? nil : model?.masks[name]?.nonZeroCount(), macs: layer.macs,
        isPrunable: shape != nil && prunable.contains(name))
    }
    self.init(network: network.name, layers: layers, tensorBytes: cost.bytes, fileBytes: fileBytes)
  }
}

/// The error for a file that does not exist.
struct MissingFile: ReportedError, CustomStringConvertible {
  let path: String
  var exitStatus: ExitStatus { .noInput }
  var description: String { "there is no file \(path)" }
}
