internal import Foundation

// A plain word of memory, the only thing that a signal handler may store to.
nonisolated(unsafe) private var received: sig_atomic_t = 0

/// Ctrl-C and SIGTERM as a wish that long work looks at between two steps.
enum Interrupt {
  /// From now on the first SIGINT or SIGTERM is only noted; a second one ends the process at once.
  static func install() {
    received = 0
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        if received != 0 { _exit(128 + number) }
        received = sig_atomic_t(number)
      }
    }
    // Whoever started this process may have blocked them, and a mask is inherited.
    var unblocked = sigset_t()
    sigemptyset(&unblocked)
    sigaddset(&unblocked, SIGINT)
    sigaddset(&unblocked, SIGTERM)
    pthread_sigmask(SIG_UNBLOCK, &unblocked, nil)
  }

  /// As if a signal had come: for work whose reason is gone.
  static func request() { received = sig_atomic_t(SIGTERM) }

  /// From now on writing to a pipe that nobody reads is an error, not the end.
  static func ignoreClosedPipes() { signal(SIGPIPE, SIG_IGN) }

  /// From now on a file that grows beyond the limit of the process is an error, not the end.
  static func ignoreSizeLimits() { signal(SIGXFSZ, SIG_IGN) }

  /// Whether somebody asked to stop.
  static var isRequested: Bool { received != 0 }

  /// The signal that was noted; 0 for none.
  static var signal: Int32 { Int32(received) }

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
