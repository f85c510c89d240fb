internal import Foundation

/// The file that a path leads to, equal for all spellings of the path: through folders, symbolic links and hard links.
///
/// A file that does not exist yet is identified by its folder and its name.
public struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let number: UInt64
  /// The name within the folder, for a file that does not exist yet; otherwise nil.
  private let name: String?
  /// Whether it is a character device such as a terminal, which several programs may write to at once.
  public let isDevice: Bool

  /// Identifies the file at a path; nil if the path leads nowhere, e.g. into a folder that does not exist.
  public init?(_ path: String) {
    var status = stat()
    if stat(path, &status) == 0 {
      self.init(status)
    } else {
      guard errno == ENOENT, let place = try? path.followingLinks(), stat(place.folder.isEmpty ? "." : place.folder, &status) == 0 else {
        return nil
      }
      self.init(status, name: place.lastName)
    }
  }

  init(_ status: stat, name: String? = nil) {
    // Signed on some systems; only equality counts.
    (device, number, self.name) = (UInt64(truncatingIfNeeded: status.st_dev), UInt64(status.st_ino), name)
    isDevice = status.kind == S_IFCHR
  }

  /// Identifies the file behind an open descriptor; nil if it is closed.
  init?(descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  /// The destination of standard output; nil if it is closed.
  public static var standardOutput: FileIdentity? { FileIdentity(descriptor: STDOUT_FILENO) }
}

extension String {
  /// The folder part of the path, with its slash; empty for the current folder.
  var folder: String { lastIndex(of: "/").map { String(self[...$0]) } ?? "" }

  /// The part after the last slash; the whole path if there is none.
  public var lastName: String { lastIndex(of: "/").map { String(self[index(after: $0)...]) } ?? self }

  /// Returns the end of the chain of symbolic links that begins here, whether anything exists there or not.
  ///
  /// - Throws: ``FileError`` for a cycle of links.
  func followingLinks() throws(FileError) -> String {
    var place = self
    // Linux follows as many.
    for _ in 0..<40 {
      guard let link = try? FileManager.default.destinationOfSymbolicLink(atPath: place) else { return place }
      place = link.hasPrefix("/") ? link : place.folder + link
    }
    throw FileError(.write, self, code: ELOOP)
  }
}

extension stat {
  /// The kind of file, one of `S_IFREG` and its siblings.
  var kind: mode_t { st_mode & S_IFMT }

  /// Time of the last modification: seconds since 1970, and nanoseconds.
  var modified: (Int, Int) {
    #if os(Linux)
      (st_mtim.tv_sec, st_mtim.tv_nsec)
    #else
      (st_mtimespec.tv_sec, st_mtimespec.tv_nsec)
    #endif
  }
}
