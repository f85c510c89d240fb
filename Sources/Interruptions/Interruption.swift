internal import Foundation

// A plain word of memory beside the lock, because signal handlers read it.
nonisolated(unsafe) private var unfinished: Int32 = 0
private let lock = NSLock()
// Set once, before anything reads it.
nonisolated(unsafe) private var processWide: @Sendable () -> Bool = { false }

/// A request to stop work, which long-running code polls between steps without being passed anything.
///
/// A program says once, with ``everywhere(_:)``, how a request is recognised; part of its work may override that, also for child tasks:
///
/// ```swift
/// try Interruption.$isRequested.withValue({ deadline < .now }) { try runner.run() }
/// ```
public enum Interruption {
  /// Whether work should stop. Once true it must stay true: code that is stopping may ask again before it has ended.
  @TaskLocal public static var isRequested: @Sendable () -> Bool = { processWide() }

  /// Sets how a request is recognised in this process where nothing overrides it; must be called before any work begins.
  ///
  /// A task-local value around the whole program will not do: bound in an asynchronous `main`, it makes code optimised by Swift 6.3
  /// crash.
  public static func everywhere(_ isRequested: @escaping @Sendable () -> Bool) { processWide = isRequested }

  /// - Throws: ``Interrupted`` if work should stop.
  @inlinable public static func check() throws {
    if isRequested() { throw Interrupted() }
  }

  /// Whether something is in progress that would leave remnants if the process ended now, such as a file being written.
  public static var isHeldOff: Bool { unfinished > 0 }

  /// Marks the beginning of such work; each call is balanced by ``letGo()``.
  public static func holdOff() { lock.withLock { unfinished += 1 } }

  /// Marks the end of work begun with ``holdOff()``.
  public static func letGo() { lock.withLock { unfinished -= 1 } }
}

/// The error of work that was stopped on request, without a result.
public struct Interrupted: Error, CustomStringConvertible, Equatable {
  /// Creates the error.
  public init() {}
  /// The single word `interrupted`.
  public var description: String { "interrupted" }
}
