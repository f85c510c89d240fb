internal import Datasets
public import Files
internal import Foundation
internal import Networks
public import Torch
internal import Words

/// A run interrupted at some step: everything that decides how it continues, in one `.safetensors` file.
///
/// Tensors: the model's as `model.NAME`, masks as `mask.NAME`, moments as `optimizer.K.NAME`, the dropout stream as `random.dropout`,
/// those of hooks as `hook.HOOK.KEY`, what the run keeps beside its model as `aside.KEY`. Written atomically, so a kill at any instant leaves the previous checkpoint. A checksum over the
/// whole content detects changes; the state of hooks is checked by the hooks when training continues.
public struct Checkpoint {
  /// The `version` written, and the only one read: an interrupted run is finished by the version that began it.
  public static let version = "2"

  /// The model at that step.
  public var model: Model
  /// State of the trainer; nil between two trainings.
  public var training: Trainer.State?
  /// JSON of the code that conducts the run: its phase and the results recorded so far.
  public var progress: String
  /// Machine, settings and data that it was computed with; nil if not recorded.
  public var surroundings: Surroundings?
  /// Tensors that the run keeps beside its model, e.g. last layers of other data sets; possibly forged, but without NaN.
  public var aside: [String: Tensor]

  /// Creates a checkpoint; every parameter sets the property of the same name.
  public init(
    model: Model, training: Trainer.State?, progress: String, surroundings: Surroundings? = nil, aside: [String: Tensor] = [:]
  ) {
    self.aside = aside
    self.model = model
    self.training = training
    self.progress = progress
    self.surroundings = surroundings
  }

  private struct Header: Codable {
    struct Training: Codable {
      var iteration: Int
      var stepCount: Int
      var log: TrainingLog
      /// Nil for false, and in checkpoints of earlier versions.
      var isStepOpen: Bool?
    }
    var network: Network
    var training: Training?
    var progress: String
    var surroundings: Surroundings?
  }

  /// Writes the file, replacing an earlier one.
  ///
  /// - Parameter other: the file that the run will replace, if it exists: a new checkpoint gets its permissions.
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
    for (key, tensor) in aside { tensors["aside.\(key)"] = tensor }
    let header = Header(
      network: model.network,
      training: training.map {
        .init(iteration: $0.iteration, stepCount: $0.optimizer.stepCount, log: $0.log, isStepOpen: $0.isStepOpen ? true : nil)
      }, progress: progress, surroundings: surroundings)
    var archive = TensorArchive(
      tensors: tensors,
      metadata: ["format": Self.format, "version": Self.version, "checkpoint": try JSONEncoder.records.text(header)])
    try archive.seal()
    try archive.write(to: path, asPrivateAs: other)
  }

  /// Reads a file written by ``write(to:asPrivateAs:)``.
  ///
  /// - Throws: `TensorArchiveError` if it is not a sound safetensors file, ``RecordError`` with the path if it is not a sound checkpoint,
  ///   ``ModelFileError`` if weights are NaN or infinite.
  public init(contentsOf path: String) throws {
    let archive = try TensorArchive(contentsOf: path)
    guard archive.metadata["format"] == Self.format else { throw RecordError("\(path) is not a checkpoint") }
    let version = archive.metadata["version"] ?? ""
    guard version == Self.version else {
      throw RecordError(
        "\(path) is a checkpoint of version \(version.quoted), and only version \(Self.version) is known: finish the run with the espalier "
          + "that began it, or remove the file to start anew")
    }
    do {
      guard try archive.isSealed() else { throw RecordError("it is not what was written: its checksum is another one") }
      try self.init(archive)
    } catch let error as DecodingError {
      throw RecordError("\(path) is a damaged checkpoint: its header does not say what it should (\(error.place))")
    } catch {
      throw RecordError("\(path) is a damaged checkpoint: \(error)")
    }
    if let problem = try model.problemWithNumbers() { throw ModelFileError.reading(path: path, problem: problem) }
  }

  /// Whether a file claims to be a checkpoint, sound or not.
  ///
  /// - Throws: `TensorArchiveError` if it is not a safetensors file.
  public static func isOne(_ file: RegularFile) throws -> Bool { try TensorArchive.metadata(of: file)["format"] == format }

  /// Removes a checkpoint; any other file at the path stays.
  ///
  /// - Parameter identity: the file that must be found there; nil for any checkpoint.
  /// - Returns: whether the file was removed.
  @discardableResult
  public static func remove(_ path: String, identity: FileIdentity? = nil) -> Bool {
    OwnFile.remove(path, identity: identity, recognisedBy: isOne)
  }

  private static let format = "espalier-checkpoint"

  private init(_ archive: TensorArchive) throws {
    let json = Data((archive.metadata["checkpoint"] ?? "").utf8)
    let header = try JSONDecoder.records.decode(Header.self, from: json)
    try RecordedCounts.check(json)
    let stored = archive.tensors
    var tensors: [ParameterName: Tensor] = [:]
    var masks: [ParameterName: Tensor] = [:]
    var moments: [ParameterName: [Tensor]] = [:]
    for (name, shape) in try header.network.parameterShapes() {
      let tensor = stored["model.\(name)"]
      if let tensor {
        guard let type = tensor.elementType, type.isFloatingPoint else {
          throw RecordError("\(name) has elements of \(tensor.elementType?.rawValue ?? "another type"), not float32 or float64")
        }
        tensors[name] = tensor
      }
      masks[name] = stored["mask.\(name)"]
      var found: [Tensor] = []
      while let moment = stored["optimizer.\(found.count).\(name)"] {
        guard moment.shape == shape else { throw RecordError("a moment of \(name) has shape \(moment.shape), not \(shape)") }
        guard tensor == nil || moment.elementType == tensor?.elementType else {
          throw RecordError("a moment of \(name) has elements of another type")
        }
        // The next step would carry it into the weight. An infinity may occur, as the square of a large gradient.
        guard try !moment.hasNaN() else { throw RecordError("a moment of \(name) holds NaN") }
        found.append(moment)
      }
      if !found.isEmpty { moments[name] = found }
    }
    guard Set(tensors.values.map(\.elementType)).count <= 1 else { throw RecordError("its weights are of several types") }
    let counts = Set(tensors.keys.filter(\.role.isTrained).map { moments[$0]?.count ?? 0 })
    guard counts.count <= 1 else { throw RecordError("some parameters lack the moments that others have") }
    model = try Model(network: header.network, tensors: tensors, masks: masks)
    if let problem = try model.problemWithMasks() { throw RecordError(problem) }
    progress = header.progress
    surroundings = header.surroundings
    aside = [:]
    for (name, tensor) in stored where name.hasPrefix("aside.") {
      guard try tensor.elementType?.isFloatingPoint != true || !tensor.hasNaN() else { throw RecordError("\(name) holds NaN") }
      aside[String(name.dropFirst(6))] = tensor
    }
    let used = tensors.count + masks.count + moments.values.reduce(0) { $0 + $1.count } + aside.count
    guard let training = header.training else {
      guard used == stored.count, archive.unread.isEmpty else { throw RecordError("it holds unexpected tensors") }
      self.training = nil
      return
    }
    guard training.iteration >= 0, (0...training.iteration).contains(training.stepCount),
      (0...training.iteration).contains(training.log.lossCount),
      training.log.evaluations.allSatisfy({ (0...training.iteration).contains($0.iteration) })
    else { throw RecordError("its numbers of steps are impossible") }
    guard let dropout = stored["random.dropout"] else { throw RecordError("it lacks random.dropout") }
    var hooks: [String: [String: Tensor]] = [:]
    for (key, tensor) in stored {
      let parts = key.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
      if parts.count == 3, parts[0] == "hook" { hooks[String(parts[1]), default: [:]][String(parts[2])] = tensor }
    }
    guard used + 1 + hooks.values.reduce(0, { $0 + $1.count }) == stored.count, archive.unread.isEmpty else {
      throw RecordError("it holds unexpected tensors")
    }
    self.training = Trainer.State(
      iteration: training.iteration, log: training.log, optimizer: .init(stepCount: training.stepCount, moments: moments),
      dropout: dropout, hooks: hooks, isStepOpen: training.isStepOpen ?? false)
  }
}

extension TensorArchive {
  private static let checksum = "checksum"

  /// Adds a checksum of the whole content to the metadata.
  package mutating func seal() throws { metadata[Self.checksum] = try digest() }

  /// Whether the content is unchanged since it was sealed.
  fileprivate func isSealed() throws -> Bool { try unread.isEmpty && metadata[Self.checksum] == digest() }

  /// SHA-256 over metadata with their keys, and tensors with their names, types and shapes, each in the order of names.
  private func digest() throws -> String {
    var digest = RunningChecksum()
    let texts = metadata.filter { $0.key != Self.checksum }.sorted { $0.key < $1.key }
    digest.update(texts.count)
    for (key, text) in texts {
      digest.update(key)
      digest.update(text)
    }
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      digest.update(name)
      digest.update(tensor.elementType?.rawValue ?? "")
      digest.update(tensor.rank)
      for size in tensor.shape { digest.update(size) }
      try tensor.withBytes { digest.update($0) }
    }
    return digest.digits
  }
}

extension DecodingError {
  /// The coding path of the field at fault.
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
