internal import Foundation
internal import Networks
internal import Torch

/// A run broken off at some step: everything that decides how it goes on, in one `.safetensors`.
///
/// Tensors: the model's under its parameter names, masks as `NAME.mask`, moments as `optimizer.K.NAME`, the dropout stream as
/// `random.dropout`, hooks' as `hook.HOOK.KEY`. Written atomically, so a kill at any instant leaves the previous one.
public struct Checkpoint {
  /// The model as it was.
  public var model: Model
  /// The trainer's state; nil between two trainings.
  public var training: Trainer.State?
  /// JSON of whoever runs the training: which phase, what was recorded.
  public var progress: String

  /// A checkpoint of these parts.
  public init(model: Model, training: Trainer.State?, progress: String) {
    self.model = model
    self.training = training
    self.progress = progress
  }

  private struct Header: Codable {
    var network: Network
    var iteration: Int?
    var stepCount: Int?
    var log: TrainingLog?
    var progress: String
  }

  /// Writes the file, replacing an earlier one.
  public func write(to path: String) throws {
    var tensors: [String: Tensor] = [:]
    for (name, tensor) in model.tensors { tensors[name.description] = tensor }
    for (name, mask) in model.masks { tensors["\(name).mask"] = mask }
    if let training {
      for (name, moments) in training.optimizer.moments {
        for (k, moment) in moments.enumerated() { tensors["optimizer.\(k).\(name)"] = moment }
      }
      tensors["random.dropout"] = training.dropout
      for (hook, values) in training.hooks { for (key, value) in values { tensors["hook.\(hook).\(key)"] = value } }
    }
    let header = Header(
      network: model.network, iteration: training?.iteration, stepCount: training?.optimizer.stepCount, log: training?.log,
      progress: progress)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let json = String(decoding: try encoder.encode(header), as: UTF8.self)
    try TensorArchive(tensors: tensors, metadata: ["format": "espalier-checkpoint", "version": "1", "checkpoint": json]).write(to: path)
  }

  /// Reads a file that ``write(to:)`` made.
  public init(contentsOf path: String) throws {
    let archive = try TensorArchive(contentsOf: path)
    guard archive.metadata["format"] == "espalier-checkpoint", archive.metadata["version"] == "1",
      let json = archive.metadata["checkpoint"]
    else { throw PlanError("\(path) is no checkpoint of this version of espalier") }
    let header: Header
    do { header = try JSONDecoder().decode(Header.self, from: Data(json.utf8)) } catch {
      throw PlanError("\(path): the checkpoint's header is damaged: \(error)")
    }
    var tensors: [ParameterName: Tensor] = [:]
    var masks: [ParameterName: Tensor] = [:]
    for (name, _) in try header.network.parameterShapes() {
      tensors[name] = archive.tensors[name.description]
      masks[name] = archive.tensors["\(name).mask"]
    }
    model = try Model(network: header.network, tensors: tensors, masks: masks)
    progress = header.progress
    guard let iteration = header.iteration, let stepCount = header.stepCount, let log = header.log,
      let dropout = archive.tensors["random.dropout"]
    else {
      training = nil
      return
    }
    var moments: [ParameterName: [Tensor]] = [:]
    for name in tensors.keys {
      let stored = (0..<2).compactMap { archive.tensors["optimizer.\($0).\(name)"] }
      if !stored.isEmpty { moments[name] = stored }
    }
    var hooks: [String: [String: Tensor]] = [:]
    for (key, tensor) in archive.tensors where key.hasPrefix("hook.") {
      let parts = key.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
      if parts.count == 3 { hooks[String(parts[1]), default: [:]][String(parts[2])] = tensor }
    }
    training = Trainer.State(
      iteration: iteration, log: log, optimizer: .init(stepCount: stepCount, moments: moments), dropout: dropout, hooks: hooks)
  }
}
