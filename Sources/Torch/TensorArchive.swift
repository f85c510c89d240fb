/// Named tensors and text in one file, in the `.safetensors` format.
///
/// The file is the length of a header (8 bytes, little-endian), the header as JSON (type, shape and place of each tensor, and
/// a `__metadata__` map of text), then the elements, row-major and little-endian. Nothing in it is ever executed. Other
/// programs read what is written here and write what is read here.
///
/// ```swift
/// var archive = TensorArchive()
/// archive.tensors["features.0.weight"] = weight
/// archive.metadata["format"] = "pt"
/// try archive.write(to: "model.safetensors")
/// ```
public struct TensorArchive {
  /// The tensors by name; on the CPU and row-major after reading. F16 and BF16 elements are read as float32.
  public var tensors: [String: Tensor]
  /// Free text by key.
  public var metadata: [String: String]

  /// An archive of these tensors and texts.
  public init(tensors: [String: Tensor] = [:], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// The most tensors a file may hold: far above any network, far below what a hostile file could claim.
  public static let maximumCount = 65_536
  /// The most bytes of a header, as the format's authors set it.
  public static let maximumHeaderLength = 100_000_000
  /// The most dimensions of a tensor.
  public static let maximumRank = 32
}

/// Why a file of tensors could not be read or written; the description is one line.
public enum TensorArchiveError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file is missing, damaged or hostile.
  case reading(path: String, problem: String)
  /// The file could not be written; nothing is left of the attempt, and what was there before is still there.
  case writing(path: String, problem: String)

  /// One line, with the path first.
  public var description: String {
    switch self {
    case .reading(let path, let problem): "cannot read \(path): \(problem)"
    case .writing(let path, let problem): "cannot write \(path): \(problem)"
    }
  }
}

/// What is wrong with a file, before its path is known.
struct ArchiveProblem: Error {
  let text: String
  init(_ text: String) { self.text = text }
}

/// The format's names of element types.
enum StoredType: String, CaseIterable {
  case bool = "BOOL"
  case uint8 = "U8"
  case int32 = "I32"
  case int64 = "I64"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case float32 = "F32"
  case float64 = "F64"

  init(_ type: ElementType) {
    switch type {
    case .bool: self = .bool
    case .uint8: self = .uint8
    case .int32: self = .int32
    case .int64: self = .int64
    case .float32: self = .float32
    case .float64: self = .float64
    }
  }

  /// Bytes of one element in the file.
  var size: Int {
    switch self {
    case .bool, .uint8: 1
    case .float16, .bfloat16: 2
    case .int32, .float32: 4
    case .int64, .float64: 8
    }
  }

  /// What it is read as.
  var elementType: ElementType {
    switch self {
    case .bool: .bool
    case .uint8: .uint8
    case .int32: .int32
    case .int64: .int64
    case .float16, .bfloat16, .float32: .float32
    case .float64: .float64
    }
  }
}

extension String {
  /// In quotation marks on one line, without control characters and not longer than 80: names come from hostile files.
  var quoted: String { (unicodeScalars.count > 80 ? String(unicodeScalars.prefix(77)) + "..." : self).debugDescription }
}
