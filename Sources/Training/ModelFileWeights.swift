public import Networks
internal import Torch

/// What was found in a bare file of weights besides what was loaded.
public struct WeightsReport: Hashable, Sendable {
  /// Tensors that the model got.
  public var loaded: Int
  /// Tensors without a place in a network of ours: PyTorch's `num_batches_tracked`.
  public var ignored: [String]
  /// Whether every name began with `module.`, which PyTorch's data parallelism puts there.
  public var hadModulePrefix: Bool
  /// Tensors that were not float32 in the file, with what they were.
  public var converted: [String]

  /// A report of these parts.
  public init(loaded: Int, ignored: [String] = [], hadModulePrefix: Bool = false, converted: [String] = []) {
    self.loaded = loaded
    self.ignored = ignored
    self.hadModulePrefix = hadModulePrefix
    self.converted = converted
  }
}

extension Model {
  /// A model of this network with the weights of a bare safetensors file, found by their parameters' names.
  ///
  /// `num_batches_tracked` is ignored, and `module.` before every name. All tensors become float32, as PyTorch's own loading does.
  ///
  /// - Throws: `TensorArchiveError` if the file is not sound, ``ModelFileError`` that lists what is missing, unexpected or mis-shaped.
  public static func load(weights path: String, into network: Network) throws -> (model: Model, report: WeightsReport) {
    let archive = try TensorArchive(contentsOf: path)
    var stored = archive.tensors
    let prefix = "module."
    let hadPrefix = !stored.isEmpty && stored.keys.allSatisfy { $0.hasPrefix(prefix) }
    if hadPrefix { stored = Dictionary(uniqueKeysWithValues: stored.map { (String($0.key.dropFirst(prefix.count)), $0.value) }) }
    let ignored = stored.keys.filter { $0.hasSuffix(".num_batches_tracked") }.sorted()
    for name in ignored { stored[name] = nil }

    var tensors: [ParameterName: Tensor] = [:]
    var (missing, misshaped, converted): ([String], [String], [String]) = ([], [], [])
    for (name, shape) in try network.parameterShapes() {
      guard let tensor = stored.removeValue(forKey: name.description) else {
        missing.append(name.description)
        continue
      }
      guard tensor.shape == shape else {
        misshaped.append("\(name) \(tensor.shape) instead of \(shape)")
        continue
      }
      guard let type = tensor.elementType, type.isFloatingPoint else {
        throw ModelFileError.reading(path: path, problem: "\(name) has elements of \(tensor.elementType?.rawValue ?? "another type")")
      }
      if type != .float32 { converted.append("\(name) (\(type))") }
      tensors[name] = type == .float32 ? tensor : try tensor.cast(to: .float32)
    }
    guard missing.isEmpty, stored.isEmpty, misshaped.isEmpty else {
      throw ModelFileError.weights(
        path: path, network: network.name, missing: missing, unexpected: stored.keys.sorted().map(\.quotedIfNeeded), misshaped: misshaped)
    }
    let report = WeightsReport(loaded: tensors.count, ignored: ignored, hadModulePrefix: hadPrefix, converted: converted)
    return (try Model(network: network, tensors: tensors), report)
  }
}

extension String {
  /// Plain where it is printable ASCII without blanks, in quotation marks else.
  fileprivate var quotedIfNeeded: String {
    unicodeScalars.allSatisfy { $0.value > 32 && $0.value < 127 } && utf8.count <= 80 ? self : quoted
  }
}
