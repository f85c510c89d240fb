public import Foundation

/// A headless Chromium that looks at one page.
public final class Browser {
  /// The program; nil where there is none.
  public static let program = ["chromium", "chromium-browser", "google-chrome", "chrome"].lazy.compactMap { name in
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }.first

  /// The process, which ends when a minute of the page's own time has passed; that stands still while something is loaded.
  public let process = Process()
  private let place: String

  /// Starts it.
  ///
  /// - Parameters:
  ///   - address: the page to open.
  ///   - place: the beginning of the names of its own files.
  public init(_ address: String, _ options: [String] = [], place: String) throws {
    self.place = place
    process.executableURL = URL(fileURLWithPath: Self.program ?? "")
    // Without a sandbox, or it would not run as the superuser; with a profile of its own, or tests at once would share one.
    process.arguments =
      [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--user-data-dir=\(place).profile",
        "--allow-file-access-from-files", "--virtual-time-budget=60000", "--enable-logging=stderr", "--v=0", "--dump-dom",
      ] + options + [address]
    for name in [".dom", ".log"] { try Data().write(to: URL(fileURLWithPath: place + name)) }
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: place + ".dom"))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: place + ".log"))
    try process.run()
  }

  /// Waits for its end; returns the page's elements as they were then, and what it said on its console.
  public func end() throws -> (page: String, console: [String]) {
    process.waitUntilExit()
    func text(_ name: String) throws -> String {
      String(decoding: try Data(contentsOf: URL(fileURLWithPath: place + name)), as: UTF8.self)
    }
    return (try text(".dom"), try text(".log").split(separator: "\n").map(String.init).filter { $0.contains("CONSOLE") })
  }

  /// Opens the page of a file, and waits for its scripts.
  public static func open(_ path: String, _ options: String...) throws -> (page: String, console: [String]) {
    try Browser("file://" + path, options, place: path).end()
  }
}
