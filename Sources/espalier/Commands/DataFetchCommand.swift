internal import ArgumentParser
internal import Datasets
internal import Foundation

/// `espalier data fetch`: downloads data sets.
struct DataFetchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch",
    abstract: "Download data sets from their authors' servers.",
    discussion: """
      espalier data fetch mnist cifar-10

      An interrupted download is resumed. A file is accepted only if its
      checksum is the published one.
      """)

  @Argument(help: ArgumentHelp("Data sets to download.", valueName: "name"))
  var names: [String]

  @OptionGroup var location: DataCommand.Location

  @Option(
    help: ArgumentHelp("URL of a folder with files of the same names; the authors' checksums still apply.", valueName: "url"))
  var mirror: String?

  @Flag(help: "Download files again that differ from the published ones.")
  var replace = false

  @Flag(help: "Show no progress.")
  var quiet = false

  func run() async throws {
    // Misspelt names should be found before hours of downloads.
    let folders = names.compactMap { name in PublishedFolder.all.first { $0.name == name } }
    let sets = try names.filter { name in !folders.contains { $0.name == name } }.map {
      try Dataset.named($0, among: Dataset.publishedNames)
    }
    if let mirror { try Downloader.check(mirror: mirror) }
    let display = SharedDisplay(quiet: quiet)
    for folder in folders {
      if !replace, let place = folder.path(in: location.directory) {
        display.note("\(folder.name) is already here: \(place)")
        continue
      }
      display.note("\(folder.name): \(folder.licence); \(folder.source)")
      defer { display.finish() }
      Interrupt.outcome = "what has arrived is kept; the same command resumes the download"
      let (directory, mirror, replace) = (location.directory, mirror, replace)
      let place = try await Interrupt.cancelling {
        try await Downloader().fetch(folder, to: directory, mirror: mirror, replace: replace) { display.report($0) }
      }
      Interrupt.outcome = nil
      display.finish()
      try Console.print(place)
    }
    for set in sets {
      if !replace, let place = Dataset.location(of: set, in: location.directory) {
        display.note(place.isEmpty ? "\(set.name) is built in: there is nothing to fetch" : "\(set.name) is already here: \(place)")
        continue
      }
      display.note("\(set.name): \(set.licence); \(set.source)")
      defer { display.finish() }
      Interrupt.outcome = "what has arrived is kept; the same command resumes the download"
      let (folder, mirror, replace) = (location.directory, mirror, replace)
      let files = try await Interrupt.cancelling {
        try await Downloader().fetch(set, to: folder, mirror: mirror, replace: replace) { display.report($0) }
      }
      Interrupt.outcome = nil
      display.finish()
      for file in files { try Console.print(file.path + (file.wasThere ? " (already there)" : "")) }
    }
  }
}

/// A progress display for reports from any thread.
private final class SharedDisplay: @unchecked Sendable {
  private let lock = NSLock()
  private let display: ProgressDisplay

  init(quiet: Bool) { display = ProgressDisplay(quiet: quiet) }

  func report(_ progress: Downloader.Progress) {
    lock.withLock {
      display.report(.init(phase: "fetching \(progress.file)", done: progress.received, total: progress.total ?? 0, unit: "B"))
    }
  }
  func note(_ text: String) { lock.withLock { display.note(text) } }
  func finish() { lock.withLock { display.finish() } }
}
