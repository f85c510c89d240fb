import Crypto
import Foundation
import Synchronization
import Testing

@testable import Datasets

@Suite struct DownloadTests {
  static let content: [UInt8] = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }

  private static func md5(_ bytes: [UInt8]) -> Checksum {
    .md5(Insecure.MD5.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
  }

  /// A data set of one file, `file.gz`.
  private static func description(
    _ checksum: Checksum = md5(content), archive: String? = nil, members: [String] = [], size: Int? = nil
  ) -> DatasetDescription {
    let files = members.isEmpty ? ["file"] : members.map { ($0 as NSString).lastPathComponent }
    let local = files.map { DatasetDescription.LocalFile(name: $0, checksum: members.isEmpty ? checksum : nil) }
    return DatasetDescription(
      name: "small", title: "Small", classNames: ["a"], channels: 1, height: 1, width: 1, trainingCount: 1, testCount: 1, licence: "",
      source: "", normalization: .none(channels: 1), augmentation: .none,
      format: .cifar(training: local, test: [], labelBytes: 1), folders: ["small"],
      downloads: [
        RemoteFile(url: "http://unused.invalid/\(archive ?? "file")", size: size, checksum: checksum, members: members)
      ])
  }

  private func fetch(
    _ server: LocalServer, _ folder: TemporaryFolder, _ description: DatasetDescription = description(), attempts: Int = 3,
    replace: Bool = false, progress: @escaping @Sendable (Downloader.Progress) -> Void = { _ in }
  ) async -> Result<[Downloader.FetchedFile], any Error> {
    do {
      return .success(
        try await Downloader(attempts: attempts, backoff: 0.01, patience: 300).fetch(
          description, to: folder.path, mirror: server.address, replace: replace, progress: progress))
    } catch {
      return .failure(error)
    }
  }

  private func line(_ result: Result<[Downloader.FetchedFile], any Error>) -> String {
    switch result {
    case .success: "no error"
    case .failure(let error): "\(error)"
    }
  }

  private func bytes(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

  @Test(arguments: ["file:///etc", "ftp://example.org/mnist", "example.org/mnist", "/srv/mnist", "", "http://", "https:///x", "htp://a"])
  func onlyServersAreAsked(mirror: String) async throws {
    let folder = try TemporaryFolder()
    do {
      _ = try await Downloader().fetch(Dataset.named("mnist"), to: folder.path + "/new", mirror: mirror)
      Issue.record("fetched from \(mirror)")
    } catch {
      #expect("\(error)" == "nothing can be fetched from \"\(mirror)\": give an address that begins with http:// or https://")
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/new"))
  }

  @Test func wholeFileArrivesWithProgress() async throws {
    let folder = try TemporaryFolder()
    let server = try LocalServer { _, _ in LocalServer.ok(Self.content) }
    let last = Mutex<Downloader.Progress?>(nil)
    let path = "\(folder.path)/small/file"
    let files = try await fetch(server, folder) { progress in last.withLock { $0 = progress } }.get()
    #expect(files == [.init(path: path, wasThere: false)])
    #expect(try bytes(path) == Self.content)
    #expect(!FileManager.default.fileExists(atPath: path + ".part"))
    let progress = try #require(last.withLock { $0 })
    #expect(progress.file == "file" && progress.received == 300_000 && progress.total == 300_000 && progress.rate > 0)
    #expect(server.requests == [.init(path: "/file", start: nil)])
    // Nothing is fetched again.
    #expect(try await fetch(server, folder).get() == [.init(path: path, wasThere: true)])
    #expect(server.requests.count == 1)
  }

  /// Gives 100,000 bytes, then breaks off.
  private final class BreakingTransport: HTTPTransport {
    let offsets = Mutex<[Int]>([])

    func get(_ url: String, from offset: Int, into sink: any DownloadSink) async throws {
      offsets.withLock { $0.append(offset) }
      let size = DownloadTests.content.count
      try sink.begin(
        HTTPHead(
          status: offset == 0 ? 200 : 206, reason: "", length: size - offset, range: offset == 0 ? nil : (start: offset, size: size)))
      let piece = Array(DownloadTests.content[offset...].prefix(100_000))
      try piece.withUnsafeBytes { try sink.receive($0) }
      if offset + piece.count < size { throw TransportFailure(problem: "the connection broke off", isTransient: true) }
    }
  }

  /// Gives 100,000 bytes again and again, until somebody has enough.
  private final class EndlessTransport: HTTPTransport {
    let given = Mutex(0)
    let length: Int?

    init(length: Int?) { self.length = length }

    func get(_ url: String, from offset: Int, into sink: any DownloadSink) async throws {
      try sink.begin(HTTPHead(status: 200, reason: "", length: length, range: nil))
      let piece = [UInt8](repeating: 1, count: 100_000)
      while true {
        given.withLock { $0 += piece.count }
        try piece.withUnsafeBytes { try sink.receive($0) }
      }
    }
  }

  @Test(arguments: [nil, 250_000, 10_000_000]) func aServerThatNeverEndsIsLeftAtThePublishedSize(length: Int?) async throws {
    let folder = try TemporaryFolder()
    let transport = EndlessTransport(length: length)
    let downloader = Downloader(attempts: 2, backoff: 0, transport: transport)
    let result = await Result { try await downloader.fetch(Self.description(size: 250_000), to: folder.path) }
    #expect(
      line(result) == "http://unused.invalid/file: more arrives than the 250000 bytes that are published; what arrived was removed")
    #expect(transport.given.withLock { $0 } == (length == 10_000_000 ? 0 : 300_000))
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/small").isEmpty)
  }

  /// Of a compressed file without a published size, no more comes than its examples have.
  @Test func noMoreComesThanAFileCanHave() async throws {
    let set = try Dataset.named("kmnist")
    let remote = set.downloads[0]
    #expect(remote.size == nil && set.mostBytes(of: remote) == 47_040_016 + 470_400 + 1024)
    #expect(set.mostBytes(of: set.downloads[3]) == 5120)
    let folder = try TemporaryFolder()
    let transport = EndlessTransport(length: nil)
    let result = await Result { try await Downloader(attempts: 1, backoff: 0, transport: transport).fetch(set, to: folder.path) }
    #expect(line(result).hasSuffix(": more arrives than the 47511440 bytes that it can have; what arrived was removed"), "\(line(result))")
    #expect(transport.given.withLock { $0 } == 47_600_000)
  }

  @Test func brokenOffDownloadGoesOnWhereItWas() async throws {
    let folder = try TemporaryFolder()
    let transport = BreakingTransport()
    // Two attempts suffice for any number of breaks, as each attempt makes progress.
    let downloader = Downloader(attempts: 2, backoff: 0, transport: transport)
    _ = try await downloader.fetch(Self.description(), to: folder.path)
    #expect(transport.offsets.withLock { $0 } == [0, 100_000, 200_000])
    #expect(try bytes("\(folder.path)/small/file") == Self.content)
  }

  @Test func serverThatBreaksOffIsAskedForTheRest() async throws {
    let folder = try TemporaryFolder()
    // The client may lose what it had not read yet, so how much each answer brings is not certain.
    let server = try LocalServer { request, number in
      let whole = request.start.map { LocalServer.part(Self.content, from: $0) } ?? LocalServer.ok(Self.content)
      return number < 5 ? Array(whole.prefix(100_000)) : whole
    }
    _ = try await fetch(server, folder, attempts: 6).get()
    #expect(try bytes("\(folder.path)/small/file") == Self.content)
    let starts = server.requests.map { $0.start ?? 0 }
    #expect(starts == starts.sorted() && starts[0] == 0, "\(starts)")
  }

  @Test func anotherRunGoesOnWithWhatIsKept() async throws {
    let folder = try TemporaryFolder()
    let part = try folder.write("small/file.part", Array(Self.content.prefix(50_000)))
    let failing = try LocalServer { _, _ in LocalServer.failure(503, "Service Unavailable") }
    #expect(
      line(await fetch(failing, folder, attempts: 2))
        == "\(failing.address)/file: the server answered 503 Service Unavailable (2 attempts); 50000 bytes are kept in "
        + "\(part), run the command again to go on")
    #expect(failing.requests.map(\.start) == [50_000, 50_000])
    let working = try LocalServer { request, _ in LocalServer.part(Self.content, from: request.start ?? 0) }
    _ = try await fetch(working, folder).get()
    #expect(working.requests.map(\.start) == [50_000])
    #expect(try bytes("\(folder.path)/small/file") == Self.content)
  }

  @Test func serverWithoutRangesSendsAllAnew() async throws {
    let folder = try TemporaryFolder()
    try folder.write("small/file.part", Array(Self.content.prefix(1000)))
    let server = try LocalServer { _, _ in LocalServer.ok(Self.content) }
    _ = try await fetch(server, folder).get()
    #expect(server.requests.map(\.start) == [1000])
    #expect(try bytes("\(folder.path)/small/file") == Self.content)
  }

  @Test(arguments: [1000, 300_000, 400_000]) func keptPartOfAnotherFileIsGivenUp(count: Int) async throws {
    let folder = try TemporaryFolder()
    try folder.write("small/file.part", [UInt8](repeating: 3, count: count))
    let server = try LocalServer { request, _ in
      request.start.map { LocalServer.part(Self.content, from: $0) } ?? LocalServer.ok(Self.content)
    }
    _ = try await fetch(server, folder).get()
    #expect(server.requests.map(\.start) == [count, nil])
    #expect(try bytes("\(folder.path)/small/file") == Self.content)
  }

  @Test func completePartOnlyNeedsItsChecksum() async throws {
    let folder = try TemporaryFolder()
    try folder.write("small/file.part", Self.content)
    let server = try LocalServer { request, _ in LocalServer.part(Self.content, from: request.start ?? 0) }
    _ = try await fetch(server, folder).get()
    #expect(server.requests.count == 1)
  }

  @Test func wrongChecksumLeavesNothing() async throws {
    let folder = try TemporaryFolder()
    let server = try LocalServer { _, _ in LocalServer.ok([1, 2, 3]) }
    #expect(
      line(await fetch(server, folder))
        == "\(server.address)/file: what arrived has the md5 5289df737df57326fcdd22597afb1fac, not the published "
        + "\(Self.md5(Self.content).digits), and was removed")
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/small").isEmpty)
  }

  @Test func missingFileAndNoServer() async throws {
    let folder = try TemporaryFolder()
    let server = try LocalServer { _, _ in LocalServer.failure(404, "Not Found") }
    #expect(line(await fetch(server, folder)) == "\(server.address)/file: the server answered 404 Not Found")
    #expect(server.requests.count == 1)
    // Nothing came: nothing is kept to go on from.
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/small").isEmpty)
    let address: String
    do {
      // Its port is free again once it is gone.
      address = try LocalServer { _, _ in [] }.address
    }
    let result = await Result {
      try await Downloader(attempts: 2, backoff: 0.01, patience: 300).fetch(Self.description(), to: folder.path, mirror: address)
    }
    #expect(line(result) == "\(address)/file: no connection to 127.0.0.1 (2 attempts)")
    let wrong = await Result { try await Downloader(attempts: 2).fetch(Self.description(), to: folder.path, mirror: "nonsense") }
    #expect(line(wrong) == "nothing can be fetched from \"nonsense\": give an address that begins with http:// or https://")
  }

  @Test func otherFileInPlaceIsKeptUnlessReplaced() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("small/file", [1, 2, 3])
    let server = try LocalServer { _, _ in LocalServer.ok(Self.content) }
    #expect(
      line(await fetch(server, folder))
        == "\(path): is there but is not the published file (md5 5289df737df57326fcdd22597afb1fac, published "
        + "\(Self.md5(Self.content).digits)); give --replace to fetch it anew")
    #expect(try bytes(path) == [1, 2, 3] && server.requests.isEmpty)
    _ = try await fetch(server, folder, replace: true).get()
    #expect(try bytes(path) == Self.content)
  }

  @Test func unwritableFolder() async throws {
    let folder = try TemporaryFolder()
    try folder.write("small", [1])
    let server = try LocalServer { _, _ in LocalServer.ok(Self.content) }
    #expect(line(await fetch(server, folder)) == "cannot write \(folder.path)/small: it is not a folder")
  }

  @Test func archivesAreUnpackedAndRemoved() async throws {
    let folder = try TemporaryFolder()
    let tar = try gzipped(tarArchive([("pack/one", [1, 2, 3]), ("pack/two", Array(Self.content.prefix(5000))), ("pack/other", [9])]))
    let description = Self.description(Self.md5(tar), archive: "pack.tar.gz", members: ["pack/one", "pack/two"])
    let server = try LocalServer { _, _ in LocalServer.ok(tar) }
    _ = try await fetch(server, folder, description).get()
    #expect(try bytes("\(folder.path)/small/one") == [1, 2, 3])
    #expect(try bytes("\(folder.path)/small/two") == Array(Self.content.prefix(5000)))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["small"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/small").sorted() == ["one", "two"])
    _ = try await fetch(server, folder, description).get()
    #expect(server.requests.count == 1)
    // An archive that lies there already is used and stays.
    let other = try TemporaryFolder()
    try other.write("pack.tar.gz", tar)
    _ = try await fetch(server, other, description).get()
    #expect(server.requests.count == 1)
    #expect(try FileManager.default.contentsOfDirectory(atPath: other.path).sorted() == ["pack.tar.gz", "small"])
  }
}

extension Result where Failure == any Error {
  fileprivate init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}

/// A ustar archive of files; a nil content makes a symbolic link.
func tarArchive(_ files: [(name: String, content: [UInt8]?)]) -> [UInt8] {
  var archive: [UInt8] = []
  for file in files {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, _ offset: Int) { for (i, byte) in text.utf8.enumerated() { header[offset + i] = byte } }
    func octal(_ number: Int, _ digits: Int) -> String {
      let text = String(number, radix: 8)
      return String(repeating: "0", count: digits - text.count) + text
    }
    put(file.name, 0)
    put("0000644", 100)
    put(octal(file.content?.count ?? 0, 11), 124)
    put("        ", 148)
    header[156] = UInt8(ascii: file.content == nil ? "2" : "0")
    if file.content == nil { put("/etc/passwd", 157) }
    put("ustar", 257)
    put(octal(header.reduce(0) { $0 + Int($1) }, 6) + "\0 ", 148)
    archive += header + (file.content ?? [])
    archive += [UInt8](repeating: 0, count: (512 - archive.count % 512) % 512)
  }
  return archive + [UInt8](repeating: 0, count: 1024)
}
