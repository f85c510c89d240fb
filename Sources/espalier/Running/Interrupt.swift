internal import Foundation
internal import Interruptions

// All that a signal handler looks at: plain words of memory.
nonisolated(unsafe) private var received: sig_atomic_t = 0
nonisolated(unsafe) private var isAnswered: sig_atomic_t = 0
nonisolated(unsafe) private var grace: UInt32 = 1
nonisolated(unsafe) private var lastWords: UnsafeMutablePointer<CChar>?

/// Ctrl-C and SIGTERM: a wish that long work looks for between two steps (`Interruption.check()`), and that is granted in any case.
///
/// Work that does not ask within a second has no place where it can stop: it is ended there, as by a kill, which loses nothing that
/// was written. Steps of a training that take longer than a second are waited for.
enum Interrupt {
  /// From now on the first SIGINT or SIGTERM is a wish; a second one ends the process at once.
  static func install() {
    received = 0
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        if received != 0 { _exit(128 + number) }
        received = sig_atomic_t(number)
        alarm(grace)
      }
    }
    signal(SIGALRM) { _ in
      if isAnswered != 0 || received == 0 { return }
      if Interruption.isHeldOff {
        alarm(1)
        return
      }
      if let lastWords { _ = write(STDERR_FILENO, lastWords, strlen(lastWords)) }
      _exit(128 + received)
    }
    outcome = nil
    // Whoever started this process may have blocked them, and a mask is inherited.
    var unblocked = sigset_t()
    sigemptyset(&unblocked)
    for number in [SIGINT, SIGTERM, SIGALRM] { sigaddset(&unblocked, number) }
    pthread_sigmask(SIG_UNBLOCK, &unblocked, nil)
  }

  /// What a stop would leave at this moment, e.g. where the checkpoint is; said before the last line. Nil where nothing is to be said.
  nonisolated(unsafe) static var outcome: String? {
    didSet {
      if outcome == oldValue, lastWords != nil { return }
      // The earlier text is not freed: a handler may be reading it. It changes a few times in a run.
      lastWords = strdup((outcome.map { Console.line($0) + "\n" } ?? "") + Console.line("espalier: interrupted") + "\n")
    }
  }

  /// As if a signal had come: for work whose reason is gone.
  static func request() { received = sig_atomic_t(SIGTERM) }

  /// From now on writing to a pipe that nobody reads is an error, not the end.
  static func ignoreClosedPipes() { signal(SIGPIPE, SIG_IGN) }

  /// From now on a file that grows beyond the limit of the process is an error, not the end.
  static func ignoreSizeLimits() { signal(SIGXFSZ, SIG_IGN) }

  /// Whether somebody asked to stop. Who asks and hears it stops soon.
  static var isRequested: Bool {
    let now = DispatchTime.now().uptimeNanoseconds
    // Who asks every three seconds is in the midst of steps of three seconds.
    let pause = (now &- lastAsked) / 1_000_000_000
    grace = UInt32(min(2 * pause + 1, 60))
    lastAsked = now
    guard received != 0 else { return false }
    isAnswered = 1
    return true
  }

  nonisolated(unsafe) private static var lastAsked = DispatchTime.now().uptimeNanoseconds

  /// Runs what may wait for others in vain, and cancels it where somebody asks to stop.
  ///
  /// - Throws: what it throws; `Interrupted`.
  static func cancelling<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
    try await withThrowingTaskGroup(of: Result.self) { group in
      group.addTask(operation: body)
      group.addTask {
        while !isRequested { try await Task.sleep(for: .milliseconds(100)) }
        throw Interrupted()
      }
      defer { group.cancelAll() }
      guard let result = try await group.next() else { throw Interrupted() }
      return result
    }
  }

  /// The signal that was noted; 0 for none.
  static var signal: Int32 { Int32(received) }

  /// The status of a process that ends for it.
  static var exitStatus: ExitStatus { signal == SIGTERM ? .terminated : .interrupted }

  /// The system's call; its name is taken by the property.
  private static func signal(_ number: Int32, _ handler: (@convention(c) (Int32) -> Void)?) {
    var action = sigaction()
    #if canImport(Darwin)
      action.__sigaction_u.__sa_handler = handler
    #else
      action.__sigaction_handler.sa_handler = handler
    #endif
    // Reads and writes under way go on afterwards.
    action.sa_flags = SA_RESTART
    sigaction(number, &action, nil)
  }
}
