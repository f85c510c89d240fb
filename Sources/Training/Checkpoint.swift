public import Files
internal import Foundation
internal import Networks
internal import Torch

/// A run broken off at some step: everything that decides how it goes on, in one `.safetensors`.
///
/// Tensors: the model's as `model.NAME`, masks as `mask.NAME`, moments as `optimizer.K.NAME`, the dropout stream as
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
    struct Training: Codable {
      var iteration: Int
      var stepCount: Int
      var log: TrainingLog
    }
    var network: Network
    var training: Training?
    var progress: String
  }

  /// Writes the file, replacing an earlier one.
  ///
  /// - Parameter other: the file that the run is to replace, if it is there: a new checkpoint is as private.
  /// - Throws: `FileError`, e.g. `cannot write run.checkpoint: No space left on device`.
  public func write(to path: String, asPrivateAs other: String? = nil) throws {
    var tensors: [String: Tensor] = [:]
    for (name, tensor) in model.tensors { tensors["model.\(name)"] = tensor }
    for (name, mask) in model.masks { tensors["mask.\(name)"] = mask }
    if let training {
      for (name, moments) in training.optimizer.moments {
        for (k, moment) in moments.enumerated() { tensors["optimizer.\(k).\(name)"] = moment }
      }
      tensors["random.dropout"] = training.dropout
      for (hook, values) in training.hooks { for (key, value) in values { tensors["hook.\(hook).\(key)"] = value } }
    }
    let header = Header(
      network: model.network,
      training: training.map { .init(iteration: $0.iteration, stepCount: $0.optimizer.stepCount, log: $0.log) }, progress: progress)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let json = String(decoding: try encoder.encode(header), as: UTF8.self)
    try TensorArchive(tensors: tensors, metadata: ["format": Self.format, "version": "1", "checkpoint": json])
      .write(to: path, asPrivateAs: other)
  }

  /// Reads a file that ``write(to:)`` made.
  ///
  /// - Throws: `TensorArchiveError` if it is no sound safetensors file, ``PlanError`` with the path if it is no sound checkpoint,
  ///   ``ModelFileError`` if weights are not numbers.
  public init(contentsOf path: String) throws {
    let archive = try TensorArchive(contentsOf: path)
    guard archive.metadata["format"] == Self.format, archive.metadata["version"] == "1" else {
      throw PlanError("\(path) is no checkpoint of this version of espalier")
    }
    do { try self.init(archive) } catch let error as DecodingError {
      throw PlanError("\(path) is a damaged checkpoint: its header does not say what it should (\(error.place))")
    } catch {
      throw PlanError("\(path) is a damaged checkpoint: \(error)")
    }
    if let problem = try model.problemWithNumbers() { throw ModelFileError.reading(path: path, problem: problem) }
  }

  /// Whether a file is a checkpoint, sound or not, by what it says of itself.
  ///
  /// - Throws: `TensorArchiveError` if it is no safetensors file.
  public static func isOne(_ file: RegularFile) throws -> Bool { try TensorArchive.metadata(of: file)["format"] == format }

  /// Removes a checkpoint; whatever else may lie there stays.
  ///
  /// - Parameter identity: the file that it must be; nil for any checkpoint.
  /// - Returns: whether it has been removed.
  @discardableResult
  public static func remove(_ path: String, identity: FileIdentity? = nil) -> Bool {
    OwnFile.remove(path, identity: identity, recognisedBy: isOne)
  }

  private static let format = "espalier-checkpoint"

  private init(_ archive: TensorArchive) throws {
    let json = Data((archive.metadata["checkpoint"] ?? "").utf8)
    let header = try JSONDecoder().decode(Header.self, from: json)
    let stored = archive.tensors
    var tensors: [ParameterName: Tensor] = [:]
    var masks: [ParameterName: Tensor] = [:]
    var moments: [ParameterName: [Tensor]] = [:]
    for (name, shape) in try header.network.parameterShapes() {
      if let tensor = stored["model.\(name)"] {
        guard let type = tensor.elementType, type.isFloatingPoint else {
          throw PlanError("\(name) has elements of \(tensor.elementType?.rawValue ?? "another type"), not float32 or float64")
        }
        tensors[name] = tensor
      }
      masks[name] = stored["mask.\(name)"]
      var found: [Tensor] = []
      while let moment = stored["optimizer.\(found.count).\(name)"] {
        guard moment.shape == shape else { throw PlanError("a moment of \(name) has shape \(moment.shape), not \(shape)") }
        found.append(moment)
      }
      if !found.isEmpty { moments[name] = found }
    }
    let counts = Set(tensors.keys.filter(\.role.isTrained).map { moments[$0]?.count ?? 0 })
    guard counts.count <= 1 else { throw PlanError("some parameters lack the moments that others have") }
    model = try Model(network: header.network, tensors: tensors, masks: masks)
    progress = header.progress
    let used = tensors.count + masks.count + moments.values.reduce(0) { $0 + $1.count }
    guard let training = header.training else {
      guard used == stored.count else { throw PlanError("it holds tensors that belong nowhere") }
      self.training = nil
      return
    }
    guard training.iteration >= 0, (0...training.iteration).contains(training.stepCount),
      (0...training.iteration).contains(training.log.lossCount)
    else { throw PlanError("its numbers of steps are impossible") }
    try RecordedCounts.check(json)
    guard let dropout = stored["random.dropout"] else { throw PlanError("it lacks random.dropout") }
    var hooks: [String: [String: Tensor]] = [:]
    for (key, tensor) in stored {
      let parts = key.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
      if parts.count == 3, parts[0] == "hook" { hooks[String(parts[1]), default: [:]][String(parts[2])] = tensor }
    }
    guard used + 1 + hooks.values.reduce(0, { $0 + $1.count }) == stored.count else {
      throw PlanError("it holds tensors that belong nowhere")
    }
    self.training = Trainer.State(
      iteration: training.iteration, log: training.log, optimizer: .init(stepCount: training.stepCount, moments: moments),
      dropout: dropout, hooks: hooks)
  }
}

extension DecodingError {
  /// The path to the field at fault.
  fileprivate var place: String {
    let path: [any CodingKey] =
      switch self {
      case .keyNotFound(let key, let context): context.codingPath + [key]
      case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context): context.codingPath
      @unknown default: []
      }
    return path.isEmpty ? "it is not JSON" : path.map(\.stringValue).joined(separator: ".")
  }
}
