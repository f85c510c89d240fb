internal import Foundation
public import Networks
internal import Torch
internal import Words

/// The most bytes of one metadata entry.
private let maximumTextLength = 1 << 25

extension ModelFile {
  /// Reads a file written by ``write(to:form:)`` and checks that its parts are consistent.
  ///
  /// - Throws: `TensorArchiveError` if it is not a sound safetensors file, ``ModelFileError`` if it is not a sound model.
  public init(contentsOf path: String) throws {
    let archive = try TensorArchive(contentsOf: path)
    do {
      try self.init(archive)
    } catch let problem as ModelFileProblem {
      throw ModelFileError.reading(path: path, problem: problem.text)
    } catch {
      throw ModelFileError.reading(path: path, problem: String(describing: error))
    }
  }

  /// Returns the recipe in a file without reading its weights, which may take longer than anything else; nil if there is none.
  ///
  /// - Throws: `TensorArchiveError` if it is not a sound safetensors file, ``ModelFileError`` if it is not a model file.
  public static func recipe(of path: String) throws -> String? {
    do {
      let texts = try TensorArchive.metadata(contentsOf: path)
      try checkFormat(texts)
      return texts["recipe"]
    } catch let problem as ModelFileProblem {
      throw ModelFileError.reading(path: path, problem: problem.text)
    }
  }

  /// Returns what a file says of its inputs and outputs without reading its weights: the preprocessing, nil if it is unknown, and the
  /// names of the classes, empty if they are unknown.
  ///
  /// - Throws: `TensorArchiveError` if it is not a sound safetensors file, ``ModelFileError`` if it is not a model file.
  public static func preprocessing(of path: String) throws -> (preprocessing: Preprocessing?, classes: [String]) {
    do {
      let texts = try TensorArchive.metadata(contentsOf: path)
      try checkFormat(texts)
      return (
        texts["preprocessing"] == nil ? nil : try decode(Preprocessing.self, "preprocessing", of: texts),
        try decode([String].self, "classes", of: texts)
      )
    } catch let problem as ModelFileProblem {
      throw ModelFileError.reading(path: path, problem: problem.text)
    }
  }

  /// Returns the network in a file without reading its weights.
  ///
  /// - Throws: `TensorArchiveError` if it is not a sound safetensors file, ``ModelFileError`` if it is not a model file.
  public static func network(of path: String) throws -> Network {
    do {
      let texts = try TensorArchive.metadata(contentsOf: path)
      try checkFormat(texts)
      return try decode(Network.self, "network", of: texts)
    } catch let problem as ModelFileProblem {
      throw ModelFileError.reading(path: path, problem: problem.text)
    }
  }

  private static func checkFormat(_ texts: [String: String]) throws {
    guard texts["format"] == "espalier" else {
      throw ModelFileProblem("it holds weights, but no network: give it as the weights of a network that is named")
    }
    guard let version = texts["version"], versions.contains(version) else {
      throw ModelFileProblem(
        "it is a model file of version \((texts["version"] ?? "").quoted), and only versions \(versions.joined(separator: " and ")) are known"
      )
    }
  }

  private init(_ archive: TensorArchive) throws {
    let texts = archive.metadata
    try Self.checkFormat(texts)
    if let (name, unread) = archive.unread.min(by: { $0.key < $1.key }) {
      throw ModelFileProblem("\(name.quoted) has elements of type \(unread.type), which Espalier does not support")
    }
    history = try decode([RemovalEvent].self, "history", of: texts)
    let network = try decode(Network.self, "network", of: texts).tracing(history.map(\.removed))
    let masked = texts["masked"] == nil ? [] : try decode([String].self, "masked", of: texts)
    let (tensors, masks) = try ModelFileParameters.unpacked(archive.tensors, masked: masked, for: network)
    model = try Model(network: network, tensors: tensors, masks: masks)
    classes = try decode([String].self, "classes", of: texts)
    preprocessing = texts["preprocessing"] == nil ? nil : try decode(Preprocessing.self, "preprocessing", of: texts)
    recipe = texts["recipe"]
    origin = texts["origin"] == nil ? nil : try decode(ONNXOrigin.self, "origin", of: texts)
    try check()
  }

  /// Writes the file atomically; equal models give equal bytes in either form.
  ///
  /// - Throws: ``ModelFileError`` if the parts are inconsistent, `TensorArchiveError` or `FileError` if writing fails.
  public func write(to path: String, form: Form = .plain) throws {
    let archive: TensorArchive
    do {
      // The properties are public and may have become inconsistent.
      _ = try Model(network: model.network, tensors: model.tensors, masks: model.masks)
      _ = try model.network.shapes()
      try check()
      archive = try self.archive(form)
    } catch let problem as ModelFileProblem {
      throw ModelFileError.writing(path: path, problem: problem.text)
    } catch {
      throw ModelFileError.writing(path: path, problem: String(describing: error))
    }
    try archive.write(to: path)
  }

  /// Bytes of the plain file that ``write(to:form:)`` would write.
  public var byteCount: Int { get throws { try archive(.plain).byteCount } }

  func archive(_ form: Form) throws -> TensorArchive {
    let parameters = try ModelFileParameters(model, form: form)
    var archive = TensorArchive(tensors: parameters.tensors)
    archive.metadata = [
      // Without masks nothing has changed since version 1, and its readers can go on.
      "format": "espalier", "version": model.masks.isEmpty ? "1" : "2", "network": try json(model.network), "history": try json(history),
      "classes": try json(classes),
    ]
    if !parameters.masked.isEmpty { archive.metadata["masked"] = try json(parameters.masked) }
    archive.metadata["preprocessing"] = try preprocessing.map(json)
    archive.metadata["recipe"] = recipe
    archive.metadata["origin"] = try origin.map(json)
    // For other programs; ours derive the same from the network's lineage.
    archive.metadata["kept"] = try model.network.keptFeatures().map(json).flatMap { $0.utf8.count > maximumTextLength ? nil : $0 }
    for (key, text) in archive.metadata where text.utf8.count > maximumTextLength {
      throw ModelFileProblem("its \(key) has \(text.utf8.count) bytes of JSON, and at most \(maximumTextLength) are allowed")
    }
    return archive
  }

  /// The checks that reading and writing have in common.
  private func check() throws {
    var first: (name: ParameterName, type: ElementType)?
    for (name, tensor) in model.tensors.sorted(by: { $0.key < $1.key }) {
      guard let type = tensor.elementType, type.isFloatingPoint else {
        throw ModelFileProblem("\(name) has elements of \(tensor.elementType?.rawValue ?? "another type"), not float32 or float64")
      }
      if let first, first.type != type { throw ModelFileProblem("\(first.name) is of \(first.type), but \(name) of \(type)") }
      first = first ?? (name, type)
    }
    if let problem = try model.problemWithMasks() ?? model.problemWithNumbers() { throw ModelFileProblem(problem) }
    if !classes.isEmpty {
      let outputs = try model.network.classes
      guard classes.count == outputs else { throw ModelFileProblem("it names \(classes.count) classes, but the network has \(outputs)") }
    }
    if let problem = try preprocessing?.problem(for: model.network) { throw ModelFileProblem(problem) }
  }
}

/// What is wrong with a file, while its path is not known.
struct ModelFileProblem: Error {
  let text: String
  init(_ text: String) { self.text = text }
}

private func json(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}

private func decode<Value: Decodable>(_ type: Value.Type, _ key: String, of texts: [String: String]) throws -> Value {
  guard let text = texts[key] else { throw ModelFileProblem("its metadata lack \(key.quoted)") }
  guard text.utf8.count <= maximumTextLength else {
    throw ModelFileProblem("its \(key) has \(text.utf8.count) bytes of JSON, and at most \(maximumTextLength) are allowed")
  }
  do {
    return try JSONDecoder().decode(type, from: Data(text.utf8))
  } catch let error as NetworkError {
    throw ModelFileProblem("its \(key): \(error)")
  } catch let error as DecodingError {
    throw ModelFileProblem("its \(key) is damaged: \(error.inWords)")
  } catch {
    throw ModelFileProblem("its \(key) is damaged")
  }
}

extension DecodingError {
  /// What is wrong and where, in one line.
  fileprivate var inWords: String {
    let (context, what): (Context, String) =
      switch self {
      case .keyNotFound(let key, let context): (context, "\(key.stringValue.quoted) is missing")
      case .typeMismatch(let type, let context): (context, "expected \(type)")
      case .valueNotFound(let type, let context): (context, "expected \(type)")
      case .dataCorrupted(let context): (context, context.codingPath.isEmpty ? "it is not JSON" : "a value is out of range")
      @unknown default: (Context(codingPath: [], debugDescription: ""), "it cannot be read")
      }
    let place = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue.quoted }.joined(separator: " ")
    return place.isEmpty ? what : "\(what) at \(place)"
  }
}
