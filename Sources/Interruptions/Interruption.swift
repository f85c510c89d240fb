internal import Foundation

// A plain word of memory beside the lock: signal handlers look at it.
nonisolated(unsafe) private var unfinished: Int32 = 0
private let lock = NSLock()
// Set once, before anything asks.
nonisolated(unsafe) private var processWide: @Sendable () -> Bool = { false }

/// The wish of whoever waits for some work that it stop: long work looks for it between two steps, without being handed anything.
///
/// A program says once how the wish is heard, ``everywhere(_:)``; work within it may have a wish of its own, which child tasks inherit:
///
/// ```swift
/// try Interruption.$isRequested.withValue({ deadline < .now }) { try runner.run() }
/// ```
public enum Interruption {
  /// Whether to stop. Once true it must stay so: what stops half-way may be asked again before it has ended.
  @TaskLocal public static var isRequested: @Sendable () -> Bool = { processWide() }

  /// How the wish is heard in this process, where nothing else is said; to be called before any work begins.
  ///
  /// Not a task's value around the whole program: bound in an asynchronous `main`, Swift 6.3's optimizer makes it crash.
  public static func everywhere(_ isRequested: @escaping @Sendable () -> Bool) { processWide = isRequested }

  /// - Throws: ``Interrupted`` if the work is to stop.
  @inlinable public static func check() throws {
    if isRequested() { throw Interrupted() }
  }

  /// Whether something is under way that would leave its remains if the process ended now, such as a file that is being written.
  public static var isHeldOff: Bool { unfinished > 0 }

  /// Begins such a thing; each is ended by ``letGo()``.
  public static func holdOff() { lock.withLock { unfinished += 1 } }

  /// Ends what ``holdOff()`` began.
  public static func letGo() { lock.withLock { unfinished -= 1 } }
}

/// Work was stopped half-way because somebody asked for it; what it was to give does not exist.
public struct Interrupted: Error, CustomStringConvertible, Equatable {
  /// A stop.
  public init() {}
  /// One word.
  public var description: String { "interrupted" }
}
