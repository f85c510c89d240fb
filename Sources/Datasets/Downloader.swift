internal import Files
internal import Foundation
internal import Words

/// Fetches data sets from their authors' addresses.
///
/// A file is fetched into `FILE.part`, resumed after an interruption (also by a later run), and gets its name only once it matches its
/// published checksum. Archives are then unpacked, only the members that the data set needs, and removed.
public struct Downloader: Sendable {
  /// Progress of the download of one file.
  public struct Progress: Sendable, Equatable {
    /// Name of the file.
    public let file: String
    /// Bytes received so far, including those of earlier runs.
    public let received: Int
    /// Size of the whole file in bytes, if known.
    public let total: Int?
    /// Bytes per second in this run.
    public let rate: Double
  }

  /// A file of the data set after fetching.
  public struct FetchedFile: Sendable, Equatable {
    /// Path of the file.
    public let path: String
    /// Whether the file existed before, so that nothing was fetched.
    public let wasThere: Bool
  }

  /// Number of attempts in a row without progress before giving up.
  public let attempts: Int
  /// Seconds before the second attempt; doubled for each further one, up to 30.
  public let backoff: Double
  private let transport: any HTTPTransport

  /// Creates a downloader.
  ///
  /// - Parameters:
  ///   - attempts: the number of attempts in a row without progress before giving up.
  ///   - backoff: seconds before the second attempt.
  ///   - patience: seconds without data after which an attempt has failed.
  public init(attempts: Int = 5, backoff: Double = 1, patience: Int = 30) {
    self.init(attempts: attempts, backoff: backoff, transport: NetworkTransport(patience: max(1, patience)))
  }

  init(attempts: Int, backoff: Double, transport: any HTTPTransport) {
    self.attempts = max(1, attempts)
    self.backoff = max(0, backoff)
    self.transport = transport
  }

  /// Fetches the missing files of a data set into its folder in `dataDirectory`.
  ///
  /// - Parameters:
  ///   - mirror: address of a folder to fetch files of the same names from, instead of their authors' addresses.
  ///   - replace: whether existing files that differ from the published ones are fetched again; otherwise they are an error.
  ///   - progress: called for every piece of data that arrives, from any thread.
  /// - Returns: all files of the data set, in its own order.
  /// - Throws: ``DatasetError/download(url:problem:)``, ``DatasetError/badFile(path:problem:)`` for a damaged file, or `FileError` for a
  ///   file that cannot be written.
  public func fetch(
    _ description: DatasetDescription, to dataDirectory: String, mirror: String? = nil, replace: Bool = false,
    progress: @escaping @Sendable (Progress) -> Void = { _ in }
  ) async throws -> [FetchedFile] {
    if let mirror { try Self.check(mirror: mirror) }
    let folder = "\(dataDirectory)/\(description.folders.first ?? description.name)"
    let targets = zip(description.localFiles, description.publishedNames).map { (path: "\(folder)/\($1)", checksum: $0.checksum) }
    var missing: Set<String> = []
    for target in targets where try Self.isMissing(target.path, target.checksum, replace: replace) { missing.insert(target.path) }
    for remote in description.downloads {
      let url = mirror.map { $0.hasSuffix("/") ? $0 + remote.name : "\($0)/\(remote.name)" } ?? remote.url
      if remote.isArchive {
        guard !missing.isEmpty else { continue }
        let archive = "\(dataDirectory)/\(remote.name)"
        let wasThere = try !Self.isMissing(archive, remote.checksum, replace: replace)
        if !wasThere { try await download(remote, description.mostBytes(of: remote), from: url, to: archive, progress: progress) }
        var members: [String: String] = [:]
        for member in remote.members {
          let target = "\(folder)/\((member as NSString).lastPathComponent)"
          if missing.contains(target) { members[member] = target }
        }
        try Archive.extract(archive, members: members)
        if !wasThere { OwnFile.remove(archive) { _ in true } }
      } else {
        let target = "\(folder)/\(remote.name)"
        if missing.contains(target) {
          try await download(remote, description.mostBytes(of: remote), from: url, to: target, progress: progress)
        }
      }
    }
    return targets.map { FetchedFile(path: $0.path, wasThere: !missing.contains($0.path)) }
  }

  /// Fetches the archive of a published folder, and unpacks it in `dataDirectory`.
  ///
  /// - Parameters:
  ///   - mirror: address of a folder to fetch the archive from, instead of the authors' address.
  ///   - progress: called for every piece of data that arrives, from any thread.
  /// - Returns: the path of the folder.
  /// - Throws: as for a data set of files.
  public func fetch(
    _ folder: PublishedFolder, to dataDirectory: String, mirror: String? = nil, replace: Bool = false,
    progress: @escaping @Sendable (Progress) -> Void = { _ in }
  ) async throws -> String {
    if let mirror { try Self.check(mirror: mirror) }
    let remote = folder.archive
    let url = mirror.map { $0.hasSuffix("/") ? $0 + remote.name : "\($0)/\(remote.name)" } ?? remote.url
    let archive = "\(dataDirectory)/\(remote.name)"
    let target = "\(dataDirectory)/\(folder.folders.first ?? folder.name)"
    let wasThere = try !Self.isMissing(archive, remote.checksum, replace: replace)
    if !wasThere { try await download(remote, remote.size, from: url, to: archive, progress: progress) }
    // The whole folder appears in one step; what an interrupted run has unpacked is unpacked again.
    try Archive.extractAll(archive, to: target + ".part", enclosing: folder.enclosing)
    guard rename(target + ".part", target) == 0 else { throw FileError(.write, target, code: errno) }
    if !wasThere { OwnFile.remove(archive) { _ in true } }
    return target
  }

  /// Checks the address of a mirror.
  ///
  /// - Throws: ``DatasetError/badRequest(_:)`` unless it is an HTTP or HTTPS address.
  public static func check(mirror: String) throws {
    let url = URL(string: mirror)
    guard ["http", "https"].contains(url?.scheme?.lowercased()), url?.host?.isEmpty == false else {
      throw DatasetError.badRequest("nothing can be fetched from \(mirror.quoted): give an address that begins with http:// or https://")
    }
  }

  private static func isMissing(_ path: String, _ checksum: Checksum?, replace: Bool) throws -> Bool {
    guard FileManager.default.fileExists(atPath: path) else { return true }
    guard let checksum, case let found = try checksum.computed(ofFile: path), found != checksum else { return false }
    guard replace else {
      throw DatasetError.badFile(
        path: path,
        problem: "is there but is not the published file (\(found), published \(checksum.digits)); give --replace to fetch it anew")
    }
    return true
  }

  private func download(
    _ remote: RemoteFile, _ most: Int?, from url: String, to target: String, progress: @escaping @Sendable (Progress) -> Void
  ) async throws {
    let partial = try PartialFile(path: target + ".part", remote: remote, most: most, progress: progress)
    var failures = 0
    // An empty file is no use for resuming.
    defer { if partial.count == 0 { partial.discard() } }
    while true {
      let before = partial.count
      do {
        try await transport.get(url, from: before, into: partial)
        try partial.checkLength()
      } catch let failure as TransportFailure {
        failures = partial.count > before ? 1 : failures + 1
        if failure.isTooLong {
          if try partial.startsAnew(after: before) { continue }
          throw DatasetError.download(url: url, problem: "\(failure.problem); what arrived was removed")
        }
        guard failure.isTransient else { throw DatasetError.download(url: url, problem: failure.problem) }
        guard failures < attempts else {
          let kept = partial.count > 0 ? "; \(partial.count) bytes are kept in \(partial.path), run the command again to go on" : ""
          throw DatasetError.download(url: url, problem: "\(failure.problem) (\(attempts) attempts)\(kept)")
        }
        try await Task.sleep(nanoseconds: UInt64(min(30, backoff * pow(2, Double(failures - 1))) * 1e9))
        continue
      }
      let found = partial.checksum
      if found == remote.checksum { return try partial.keep(as: target) }
      if try partial.startsAnew(after: before) { continue }
      throw DatasetError.download(
        url: url, problem: "what arrived has the \(found), not the published \(remote.checksum.digits), and was removed")
    }
  }
}
