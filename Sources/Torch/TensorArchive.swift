/// Named tensors and text in one file of the `.safetensors` format.
///
/// The file is the length of a header (8 bytes, little-endian), the header as JSON (type, shape and byte range of each tensor, and a
/// `__metadata__` map of text), then the elements, row-major and little-endian. Nothing in it is ever executed. Files are interchangeable
/// with those of other safetensors implementations.
///
/// ```swift
/// var archive = TensorArchive()
/// archive.tensors["features.0.weight"] = weight
/// archive.metadata["format"] = "pt"
/// try archive.write(to: "model.safetensors")
/// ```
public struct TensorArchive {
  /// The tensors by name; on the CPU and row-major after reading. F16 and BF16 elements are converted to float32.
  public var tensors: [String: Tensor]
  /// Tensors of the file with an element type that Espalier does not use, by name; their elements are neither read nor written.
  public private(set) var unread: [String: Unread] = [:]
  /// The file's `__metadata__`: free text by key.
  public var metadata: [String: String]

  /// The type and shape of a tensor whose elements were not read.
  public struct Unread: Hashable, Sendable {
    /// The element type in the format's spelling, e.g. `F8_E4M3`.
    public var type: String
    /// Size of each dimension.
    public var shape: [Int]

    /// Creates the description of a tensor that is not read.
    public init(type: String, shape: [Int]) { (self.type, self.shape) = (type, shape) }
  }

  /// Creates an archive of the given tensors and metadata.
  public init(tensors: [String: Tensor] = [:], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// Creates an archive that also describes tensors whose elements were not read.
  public init(tensors: [String: Tensor], unread: [String: Unread], metadata: [String: String] = [:]) {
    self.init(tensors: tensors, metadata: metadata)
    self.unread = unread
  }

  /// The most tensors, and the most metadata entries, that a file may hold: far above any network, far below what a hostile file could
  /// claim.
  public static let maximumCount = 65_536
  /// The most bytes of a header, a limit of the format's reference implementation.
  public static let maximumHeaderLength = 100_000_000
  /// The most dimensions of a tensor.
  public static let maximumRank = 32
}

/// An error of reading or writing a tensor archive; its description is one line.
public enum TensorArchiveError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file is missing, damaged or hostile.
  case reading(path: String, problem: String)
  /// The file could not be written; the attempt leaves nothing behind, and an earlier file is untouched.
  case writing(path: String, problem: String)

  /// What is wrong, without the path.
  public var problem: String {
    switch self {
    case .reading(_, let problem), .writing(_, let problem): problem
    }
  }

  /// The message in one line, with the path.
  public var description: String {
    switch self {
    case .reading(let path, let problem): "cannot read \(path): \(problem)"
    case .writing(let path, let problem): "cannot write \(path): \(problem)"
    }
  }
}

/// What is wrong with a file, while its path is not known.
struct ArchiveProblem: Error {
  let text: String
  init(_ text: String) { self.text = text }
}

/// Element types of files, by their names in the safetensors format; Espalier reads some of them (``elementType``).
public enum StoredType: String, CaseIterable, Sendable {
  /// A byte, 0 or 1.
  case bool = "BOOL"
  /// Four bits of two exponent bits and one of fraction, packed.
  case float4 = "F4"
  /// Six bits with two of exponent, packed.
  case float6E2M3 = "F6_E2M3"
  /// Six bits with three of exponent, packed.
  case float6E3M2 = "F6_E3M2"
  /// Unsigned, 8 bits.
  case uint8 = "U8"
  /// Signed, 8 bits.
  case int8 = "I8"
  /// 8 bits with five of exponent.
  case float8E5M2 = "F8_E5M2"
  /// 8 bits with four of exponent, without infinities.
  case float8E4M3 = "F8_E4M3"
  /// 8 bits of exponent alone.
  case float8E8M0 = "F8_E8M0"
  /// 8 bits with four of exponent, without infinities and negative zero.
  case float8E4M3FNUZ = "F8_E4M3FNUZ"
  /// 8 bits with five of exponent, without infinities and negative zero.
  case float8E5M2FNUZ = "F8_E5M2FNUZ"
  /// Signed, 16 bits.
  case int16 = "I16"
  /// Unsigned, 16 bits.
  case uint16 = "U16"
  /// IEEE 754 binary16.
  case float16 = "F16"
  /// The upper half of a binary32.
  case bfloat16 = "BF16"
  /// Signed, 32 bits.
  case int32 = "I32"
  /// Unsigned, 32 bits.
  case uint32 = "U32"
  /// IEEE 754 binary32.
  case float32 = "F32"
  /// Two binary32, real and imaginary part.
  case complex64 = "C64"
  /// IEEE 754 binary64.
  case float64 = "F64"
  /// Signed, 64 bits.
  case int64 = "I64"
  /// Unsigned, 64 bits.
  case uint64 = "U64"

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

  /// Bits per element in the file; elements smaller than a byte are packed.
  public var bits: Int {
    switch self {
    case .float4: 4
    case .float6E2M3, .float6E3M2: 6
    case .bool, .uint8, .int8, .float8E5M2, .float8E4M3, .float8E8M0, .float8E4M3FNUZ, .float8E5M2FNUZ: 8
    case .int16, .uint16, .float16, .bfloat16: 16
    case .int32, .uint32, .float32: 32
    case .complex64, .float64, .int64, .uint64: 64
    }
  }

  /// The type that elements are read as; nil for types that Espalier does not use.
  public var elementType: ElementType? {
    switch self {
    case .bool: .bool
    case .uint8: .uint8
    case .int32: .int32
    case .int64: .int64
    case .float16, .bfloat16, .float32: .float32
    case .float64: .float64
    case .float4, .float6E2M3, .float6E3M2, .int8, .float8E5M2, .float8E4M3, .float8E8M0, .float8E4M3FNUZ, .float8E5M2FNUZ, .int16,
      .uint16, .uint32, .complex64, .uint64:
      nil
    }
  }
}
