public import Foundation

/// The root of the package, found from this file's own place.
public let packageDirectory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

/// The folder of data sets that tests may read: ESPALIER_TEST_DATA, or `shared/data` beside the package; nil where there is none.
public let testDataDirectory: URL? = {
  let given = ProcessInfo.processInfo.environment["ESPALIER_TEST_DATA"].map { URL(fileURLWithPath: $0, isDirectory: true) }
  let folder = given ?? packageDirectory.deletingLastPathComponent().appendingPathComponent("shared/data", isDirectory: true)
  var isFolder: ObjCBool = false
  return FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder) && isFolder.boolValue ? folder : nil
}()

/// A file of `Tests/Reference`: golden values, beside the script that made them.
public func reference(_ name: String) -> URL { packageDirectory.appendingPathComponent("Tests/Reference/\(name)") }

/// Calls `body` with the path of a new folder, which is gone afterwards.
public func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("espalier-test-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

/// A folder for as long as the object lives: for tests that await.
public final class TemporaryDirectory: Sendable {
  /// Where it is.
  public let path: String

  /// A new, empty folder.
  public init() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("espalier-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    path = folder.path
  }

  /// The path of a file in it.
  public func file(_ name: String) -> String { path + "/" + name }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
