import Crypto
import Foundation
import Testing

@testable import Datasets

/// Published data sets that are folders of files.
@Suite struct PublishedFolderTests {
  private func published(_ archive: [UInt8], _ name: String, enclosing: Int) -> PublishedFolder {
    let digits = Insecure.MD5.hash(data: archive).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    return PublishedFolder(
      name: "small", title: "Small", licence: "", source: "",
      archive: RemoteFile(url: "http://unused.invalid/\(name)", size: archive.count, checksum: .md5(digits), members: []), kind: .folder,
      folders: ["small-2"], landmark: "list.txt", enclosing: enclosing)
  }

  @Test(arguments: [0, 1]) func fetchedAndUnpacked(enclosing: Int) async throws {
    let prefix = enclosing == 0 ? "./" : "small/"
    let archive = try gzipped(
      tarArchive([("\(prefix)list.txt", [1]), ("\(prefix)train/a/1.png", [2, 3]), ("\(prefix)train/b/1.png", [])]))
    let server = try LocalServer { _, _ in LocalServer.ok(archive) }
    let folder = try TemporaryFolder()
    let set = published(archive, "small.tar.gz", enclosing: enclosing)
    #expect(set.path(in: folder.path) == nil)
    let path = try await Downloader(attempts: 1, backoff: 0.01, patience: 300).fetch(set, to: folder.path, mirror: server.address)
    #expect(path == "\(folder.path)/small-2" && set.path(in: folder.path) == path)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["small-2"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: "\(path)/train/a/1.png")) == Data([2, 3]))
  }

  @Test func namesStayInTheFolder() throws {
    let folder = try TemporaryFolder()
    for name in ["../out", "a/../../out", "/tmp/out"] {
      let path = try folder.write("evil.tar.gz", gzipped(tarArchive([("a/fine", [1]), (name, [1])])))
      #expect(
        message { try Archive.extractAll(path, to: "\(folder.path)/in", enclosing: 0) }
          == "\(path): \"\(name)\" in it leads out of its folder")
    }
    let link = try folder.write("link.tar.gz", gzipped(tarArchive([("a/link", nil)])))
    #expect(message { try Archive.extractAll(link, to: "\(folder.path)/in", enclosing: 0) } == "\(link): a/link in it is not a file")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["evil.tar.gz", "in", "link.tar.gz"])
  }

  @Test func namesOfFolders() throws {
    let folder = try TemporaryFolder()
    #expect(
      message { _ = try OwnData.named("tiny-imagenet", in: folder.path) }
        == "tiny-imagenet is not in \(folder.path): looked for tiny-imagenet-200, tiny-imagenet-20, tiny-imagenet; run "
        + "\"espalier data fetch tiny-imagenet --data-dir \(folder.path)\"")
    try folder.write("tiny-imagenet-20/wnids.txt", [])
    #expect(try OwnData.named("tiny-imagenet", in: folder.path)?.path == "\(folder.path)/tiny-imagenet-20")
    #expect(
      message { _ = try Dataset.named("speech-commands-12") }
        == "speech-commands-12 is a folder of files, and this takes a data set of the catalogue, e.g. digits")
    #expect(Set(PublishedFolder.all.map(\.name) + Dataset.all.map(\.name)).count == PublishedFolder.all.count + Dataset.all.count)
  }
}
