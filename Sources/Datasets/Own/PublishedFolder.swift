internal import Foundation

/// A published data set that is a folder of files, read as if it were one's own.
///
/// Adding one is a line in ``all``, if a kind of ``OwnData`` reads its layout.
public struct PublishedFolder: Sendable {
  /// Name on the command line, e.g. `tiny-imagenet`.
  public let name: String
  /// Name in papers, and what the examples are.
  public let title: String
  /// The terms under which it is published.
  public let licence: String
  /// The publication to cite.
  public let source: String
  /// The archive that holds the folder.
  public let archive: RemoteFile
  let kind: OwnData
  /// Names of the folder, in order of preference, relative to the data directory; the first is that of a download.
  let folders: [String]
  /// A file or folder by which the folder is recognised.
  let landmark: String
  /// Number of folders around the members of the archive.
  let enclosing: Int

  /// All of them, in the order of lists and help texts.
  public static let all: [PublishedFolder] =
    [tinyImageNet]
    + [
      speechCommands("speech-commands", .logMel12, "12 classes, log-mel"),
      speechCommands("speech-commands-12", .logMel12, "12 classes, log-mel"),
      speechCommands("speech-commands-12-mfcc", .mfcc12, "12 classes, MFCC"),
      speechCommands("speech-commands-35", .logMel, "35 classes, log-mel"),
      speechCommands("speech-commands-35-mfcc", .mfcc, "35 classes, MFCC"),
    ]

  /// Returns the path of the folder, if it is in a data directory.
  public func path(in directory: String? = nil) -> String? {
    let directory = directory ?? Dataset.defaultDirectory()
    return folders.map { "\(directory)/\($0)" }.first { FileManager.default.fileExists(atPath: "\($0)/\(landmark)") }
  }

  private static let tinyImageNet = PublishedFolder(
    name: "tiny-imagenet", title: "Tiny ImageNet, 110,000 images of 64×64 pixels in 200 classes", licence: "that of ImageNet",
    source: "Y. Le, X. Yang (2015), Tiny ImageNet Visual Recognition Challenge",
    archive: RemoteFile(
      url: "http://cs231n.stanford.edu/tiny-imagenet-200.zip", size: 248_100_043, checksum: .md5("90528d7ca1a48142e341f4ef8d21d0de"),
      members: []), kind: .folder, folders: ["tiny-imagenet-200", "tiny-imagenet-20", "tiny-imagenet"], landmark: "wnids.txt", enclosing: 1)

  private static func speechCommands(_ name: String, _ kind: OwnData, _ words: String) -> PublishedFolder {
    PublishedFolder(
      name: name, title: "Speech Commands 0.02, 105,829 clips of a second, \(words)", licence: "CC BY 4.0",
      source: "P. Warden (2018), arXiv:1804.03209",
      archive: RemoteFile(
        url: "http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz", size: 2_428_923_189,
        checksum: .sha256("af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58"), members: []), kind: kind,
      folders: [
        "speech_commands_v0.02", "SpeechCommands/speech_commands_v0.02", "speech-commands", "speech-commands/speech_commands_test_subset",
      ], landmark: "testing_list.txt", enclosing: 0)
  }
}
