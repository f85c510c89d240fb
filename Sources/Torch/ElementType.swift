internal import CTorch

/// The type of a tensor's elements.
public enum ElementType: String, Codable, Sendable, CaseIterable {
  /// A libtorch scalar type, named as in PyTorch.
  case uint8, int64, float32, float64, bool, int32

  var code: Int32 {
    switch self {
    case .uint8: Int32(CT_UINT8)
    case .int64: Int32(CT_INT64)
    case .float32: Int32(CT_FLOAT32)
    case .float64: Int32(CT_FLOAT64)
    case .bool: Int32(CT_BOOL)
    case .int32: Int32(CT_INT32)
    }
  }

  init?(code: Int32) {
    guard let type = Self.allCases.first(where: { $0.code == code }) else { return nil }
    self = type
  }

  /// Bytes per element.
  public var size: Int {
    switch self {
    case .uint8, .bool: 1
    case .int32, .float32: 4
    case .int64, .float64: 8
    }
  }

  /// Whether the type is a floating-point type, so that gradients can flow through it.
  public var isFloatingPoint: Bool { self == .float32 || self == .float64 }
}

/// A Swift type whose values can be a tensor's elements.
public protocol TensorElement: Sendable {
  /// The libtorch element type of the same memory layout.
  static var elementType: ElementType { get }
}

extension UInt8: TensorElement {
  /// The element type `uint8`.
  public static var elementType: ElementType { .uint8 }
}
extension Int64: TensorElement {
  /// The element type `int64`.
  public static var elementType: ElementType { .int64 }
}
extension Int32: TensorElement {
  /// The element type `int32`.
  public static var elementType: ElementType { .int32 }
}
extension Float: TensorElement {
  /// The element type `float32`.
  public static var elementType: ElementType { .float32 }
}
extension Double: TensorElement {
  /// The element type `float64`.
  public static var elementType: ElementType { .float64 }
}
extension Bool: TensorElement {
  /// The element type `bool`.
  public static var elementType: ElementType { .bool }
}

/// The device whose memory holds a tensor and which computes with it.
public enum Device: String, Codable, Sendable, CaseIterable {
  /// The processor and main memory.
  case cpu
  /// The first CUDA device; needs ``TorchRuntime/loadCUDA(from:)``.
  case cuda

  var code: Int32 { self == .cpu ? Int32(CT_CPU) : Int32(CT_CUDA) }
}
