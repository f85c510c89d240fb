internal import ArgumentParser
internal import Experiments
internal import Files
internal import Foundation
internal import Interchange
internal import Networks
internal import Results
internal import SparseCompiler
internal import SparseRuntime
internal import Torch
internal import Training
internal import Words

/// A model on its way into a plan of the sparse runtime.
struct Compilation {
  let compiler: PlanCompiler
  let preparation: PlanPreparation
  let classes: [String]

  /// Drafts a model file's network, or an ONNX model's.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - input: how images become the network's input, where the file does not say so.
  ///   - isLone: whether single images matter more than many at once, if either does.
  /// - Throws: errors of reading the file; `CompilationError`; ``UntrainedNetwork`` for the name of a network, ``WeightsAlone`` for weights
  ///   without one; `ValidationError` for options that do not go with the model.
  init(_ path: String, input: InputOptions, isLone: Bool?) throws {
    if Self.isPlan(path) { throw PlanAlready(path: path) }
    let model: Model
    let preprocessing: Preprocessing?
    if FileManager.default.fileExists(atPath: path), ImportedNetwork.isOne(path) {
      let imported = try input.network(of: path)
      for note in imported.notes { Console.note("\(path): \(note)") }
      (model, preprocessing, classes) = (try imported.model(), imported.preprocessing, imported.classes)
    } else {
      guard case .file(let file, _) = try WeightsAlone.naming(path, { try ModelSource(path) }) else { throw UntrainedNetwork(name: path) }
      if let size = input.imageSize {
        throw ValidationError(
          "--image-size \(size) goes with an ONNX model: \(path.inLine) takes inputs of \(try file.model.network.inputShape)")
      }
      (model, preprocessing, classes) = (file.model, file.preprocessing, file.classes)
    }
    preparation = try input.preparation(preprocessing, input: model.network.inputShape, path: path)
    compiler = try PlanCompiler(model, isLone: isLone)
  }

  /// Whether a file begins as plans do.
  static func isPlan(_ path: String) -> Bool {
    var head = [UInt8](repeating: 0, count: 8)
    guard let file = try? RegularFile(path), (try? head.withUnsafeMutableBytes({ try file.read(into: $0, at: 0) })) == 8 else {
      return false
    }
    return head == Array("ESPPLAN\n".utf8)
  }

  /// Returns the plan with the kernels of a profile.
  func plan(_ profile: KernelProfile, kernels: [String: LayerKernel], weights: WeightForm) throws -> PackedPlan {
    try compiler.plan(
      weights: weights, kernels: kernels, groups: profile.groups, loneExamples: profile.loneExamples, preparation: preparation,
      classes: classes)
  }
}

/// The error for a plan where a model is needed.
struct PlanAlready: ReportedError, CustomStringConvertible {
  let path: String
  var exitStatus: ExitStatus { .dataError }
  var description: String { "\(path) is a plan already: give the model that it was made of" }
}

/// The error for a network of the catalogue where a trained model is needed.
struct UntrainedNetwork: ReportedError, CustomStringConvertible {
  let name: String
  var exitStatus: ExitStatus { .usage }
  var description: String { "\(name.inLine) is a network without weights: give a model file or an ONNX model" }
}

extension CompilationError: ReportedError { var exitStatus: ExitStatus { .dataError } }

extension UnpackableWeight: ReportedError { var exitStatus: ExitStatus { .dataError } }
