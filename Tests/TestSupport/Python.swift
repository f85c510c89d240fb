public import Foundation

/// A Python for tests that let others' software judge ours.
public struct Python: Sendable {
  /// Path of the program.
  public let path: String

  /// The one that ESPALIER_PYTHON names, if it can import these modules; nil else, for tests that are then skipped.
  public static func with(_ modules: String...) -> Python? {
    guard let path = ProcessInfo.processInfo.environment["ESPALIER_PYTHON"], !path.isEmpty else { return nil }
    let python = Python(path: path)
    return (try? python.run("import " + modules.joined(separator: ", "))) == nil ? nil : python
  }

  /// A script that failed.
  public struct Failure: Error { let status: Int32 }

  /// Runs a script and returns what it prints; what it complains of goes where this process's errors go.
  @discardableResult
  public func run(_ script: String, _ arguments: [String] = []) throws -> Data {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = ["-c", script] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure(status: process.terminationStatus) }
    return data
  }
}
