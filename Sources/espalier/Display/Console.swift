internal import Files
internal import Foundation
internal import Words

/// Prints results to standard output and everything else to standard error; names and texts from elsewhere are made `printable` first.
enum Console {
  /// Prints a result, with a line feed at its end.
  ///
  /// - Throws: ``OutputError`` if it cannot be written, e.g. on a full disk.
  static func print(_ text: String) throws {
    do {
      let text = text.printable(keepsLines: true)
      try FileHandle.standardOutput.write(contentsOf: Data((text.hasSuffix("\n") ? text : text + "\n").utf8))
    } catch {
      throw OutputError(path: "standard output", underlying: error)
    }
  }

  /// Writes numbers as they are to standard output, for a program that reads them.
  ///
  /// - Throws: ``OutputError`` if they cannot be written.
  static func pass(_ numbers: [Float]) throws {
    do {
      try FileHandle.standardOutput.write(contentsOf: numbers.withUnsafeBytes { Data($0) })
    } catch {
      throw OutputError(path: "standard output", underlying: error)
    }
  }

  /// Prints a line to standard error.
  static func note(_ text: String) { draw(line(text) + "\n") }

  /// Writes unchanged to standard error; failures are ignored, as there is nowhere to report them.
  static func draw(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }

  /// Returns a message as one printable line; long arguments in it are cut to 80 characters, paths to their ends.
  ///
  /// - Parameter arguments: the command line, whose values may be long and contain spaces.
  static func line(_ text: String, arguments: [String] = CommandLine.arguments) -> String {
    // A value is a separate argument, or follows an equals sign.
    let values = arguments.flatMap { [$0] + $0.split(separator: "=", maxSplits: 1).dropFirst().map(String.init) }
    return text.shortening(values).printable()
  }

  /// Writes a result to a file atomically, with a line feed at its end.
  ///
  /// - Throws: `FileError`.
  static func write(_ text: String, to path: String) throws {
    try AtomicFile.write(Data((text.hasSuffix("\n") ? text : text + "\n").utf8), to: path)
  }

  /// Whether standard error is a terminal that can redraw a line.
  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb" }

  /// Returns the number of columns of the terminal at this descriptor; nil if it is not a terminal.
  static func columns(of descriptor: Int32) -> Int? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// Width at which text on standard output is wrapped: that of the terminal, within 60 to 120, or else 100.
  static var textWidth: Int { min(max(columns(of: STDOUT_FILENO) ?? 100, 60), 120) }
}

/// The error for an output that could not be written.
struct OutputError: ReportedError, CustomStringConvertible {
  /// Path of the output, or `standard output`.
  let path: String
  /// The system's description of the error.
  let reason: String
  let exitStatus: ExitStatus

  init(path: String, underlying error: any Error) {
    self.path = path
    let error = error as NSError
    let system = (error.userInfo[NSUnderlyingErrorKey] as? NSError) ?? error
    if system.domain == NSPOSIXErrorDomain {
      reason = String(cString: strerror(Int32(clamping: system.code)))
      // Writing into a missing folder is a failure to create a file, not a missing input.
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
