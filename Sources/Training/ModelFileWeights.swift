public import Networks
public import Torch
internal import Words

extension Model {
  /// Loads a model of the given network from a file of weights without a network.
  ///
  /// Prefixes that all names have (`module.`, `model.`, `_orig_mod.`, `net.`) are removed; `NAME_orig` and `NAME_mask` of
  /// `torch.nn.utils.prune` become weight and mask; a weight norm's two tensors become the weight; ones before and behind a shape do not count,
  /// and a tensor called like a module alone is its weight. Tensors that serve training only
  /// (`num_batches_tracked`, auxiliary heads) are left out, and so are those that cannot be weights, being empty or of integers. All
  /// others are converted to float32, as by PyTorch's own loading.
  ///
  /// - Parameters:
  ///   - head: tensors for the last layer if the file's are missing or of other shapes, as for a network with other classes.
  ///   - matching: what decides which tensor is which parameter.
  ///   - reader: what reads the file.
  /// - Throws: what the reader throws, ``ModelFileError`` that lists what is missing, unexpected or mis-shaped, or names the tensor that
  ///   holds a NaN or an infinity.
  public static func load(
    weights path: String, into network: Network, head: [ParameterName: Tensor] = [:], matching: WeightMatching = .names,
    reader: WeightsReader = .safetensors
  ) throws -> (model: Model, report: WeightsReport) {
    var stored = try reader(path)
    func unsound(_ problem: String) -> ModelFileError { .reading(path: path, problem: problem) }
    func unordered(_ problem: String) -> ModelFileError { .order(path: path, network: network.name, problem: problem) }
    // By its tensors alone it may look dense.
    if stored.isMaskedModel { throw unsound("it is a model file with masks, not bare weights: give it as the model") }
    let shapes = try network.parameterShapes()
    var report = WeightsReport(loaded: 0, removedPrefix: stored.removePrefixes(besides: Set(shapes.map(\.name.description))))
    report.remarks = stored.notes
    try stored.joinPruned(unsound)
    try stored.joinWeightNorms()
    try stored.takeForms(of: shapes)
    let whole = stored
    if matching == .order {
      let pairs = try stored.pairs(with: shapes, free: Set(head.keys), unordered)
      report.matched = stored.table(pairs)
      stored.rename(pairs)
    }
    var tensors: [ParameterName: Tensor] = [:]
    let fits = shapes.filter { head[$0.name] != nil }.allSatisfy { stored.tensors[$0.name.description]?.shape == $0.dimensions }
    var (missing, misshaped): ([String], [String]) = ([], [])
    for (name, shape) in shapes {
      let key = name.description
      if !fits, let fresh = head[name] {
        tensors[name] = fresh
        report.replaced.append(stored.tensors.removeValue(forKey: key).map { "\(name) \($0.shape)" } ?? "\(name)")
        stored.masks[key] = nil
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
        misshaped: misshaped, fitsInOrder: matching == .names && (try? whole.pairs(with: shapes, unordered)) != nil)
    }
    report.loaded = tensors.count - report.replaced.count
    let masks = Dictionary(
      stored.masks.compactMap { name, mask in ParameterName(name).map { ($0, mask) } }, uniquingKeysWith: { first, _ in first })
    let model = try Model(network: network, tensors: tensors, masks: masks)
    if let problem = try model.problemWithNumbers() { throw unsound(problem) }
    return (model, report)
  }
}

extension StoredWeights {
  /// Removes the tensors that may be ignored and records them in the report.
  fileprivate mutating func takeIgnored(_ report: inout WeightsReport) {
    report.ignored = (Array(tensors.keys) + Array(unread.keys)).filter(\.servesTrainingOnly).sorted()
    for name in report.ignored { (tensors[name], unread[name]) = (nil, nil) }
    let noWeights = tensors.filter { !$0.value.canBeWeight }
    for name in noWeights.keys { tensors[name] = nil }
    let types = noWeights.mapValues { $0.count == 0 ? "empty" : $0.elementType?.rawValue ?? "another type" }.merging(
      unread.mapValues(\.type)
    ) { first, _ in first }
    report.unused = types.sorted { $0.key < $1.key }.map { "\($0.key.quotedIfNeeded) (\($0.value))" }
  }
}

/// What a file of weights contained besides the weights that were loaded.
public struct WeightsReport: Hashable, Sendable {
  /// Number of tensors loaded into the model.
  public var loaded: Int
  /// Ignored tensors that serve training only: PyTorch's `num_batches_tracked`, auxiliary heads.
  public var ignored: [String]
  /// Ignored tensors that cannot be weights, with their types.
  public var unused: [String]
  /// What every name began with, such as `module.`, which PyTorch's data parallelism prepends; empty for nothing.
  public var removedPrefix: String
  /// Tensors converted to float32, with their types in the file.
  public var converted: [String]
  /// Freshly initialised tensors of the last layer, with their shapes in the file.
  public var replaced: [String]
  /// Which layers of the file became which of the network's, one line each; empty where names decided.
  public var matched: [String] = []
  /// What the reader of the file said.
  public var remarks: [String] = []

  /// Creates a report; every parameter sets the property of the same name.
  public init(
    loaded: Int, ignored: [String] = [], unused: [String] = [], removedPrefix: String = "", converted: [String] = [],
    replaced: [String] = []
  ) {
    self.loaded = loaded
    self.ignored = ignored
    self.unused = unused
    self.removedPrefix = removedPrefix
    self.converted = converted
    self.replaced = replaced
  }

  /// Returns what a user should know, one line each: what was left out, and what was freshly initialised.
  public func notes(path: String) -> [String] {
    var notes = remarks.map { "\(path): \($0)" }
    if !matched.isEmpty { notes += ["\(path): matched by order:"] + matched }
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
  var quotedIfNeeded: String {
    unicodeScalars.allSatisfy { $0.value > 32 && $0.value < 127 } && utf8.count <= 80 ? self : quoted
  }

  private var isOfAuxiliaryHead: Bool { lowercased().hasPrefix("aux") && contains(".") }
  private var lastPart: Substring { split(separator: ".").last ?? "" }

  /// Whether a tensor with this name is a counter of batch norms or profilers, or belongs to an auxiliary head (`aux1`, `AuxLogits`).
  var servesTrainingOnly: Bool {
    isOfAuxiliaryHead || ["num_batches_tracked", "total_ops", "total_params"].contains(lastPart)
  }

  /// The kind of ignored tensor: `aux1.*` or `*.num_batches_tracked`.
  fileprivate var kindOfTrainingTensor: String {
    isOfAuxiliaryHead ? String(prefix { $0 != "." }).quotedIfNeeded + ".*" : contains(".") ? "*.\(lastPart)" : self
  }
}
