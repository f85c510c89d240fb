public import Networks
public import Torch
internal import Words

extension Model {
  /// Loads a model of the given network from a bare safetensors file of weights, matching tensors by their parameters' names.
  ///
  /// A prefix `module.` common to all names is removed, and `NAME_orig` and `NAME_mask` of `torch.nn.utils.prune` become weight and mask.
  /// Tensors that serve training only (`num_batches_tracked`, auxiliary heads) are left out, and so are those that cannot be weights,
  /// being empty or of integers. All others are converted to float32, as by PyTorch's own loading.
  ///
  /// - Parameter head: tensors for the last layer if the file's are missing or of other shapes, as for a network with other classes.
  /// - Throws: `TensorArchiveError` if the file is not sound, ``ModelFileError`` that lists what is missing, unexpected or mis-shaped, or
  ///   names the tensor that holds a NaN or an infinity.
  public static func load(
    weights path: String, into network: Network, head: [ParameterName: Tensor] = [:]
  ) throws -> (model: Model, report: WeightsReport) {
    func unsound(_ problem: String) -> ModelFileError { .reading(path: path, problem: problem) }
    let archive = try TensorArchive(contentsOf: path)
    // By its tensors alone it may look dense.
    if archive.metadata["format"] == "espalier", archive.metadata["version"] == "2" {
      throw unsound("it is a model file with masks, not bare weights: give it as the model")
    }
    var stored = StoredWeights(archive)
    let shapes = try network.parameterShapes()
    let masks = try stored.takePruned(shapes.map(\.name), unsound)
    var report = WeightsReport(loaded: 0, hadModulePrefix: stored.hadModulePrefix)
    var tensors: [ParameterName: Tensor] = [:]
    let fits = shapes.filter { head[$0.name] != nil }.allSatisfy { stored.tensors[$0.name.description]?.shape == $0.dimensions }
    var (missing, misshaped): ([String], [String]) = ([], [])
    for (name, shape) in shapes {
      let key = name.description
      if !fits, let fresh = head[name] {
        tensors[name] = fresh
        report.replaced.append(stored.tensors.removeValue(forKey: key).map { "\(name) \($0.shape)" } ?? "\(name)")
        continue
      }
      if let type = stored.unread[key]?.type {
        throw unsound("\(name) has elements of type \(type), which Espalier does not support: convert it to F32")
      }
      guard let tensor = stored.tensors.removeValue(forKey: key) else {
        missing.append(key)
        continue
      }
      guard tensor.shape == shape else {
        misshaped.append("\(name) \(tensor.shape) instead of \(shape)")
        continue
      }
      guard let type = tensor.elementType, type.isFloatingPoint else {
        throw unsound("\(name) has elements of \(tensor.elementType?.rawValue ?? "another type")")
      }
      if type != .float32 { report.converted.append("\(name) (\(type))") }
      tensors[name] = type == .float32 ? tensor : try tensor.cast(to: .float32)
    }
    stored.takeIgnored(&report)
    guard missing.isEmpty, stored.tensors.isEmpty, misshaped.isEmpty else {
      throw ModelFileError.weights(
        path: path, network: network.name, missing: missing, unexpected: stored.tensors.keys.sorted().map(\.quotedIfNeeded),
        misshaped: misshaped)
    }
    report.loaded = tensors.count - report.replaced.count
    let model = try Model(network: network, tensors: tensors, masks: masks)
    if let problem = try model.problemWithNumbers() { throw unsound(problem) }
    return (model, report)
  }
}

/// The tensors of a bare file that have not been matched yet.
private struct StoredWeights {
  var tensors: [String: Tensor]
  var unread: [String: TensorArchive.Unread]
  let hadModulePrefix: Bool

  init(_ archive: TensorArchive) {
    let prefix = "module."
    let names = Array(archive.tensors.keys) + Array(archive.unread.keys)
    hadModulePrefix = !names.isEmpty && names.allSatisfy { $0.hasPrefix(prefix) }
    (tensors, unread) = (archive.tensors, archive.unread)
    guard hadModulePrefix else { return }
    tensors = Dictionary(uniqueKeysWithValues: tensors.map { (String($0.key.dropFirst(prefix.count)), $0.value) })
    unread = Dictionary(uniqueKeysWithValues: unread.map { (String($0.key.dropFirst(prefix.count)), $0.value) })
  }

  /// Makes `NAME` from `NAME_orig` and `NAME_mask`, and returns the masks.
  mutating func takePruned(_ names: [ParameterName], _ unsound: (String) -> ModelFileError) throws -> [ParameterName: Tensor] {
    var masks: [ParameterName: Tensor] = [:]
    for name in names where tensors[name.description] == nil {
      let (original, mask) = ("\(name)_orig", "\(name)_mask")
      guard let values = tensors[original], let kept = tensors[mask], values.shape == kept.shape else { continue }
      let isKept = try kept.cast(to: .float32).notEqual(0)
      guard try kept.cast(to: .float32).notEqual(1).sum().item() + isKept.sum().item() == Double(kept.count) else {
        throw unsound("\(mask) holds numbers other than 0 and 1")
      }
      (tensors[original], tensors[mask]) = (nil, nil)
      tensors[name.description] = try isKept.select(values, else: values.zerosLike())
      masks[name] = isKept
    }
    return masks
  }

  /// Removes the tensors that may be ignored and records them in the report.
  mutating func takeIgnored(_ report: inout WeightsReport) {
    report.ignored = (Array(tensors.keys) + Array(unread.keys)).filter(\.servesTrainingOnly).sorted()
    for name in report.ignored { (tensors[name], unread[name]) = (nil, nil) }
    let noWeights = tensors.filter { $0.value.count == 0 || $0.value.elementType?.isFloatingPoint != true }
    for name in noWeights.keys { tensors[name] = nil }
    let types = noWeights.mapValues { $0.count == 0 ? "empty" : $0.elementType?.rawValue ?? "another type" }.merging(
      unread.mapValues(\.type)
    ) { first, _ in first }
    report.unused = types.sorted { $0.key < $1.key }.map { "\($0.key.quotedIfNeeded) (\($0.value))" }
  }
}

/// What a bare file of weights contained besides the weights that were loaded.
public struct WeightsReport: Hashable, Sendable {
  /// Number of tensors loaded into the model.
  public var loaded: Int
  /// Ignored tensors that serve training only: PyTorch's `num_batches_tracked`, auxiliary heads.
  public var ignored: [String]
  /// Ignored tensors that cannot be weights, with their types.
  public var unused: [String]
  /// Whether every name began with `module.`, which PyTorch's data parallelism prepends.
  public var hadModulePrefix: Bool
  /// Tensors converted to float32, with their types in the file.
  public var converted: [String]
  /// Freshly initialised tensors of the last layer, with their shapes in the file.
  public var replaced: [String]

  /// Creates a report; every parameter sets the property of the same name.
  public init(
    loaded: Int, ignored: [String] = [], unused: [String] = [], hadModulePrefix: Bool = false, converted: [String] = [],
    replaced: [String] = []
  ) {
    self.loaded = loaded
    self.ignored = ignored
    self.unused = unused
    self.hadModulePrefix = hadModulePrefix
    self.converted = converted
    self.replaced = replaced
  }

  /// Returns what a user should know, one line each: what was left out, and what was freshly initialised.
  public func notes(path: String) -> [String] {
    var notes: [String] = []
    if !ignored.isEmpty {
      let kinds = Dictionary(grouping: ignored, by: \.kindOfTrainingTensor).sorted { $0.key < $1.key }
      let words = kinds.map { $0.value.count > 1 ? "\($0.key) (\($0.value.count))" : $0.value[0].quotedIfNeeded }
      notes.append("\(path): left out what serves training only: " + ModelFileError.listed(words))
    }
    if !unused.isEmpty { notes.append("\(path): left out what cannot be a weight: " + ModelFileError.listed(unused)) }
    if !replaced.isEmpty { notes.append("\(path): the last layer is fresh, in place of " + ModelFileError.listed(replaced)) }
    return notes
  }
}

extension String {
  /// The text itself if it is printable ASCII without spaces, otherwise in quotation marks.
  fileprivate var quotedIfNeeded: String {
    unicodeScalars.allSatisfy { $0.value > 32 && $0.value < 127 } && utf8.count <= 80 ? self : quoted
  }

  private var isOfAuxiliaryHead: Bool { lowercased().hasPrefix("aux") && contains(".") }
  private var lastPart: Substring { split(separator: ".").last ?? "" }

  /// Whether a tensor with this name is a counter of batch norms or profilers, or belongs to an auxiliary head (`aux1`, `AuxLogits`).
  fileprivate var servesTrainingOnly: Bool {
    isOfAuxiliaryHead || ["num_batches_tracked", "total_ops", "total_params"].contains(lastPart)
  }

  /// The kind of ignored tensor: `aux1.*` or `*.num_batches_tracked`.
  fileprivate var kindOfTrainingTensor: String {
    isOfAuxiliaryHead ? String(prefix { $0 != "." }).quotedIfNeeded + ".*" : contains(".") ? "*.\(lastPart)" : self
  }
}
