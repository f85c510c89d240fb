internal import Foundation

/// What the system refused to do with a file, or what lies there instead of one; one line, with the path.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was to be done.
  public enum Action: String, Hashable, Sendable {
    case read
    case write
    case remove
  }

  /// What was to be done.
  public let action: Action
  /// The path as it was given.
  public let path: String
  /// What is wrong, without the path: the system's words, or ours.
  public let problem: String
  /// The system's error number; nil where the system refused nothing.
  public let code: Int32?

  /// An error that the system does not know.
  public init(_ action: Action, _ path: String, _ problem: String) {
    (self.action, self.path, self.problem, code) = (action, path, problem, nil)
  }

  /// The system's error of this number.
  public init(_ action: Action, _ path: String, code: Int32) {
    (self.action, self.path, self.problem, self.code) = (action, path, String(cString: strerror(code)), code)
  }

  /// Calls `body`; what Foundation throws there is said of this path in the system's words.
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

  /// E.g. `cannot write run.checkpoint: No space left on device`.
  public var description: String { "cannot \(action.rawValue) \(path): \(problem)" }
}
