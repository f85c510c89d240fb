public import Torch

/// Named tensors that a file of weights holds, before they are matched with a network's parameters.
public struct StoredWeights {
  /// The tensors by their names in the file.
  public var tensors: [String: Tensor]
  /// What cannot be read, by name: tensors with elements that Espalier does not use, and objects that only code could make.
  public var unread: [String: TensorArchive.Unread]
  /// The names of ``tensors`` in the order of the layers, for matching by order (``WeightMatching/order``).
  public internal(set) var order: [String]
  /// Lines for the user about what of the file was read.
  public var notes: [String]
  /// Whether they are those of a model file that says elsewhere which of them are pruned.
  private(set) var isMaskedModel = false
  /// Masks of `torch.nn.utils.prune`, by the names of the tensors that they belong to.
  var masks: [String: Tensor] = [:]

  /// Creates weights from tensors in the order of their layers, as a state dictionary of PyTorch has them; of two with one name the last
  /// counts.
  public init(_ tensors: [(name: String, tensor: Tensor)], unread: [String: TensorArchive.Unread] = [:], notes: [String] = []) {
    self.tensors = Dictionary(tensors.map { ($0.name, $0.tensor) }, uniquingKeysWith: { $1 })
    var seen: Set<String> = []
    order = tensors.map(\.name).filter { seen.insert($0).inserted }
    self.unread = unread
    self.notes = notes
  }

  /// Creates weights from the tensors of an archive. Its order says nothing about layers: names are ordered as people count, `layer2.`
  /// before `layer10.`.
  public init(_ archive: TensorArchive) {
    let names = archive.tensors.keys.map { (name: $0, words: Self.words($0)) }.sorted {
      Self.precedes($0.words, $1.words) || ($0.words == $1.words && $0.name < $1.name)
    }
    self.init(names.compactMap { name in archive.tensors[name.name].map { (name.name, $0) } }, unread: archive.unread)
    isMaskedModel = archive.metadata["format"] == "espalier" && archive.metadata["version"] == "2"
  }

  /// Letters and numbers of a name, each alone.
  private enum Word: Equatable {
    case number(UInt64)
    case text(String)
  }

  private static func words(_ name: String) -> [Word] {
    var words: [Word] = []
    var rest = name[...]
    while let first = rest.first {
      let isNumber = first.isASCII && first.isNumber
      let part = rest.prefix { ($0.isASCII && $0.isNumber) == isNumber }
      words.append(isNumber ? UInt64(part).map(Word.number) ?? .text(String(part)) : .text(String(part)))
      rest = rest[part.endIndex...]
    }
    return words
  }

  private static func precedes(_ left: [Word], _ right: [Word]) -> Bool {
    for (a, b) in zip(left, right) where a != b {
      return switch (a, b) {
      case (.number(let a), .number(let b)): a < b
      case (.text(let a), .text(let b)): a < b
      case (.number, .text): true
      case (.text, .number): false
      }
    }
    return left.count < right.count
  }
}

/// How the tensors of a file find the parameters that they are.
public enum WeightMatching: String, Codable, Hashable, Sendable, CaseIterable {
  /// By their names, which must be the network's.
  case names
  /// By the order of the layers, whatever their names; the shapes must fit one by one.
  case order
}

/// A file of weights for a network, and how they are matched.
public struct GivenWeights: Hashable, Sendable {
  /// Path of the file.
  public var path: String
  /// What decides which tensor is which parameter.
  public var matching: WeightMatching

  /// Creates the description of a file of weights.
  public init(_ path: String, matching: WeightMatching = .names) { (self.path, self.matching) = (path, matching) }
}

extension GivenWeights: Codable {
  private enum Key: CodingKey { case path, matching }

  /// Decodes a path alone, or an object with `path` and `matching`.
  public init(from decoder: any Decoder) throws {
    if let path = try? decoder.singleValueContainer().decode(String.self) {
      self.init(path)
      return
    }
    let object = try decoder.container(keyedBy: Key.self)
    self.init(try object.decode(String.self, forKey: .path), matching: try object.decode(WeightMatching.self, forKey: .matching))
  }

  /// Encodes the path alone where names decide, which is what recipes have always held.
  public func encode(to encoder: any Encoder) throws {
    if matching == .names {
      var container = encoder.singleValueContainer()
      return try container.encode(path)
    }
    var object = encoder.container(keyedBy: Key.self)
    try object.encode(path, forKey: .path)
    try object.encode(matching, forKey: .matching)
  }
}

/// What reads files of weights; the formats that it knows are its own matter.
public struct WeightsReader: Sendable {
  private let read: @Sendable (String) throws -> StoredWeights

  /// Creates a reader from a function of a file's path, whose errors name the path.
  public init(_ read: @escaping @Sendable (String) throws -> StoredWeights) { self.read = read }

  /// Reads the file at a path.
  ///
  /// - Throws: what the reader throws, for instance `TensorArchiveError`.
  public func callAsFunction(_ path: String) throws -> StoredWeights { try read(path) }

  /// Reads safetensors files and no others.
  public static let safetensors = WeightsReader { StoredWeights(try TensorArchive(contentsOf: $0)) }
}
