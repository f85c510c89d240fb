internal import CTorch

/// A failure inside libtorch, or a misuse found before libtorch is called.
public struct TorchError: Error, CustomStringConvertible, Equatable {
  /// The operation's name, then libtorch's own words.
  public let description: String
  /// Creates an error with the given description.
  public init(_ description: String) { self.description = description }

  /// Whether an allocation failed for lack of memory.
  public var isOutOfMemory: Bool { description.hasSuffix("out of memory") }

  /// The failure recorded by this thread's last call.
  static var last: TorchError { TorchError(String(cString: ct_error_message())) }
}

/// Wraps a handle as a tensor, or throws the recorded failure if it is NULL.
@inline(__always)
func checked(_ handle: OpaquePointer?) throws -> Tensor {
  guard let handle else { throw TorchError.last }
  return Tensor(owning: handle)
}

/// Throws the recorded failure unless the status is 0.
@inline(__always)
func checked(_ status: Int32) throws {
  if status != 0 { throw TorchError.last }
}
