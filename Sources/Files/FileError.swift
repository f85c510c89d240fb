internal import Foundation

/// An error of the file system, or something at a path that cannot be used as a file; its description is one line with the path.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// An attempted operation on a file.
  public enum Action: String, Hashable, Sendable {
    /// Opening or reading a file.
    case read
    /// Creating, replacing or writing a file.
    case write
    /// Removing a file.
    case remove
  }

  /// The operation that failed.
  public let action: Action
  /// The path as it was given.
  public let path: String
  /// What is wrong, without the path: the system's words, or ours.
  public let problem: String
  /// The system's error number (`errno`); nil for errors of our own.
  public let code: Int32?

  /// Creates an error of our own, in the given words.
  public init(_ action: Action, _ path: String, _ problem: String) {
    (self.action, self.path, self.problem, code) = (action, path, problem, nil)
  }

  /// Creates an error from the system's error number and in the system's words.
  public init(_ action: Action, _ path: String, code: Int32) {
    (self.action, self.path, self.problem, self.code) = (action, path, String(cString: strerror(code)), code)
  }

  /// Calls `body` and turns errors of Foundation into errors about this path, in the system's words.
  ///
  /// - Throws: ``FileError``.
  public static func naming<Value>(_ action: Action, _ path: String, _ body: () throws -> Value) throws(FileError) -> Value {
    do { return try body() } catch let error as FileError { throw error } catch {
      let error = error as NSError
      let system = (error.userInfo[NSUnderlyingErrorKey] as? any Error).map { $0 as NSError } ?? error
      if system.domain == NSPOSIXErrorDomain { throw FileError(action, path, code: Int32(clamping: system.code)) }
      throw FileError(action, path, error.localizedDescription)
    }
  }

  /// The message in one line, e.g. `cannot write run.checkpoint: No space left on device`.
  public var description: String { "cannot \(action.rawValue) \(path): \(problem)" }
}
