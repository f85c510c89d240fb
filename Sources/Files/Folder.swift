internal import Foundation

/// Operations on folders; every error names the path.
public enum Folder {
  /// Creates a folder and its parents unless they exist.
  ///
  /// - Throws: ``FileError``.
  public static func make(_ path: String) throws(FileError) {
    let path = path.count > 1 && path.hasSuffix("/") ? String(path.reversed().drop { $0 == "/" }.reversed()) : path
    if mkdir(path, 0o777) == 0 { return }
    var code = errno
    if code == ENOENT, !path.folder.isEmpty {
      try make(path.folder)
      code = mkdir(path, 0o777) == 0 ? 0 : errno
    }
    // A folder that another process has just created will do as well.
    var status = stat()
    if code == 0 || stat(path, &status) == 0 && status.kind == S_IFDIR { return }
    throw code == EEXIST ? FileError(.write, path, "it is not a folder") : FileError(.write, path, code: code)
  }

  /// Returns the names of a folder's entries, sorted.
  ///
  /// - Throws: ``FileError``.
  public static func names(in path: String) throws(FileError) -> [String] {
    guard let folder = opendir(path) else { throw FileError(.read, path, code: errno) }
    closedir(folder)
    return try FileError.naming(.read, path) { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
  }
}
