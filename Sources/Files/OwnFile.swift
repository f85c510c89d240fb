internal import Foundation

/// The one place where files are removed that a user might own.
public enum OwnFile {
  /// Removes a file that the caller recognises as its own; a link to it stays. A folder, a device or anything else is never touched.
  ///
  /// - Parameters:
  ///   - path: where it lies.
  ///   - identity: the file that it must be, where the caller knows; nil for any.
  ///   - isOwn: whether this is a file that only we make, by what stands in it.
  /// - Returns: whether it has been removed.
  @discardableResult
  public static func remove(_ path: String, identity: FileIdentity? = nil, recognisedBy isOwn: (RegularFile) throws -> Bool) -> Bool {
    guard let place = try? path.followingLinks(), let file = try? RegularFile(place, followsLinks: false),
      identity ?? file.identity == file.identity, (try? isOwn(file)) == true
    else { return false }
    // Another may have taken its place while it was looked at.
    return FileIdentity(place) == file.identity && unlink(place) == 0
  }
}
