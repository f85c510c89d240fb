internal import Foundation

/// The only code that removes files which might belong to a user.
public enum OwnFile {
  /// Removes a file that the caller recognises as its own; a symbolic link to it stays. Anything but a regular file is never touched.
  ///
  /// - Parameters:
  ///   - path: the path of the file.
  ///   - identity: the file that must be found there; nil for any.
  ///   - isOwn: whether the file is one that only we make, judged by its content.
  /// - Returns: whether the file was removed.
  @discardableResult
  public static func remove(_ path: String, identity: FileIdentity? = nil, recognisedBy isOwn: (RegularFile) throws -> Bool) -> Bool {
    guard let place = try? path.followingLinks(), let file = try? RegularFile(place, followsLinks: false),
      identity ?? file.identity == file.identity, (try? isOwn(file)) == true
    else { return false }
    // Another file may have taken its place while it was examined.
    return FileIdentity(place) == file.identity && unlink(place) == 0
  }
}
