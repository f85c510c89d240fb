public import ArgumentParser
internal import Experiments
internal import Foundation
internal import Interchange
internal import Studies
public import Training

/// The help texts of the options that choose a model, which differ between commands.
protocol ModelWords {
  static var model: String { get }
  static var network: String { get }
  static var weights: String { get }
}

extension ModelWords {
  static var model: String { "A model file, or an ONNX model." }
  static var network: String { "A network of the catalogue, with --weights; or an ONNX model." }
  static var weights: String { "A file of weights: safetensors, or a PyTorch checkpoint." }
}

/// The help texts of commands that need a trained model.
enum TrainedModelWords: ModelWords {}

/// Options that choose the model: a file, or a network of the catalogue with or without given weights; shared by the commands that begin
/// with one.
struct ModelOptions<Words: ModelWords>: ParsableArguments {
  @Argument(help: ArgumentHelp(Words.model, valueName: "model"), completion: .file(extensions: ["safetensors"]))
  var model: String?

  @Option(help: ArgumentHelp(Words.network, valueName: "name"), completion: .list(NetworkNames.all))
  var network: String?

  @Option(help: ArgumentHelp(Words.weights, valueName: "file"), completion: .file(extensions: WeightsReader.extensions))
  var weights: String?

  @Option(help: WeightMatching.help)
  var match: WeightMatching?

  func validate() throws { if weights == nil { try WeightMatching.refuse(match) } }

  /// Checks that there is a model file, or a network with weights.
  ///
  /// - Parameter objection: what is wrong with untrained weights, for the message.
  /// - Throws: `ValidationError` if there is neither or both.
  func requireTrained(_ objection: String) throws {
    try checkWeights()
    if (model == nil) == (network == nil) { throw ValidationError("give a model file, or --network with --weights") }
    if !hasWeights { throw ValidationError("--network needs --weights: \(objection)") }
  }

  /// Checks that weights are given for a network of the catalogue alone.
  ///
  /// - Throws: `ValidationError` if they are not.
  func checkWeights() throws {
    guard weights != nil else { return }
    if model != nil { throw ValidationError("--weights goes with --network: a model file has its own weights") }
    if let onnx { throw ValidationError("--weights goes with a network of the catalogue: \(onnx) has its own weights") }
  }

  /// Path of the ONNX model, wherever it was given; nil if there is none.
  var onnx: String? { [model, network].compactMap(\.self).first(where: ImportedNetwork.isOne) }

  /// Whether the model has weights already, as opposed to a network of the catalogue alone.
  var hasWeights: Bool { model != nil || weights != nil || onnx != nil }

  /// The origin of the model.
  var start: Experiment.Start {
    if let onnx { .imported(onnx) } else if let model { .file(model) } else { .network(network ?? "", weights: givenWeights) }
  }

  /// The file of weights, and how it is matched.
  var givenWeights: GivenWeights? { weights.map { GivenWeights($0, matching: match ?? .names) } }

  /// Returns the data set that the model file was trained on; nil if the file does not name one, or there is no file, or a run of a study
  /// is yet to write it: the study then says what it is trained on.
  func trainingDataset() throws -> String? {
    guard let model, onnx == nil, !(RunStore.isOne(model) && !FileManager.default.fileExists(atPath: model)) else { return nil }
    return try Experiment.dataset(of: model)
  }
}

extension WeightMatching: ExpressibleByArgument {
  /// The help of the option that chooses one.
  static var help: ArgumentHelp {
    ArgumentHelp("How --weights find their places: names, or order, layer by layer by shape; names by default.", valueName: "what")
  }

  /// Refuses the option where there are no weights to match.
  ///
  /// - Throws: `ValidationError`.
  static func refuse(_ given: WeightMatching?) throws {
    if let given { throw ValidationError("--match \(given.rawValue) needs --weights: there is nothing to match") }
  }
}
