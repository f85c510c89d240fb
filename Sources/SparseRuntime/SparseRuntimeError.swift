/// A plan that cannot be used, or a call that does not fit it.
public enum SparseRuntimeError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A file that cannot be read or written: its path and the system's reason.
  case file(path: String, reason: String)
  /// Something at a path that is no plan's file, or not one that this program understands: its path and what is wrong.
  case unusable(path: String, reason: String)
  /// Bytes that are not a plan, or not one that this program understands: what is wrong.
  case malformed(String)
  /// Examples that do not fit the network: what was given and what is expected.
  case input(String)
  /// The system gives no memory or no threads.
  case resources(String)

  /// One line for the user.
  public var description: String {
    switch self {
    case .file(let path, let reason), .unusable(let path, let reason): "\(path): \(reason)"
    case .malformed(let what): "not a usable plan: \(what)"
    case .input(let what): what
    case .resources(let what): what
    }
  }
}

extension String {
  /// The text as part of a line: a name comes from a file, and must neither end the line nor steer a terminal.
  var shown: String { unicodeScalars.prefix(80).map { $0.properties.generalCategory == .control ? "?" : String($0) }.joined() }
}
