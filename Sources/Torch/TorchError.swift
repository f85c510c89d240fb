internal import CTorch

/// A failure inside libtorch or of something asked of it.
public struct TorchError: Error, CustomStringConvertible, Equatable {
  /// Begins with the operation's name, then libtorch's own words.
  public let description: String
  /// An error of these words.
  public init(_ description: String) { self.description = description }

  /// Whether there was not enough memory.
  public var isOutOfMemory: Bool { description.hasSuffix("out of memory") }

  /// The failure that this thread's last call recorded.
  static var last: TorchError { TorchError(String(cString: ct_error_message())) }
}

/// The handle as a tensor, or the recorded failure.
@inline(__always)
func checked(_ handle: OpaquePointer?) throws -> Tensor {
  guard let handle else { throw TorchError.last }
  return Tensor(owning: handle)
}

/// Throws the recorded failure if the status says so.
@inline(__always)
func checked(_ status: Int32) throws {
  if status != 0 { throw TorchError.last }
}
