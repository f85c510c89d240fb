internal import Foundation
internal import Interruptions

// Everything that a signal handler reads: plain words in memory.
nonisolated(unsafe) private var received: sig_atomic_t = 0
nonisolated(unsafe) private var isFromParent = false
nonisolated(unsafe) private var isPassedOn = false
nonisolated(unsafe) private var isAnswered: sig_atomic_t = 0
nonisolated(unsafe) private var grace: UInt32 = 1
nonisolated(unsafe) private var lastWords: UnsafeMutablePointer<CChar>?

/// Turns Ctrl-C and SIGTERM into a request that long work checks between two steps (`Interruption.check()`).
///
/// Work that does not check within a second cannot stop by itself: the process is ended, as by a kill, which loses nothing that was
/// written. Training steps that take longer than a second are waited for.
enum Interrupt {
  /// From now on the first SIGINT or SIGTERM is a request; a second one ends the process at once.
  ///
  /// Clusters and service managers signal every process of a tree, of which the one above passes its own on: from the parent and from
  /// elsewhere, the two are one request.
  static func install() {
    received = 0
    for number in [SIGINT, SIGTERM] {
      signal(number) { number, information, _ in
        let comesFromParent = sender(information) == getppid()
        if received != 0 {
          if isPassedOn || comesFromParent == isFromParent { _exit(128 + number) }
          isPassedOn = true
          return
        }
        isFromParent = comesFromParent
        received = sig_atomic_t(number)
        alarm(grace)
      }
    }
    signal(SIGALRM) { _, _, _ in
      if isAnswered != 0 || received == 0 { return }
      if Interruption.isHeldOff {
        alarm(1)
        return
      }
      if let lastWords { _ = write(STDERR_FILENO, lastWords, strlen(lastWords)) }
      _exit(128 + received)
    }
    outcome = nil
    // The parent process may have blocked these signals, and the mask is inherited.
    var unblocked = sigset_t()
    sigemptyset(&unblocked)
    for number in [SIGINT, SIGTERM, SIGALRM] { sigaddset(&unblocked, number) }
    pthread_sigmask(SIG_UNBLOCK, &unblocked, nil)
  }

  /// What a stop would leave at this moment, e.g. where the checkpoint is; printed before the last line. nil if there is nothing to say.
  nonisolated(unsafe) static var outcome: String? {
    didSet {
      if outcome == oldValue, lastWords != nil { return }
      // The earlier text is not freed, because a handler may be reading it; it changes only a few times in a run.
      lastWords = strdup((outcome.map { Console.line($0) + "\n" } ?? "") + Console.line("espalier: interrupted") + "\n")
    }
  }

  /// Requests a stop as if SIGTERM had come, for work whose purpose is gone.
  static func request() { received = sig_atomic_t(SIGTERM) }

  /// From now on writing to a pipe without readers is an error instead of ending the process.
  static func ignoreClosedPipes() { _ = Foundation.signal(SIGPIPE, SIG_IGN) }

  /// From now on exceeding the limit on file sizes is an error instead of ending the process.
  static func ignoreSizeLimits() { _ = Foundation.signal(SIGXFSZ, SIG_IGN) }

  /// Whether a stop was requested; callers that see true must stop soon.
  static var isRequested: Bool {
    let now = DispatchTime.now().uptimeNanoseconds
    // Callers that ask every three seconds are working in steps of three seconds.
    let pause = (now &- lastAsked) / 1_000_000_000
    grace = UInt32(min(2 * pause + 1, 60))
    lastAsked = now
    guard received != 0 else { return false }
    isAnswered = 1
    return true
  }

  nonisolated(unsafe) private static var lastAsked = DispatchTime.now().uptimeNanoseconds

  /// Runs work that may wait forever, e.g. for a server, and cancels it when a stop is requested.
  ///
  /// - Throws: errors of the work; `Interrupted`.
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

  /// The signal that was received; 0 for none.
  static var signal: Int32 { Int32(received) }

  /// The exit status after that signal.
  static var exitStatus: ExitStatus { signal == SIGTERM ? .terminated : .interrupted }

  private typealias Handler = @convention(c) (Int32, UnsafeMutablePointer<siginfo_t>?, UnsafeMutableRawPointer?) -> Void

  private static func signal(_ number: Int32, _ handler: @escaping Handler) {
    var action = sigaction()
    #if canImport(Darwin)
      action.__sigaction_u.__sa_sigaction = handler
    #else
      action.__sigaction_handler.sa_sigaction = handler
    #endif
    // System calls in progress are restarted.
    action.sa_flags = SA_RESTART | SA_SIGINFO
    sigaction(number, &action, nil)
  }
}

/// The process that sent a signal; 0 for the terminal.
private func sender(_ information: UnsafeMutablePointer<siginfo_t>?) -> pid_t {
  #if canImport(Darwin)
    information?.pointee.si_pid ?? 0
  #else
    information?.pointee._sifields._kill.si_pid ?? 0
  #endif
}
