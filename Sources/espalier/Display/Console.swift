internal import Files
internal import Foundation
internal import Words

/// Results go to standard output, everything else to standard error; names and texts of others reach neither as they are (`printable`).
enum Console {
  /// Writes a result, with a line feed at its end.
  ///
  /// - Throws: ``OutputError`` if it could not be written, e.g. on a full disk.
  static func print(_ text: String) throws {
    do {
      let text = text.printable(keepsLines: true)
      try FileHandle.standardOutput.write(contentsOf: Data((text.hasSuffix("\n") ? text : text + "\n").utf8))
    } catch {
      throw OutputError(path: "standard output", underlying: error)
    }
  }

  /// Writes a line to standard error.
  static func note(_ text: String) { draw(line(text) + "\n") }

  /// Writes to standard error as it is; there is nobody left to tell if that fails.
  static func draw(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }

  /// A message as one line: printable, and what is long in it cut to 80 characters, paths to their ends.
  ///
  /// - Parameter arguments: what was typed, which may be long and hold blanks.
  static func line(_ text: String, arguments: [String] = CommandLine.arguments) -> String {
    // A value stands behind its option, or behind its equals sign.
    let values = arguments.flatMap { [$0] + $0.split(separator: "=", maxSplits: 1).dropFirst().map(String.init) }
    return text.shortening(values).printable()
  }

  /// Writes a result to a file, with a line feed at its end, replacing it whole or not at all.
  ///
  /// - Throws: `FileError`.
  static func write(_ text: String, to path: String) throws {
    try AtomicFile.write(Data((text.hasSuffix("\n") ? text : text + "\n").utf8), to: path)
  }

  /// Whether standard error is a terminal that can redraw a line.
  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb" }

  /// Columns of the terminal behind this descriptor; nil if it is none.
  static func columns(of descriptor: Int32) -> Int? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// Where lines of words on standard output break: the terminal's width between 60 and 120, 100 elsewhere.
  static var textWidth: Int { min(max(columns(of: STDOUT_FILENO) ?? 100, 60), 120) }
}

/// An output that could not be written.
struct OutputError: ReportedError, CustomStringConvertible {
  /// Where to.
  let path: String
  /// The system's words.
  let reason: String
  let exitStatus: ExitStatus

  init(path: String, underlying error: any Error) {
    self.path = path
    let error = error as NSError
    let system = (error.userInfo[NSUnderlyingErrorKey] as? NSError) ?? error
    if system.domain == NSPOSIXErrorDomain {
      reason = String(cString: strerror(Int32(clamping: system.code)))
      // Writing into a folder that is not there is a failure to create, not a missing input.
      let status = ExitStatus(errorNumber: Int32(clamping: system.code))
      exitStatus = status == .noInput ? .cannotCreate : status
    } else {
      reason = error.localizedDescription
      let status = ExitStatus(for: error)
      exitStatus = status == .noInput || status == .software ? .cannotCreate : status
    }
  }

  var description: String { "cannot write \(path): \(reason)" }
}
