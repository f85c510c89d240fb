internal import Torch

/// A value of a pickle. Those that hold others are ``PickleNode``s, known by their place in ``Unpickler/nodes``: however deep a hostile
/// file nests them, and whatever circles it makes, nothing recurses.
enum PickleValue {
  case none
  case bool(Bool)
  case int(Int)
  case text(String)
  /// The bytes of a number that is larger than ``int(_:)``.
  case large([UInt8])
  /// Something whose content no tensor needs: fractions, bytes, very long texts.
  case skipped
  /// A class or function by its name, `module.name`; it is never looked up.
  case global(String)
  case node(Int)
}

/// A value of a pickle that consists of others.
struct PickleNode {
  enum Kind {
    case list, tuple, set
    /// Keys and values in turn.
    case dictionary
    case storage(PickleStorage)
    case tensor(StridedView)
    /// What only code could make, by the name of that code; what was to become of its fields are the node's items.
    case opaque(String)
  }
  var kind: Kind
  var items: [PickleValue] = []
}

/// A stretch of elements in a checkpoint, which tensors are views of.
struct PickleStorage {
  var key: String
  /// The elements' type; nil for bytes that get their type from the tensor, and for types that no file of ours knows.
  var type: StoredType?
  /// The type in PyTorch's spelling.
  var typeName: String
  /// Whether its size is counted in bytes.
  var isUntyped: Bool
  /// Number of elements, or of bytes.
  var count: Int
  /// Index of its first element in the stretch that the file holds under its key.
  var start = 0

  /// The class of a storage, or the type of a tensor's elements, as a type of files.
  static func type(_ name: String) -> StoredType? {
    var name = name
    for prefix in ["torch.cuda.", "torch."] where name.hasPrefix(prefix) { name.removeFirst(prefix.count) }
    return types[name]
  }

  private static let types: [String: StoredType] = [
    "FloatStorage": .float32, "DoubleStorage": .float64, "HalfStorage": .float16, "BFloat16Storage": .bfloat16, "LongStorage": .int64,
    "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8, "BoolStorage": .bool,
    "ComplexFloatStorage": .complex64, "float32": .float32, "float64": .float64, "float16": .float16, "bfloat16": .bfloat16,
    "int64": .int64, "int32": .int32, "int16": .int16, "int8": .int8, "uint8": .uint8, "bool": .bool, "uint16": .uint16,
    "uint32": .uint32, "uint64": .uint64, "complex64": .complex64, "float8_e4m3fn": .float8E4M3, "float8_e5m2": .float8E5M2,
    "float8_e4m3fnuz": .float8E4M3FNUZ, "float8_e5m2fnuz": .float8E5M2FNUZ, "float8_e8m0fnu": .float8E8M0,
  ]
}
