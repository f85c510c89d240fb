internal import Foundation

/// Which file a path leads to, however the path is spelled: through folders, symbolic links and other names of the same file.
///
/// A file that is not there yet is known by its folder and its name in it.
public struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let number: UInt64
  /// The name in that folder, for what is not there yet; nil for what is.
  private let name: String?
  /// Whether it is a terminal or its like, which several may write to at once.
  public let isDevice: Bool

  /// nil where the path leads nowhere, e.g. into a folder that is not there.
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

  /// What an open descriptor leads to; nil for a closed one.
  init?(descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  /// What standard output goes to; nil if it is closed.
  public static var standardOutput: FileIdentity? { FileIdentity(descriptor: STDOUT_FILENO) }
}

extension String {
  /// The folder that the path leads into, with the slash; empty for the current one.
  var folder: String { lastIndex(of: "/").map { String(self[...$0]) } ?? "" }

  /// What follows the last slash; all of it where there is none.
  public var lastName: String { lastIndex(of: "/").map { String(self[index(after: $0)...]) } ?? self }

  /// Where a chain of symbolic links ends, whether anything is there or not.
  ///
  /// - Throws: ``FileError`` for a ring of links.
  func followingLinks() throws(FileError) -> String {
    var place = self
    // As many as Linux follows.
    for _ in 0..<40 {
      guard let link = try? FileManager.default.destinationOfSymbolicLink(atPath: place) else { return place }
      place = link.hasPrefix("/") ? link : place.folder + link
    }
    throw FileError(.write, self, code: ELOOP)
  }
}

extension stat {
  /// What kind of thing it is: `S_IFREG` and its like.
  var kind: mode_t { st_mode & S_IFMT }

  /// When it was written last: seconds since 1970, and nanoseconds.
  var modified: (Int, Int) {
    #if os(Linux)
      (st_mtim.tv_sec, st_mtim.tv_nsec)
    #else
      (st_mtimespec.tv_sec, st_mtimespec.tv_nsec)
    #endif
  }
}
