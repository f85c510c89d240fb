internal import ArgumentParser
internal import Datasets
internal import Foundation

/// `espalier data fetch`: downloads data sets.
struct DataFetchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch",
    abstract: "Fetch data sets from their authors' addresses.",
    discussion: """
      espalier data fetch mnist cifar-10

      A broken-off transfer goes on where it stopped. A file counts only if its
      checksum is the published one.
      """)

  @Argument(help: ArgumentHelp("Data sets to fetch.", valueName: "name"))
  var names: [String]

  @OptionGroup var location: DataCommand.Location

  @Option(
    help: ArgumentHelp("A folder's address that has files of the same names; the authors' checksums hold all the same.", valueName: "url"))
  var mirror: String?

  @Flag(help: "Fetch anew what is here but is not the published file.")
  var replace = false

  @Flag(help: "Show no progress.")
  var quiet = false

  func run() async throws {
    // Misspelt names should be found before hours of downloads.
    let sets = try names.map { try Dataset.named($0) }
    if let mirror { try Downloader.check(mirror: mirror) }
    let display = SharedDisplay(quiet: quiet)
    for set in sets {
      if !replace, let place = Dataset.location(of: set, in: location.directory) {
        display.note(place.isEmpty ? "\(set.name) is built in: there is nothing to fetch" : "\(set.name) is here already: \(place)")
        continue
      }
      display.note("\(set.name): \(set.licence); \(set.source)")
      defer { display.finish() }
      Interrupt.outcome = "what has arrived is kept; the same command goes on from it"
      let (folder, mirror, replace) = (location.directory, mirror, replace)
      let files = try await Interrupt.cancelling {
        try await Downloader().fetch(set, to: folder, mirror: mirror, replace: replace) { display.report($0) }
      }
      Interrupt.outcome = nil
      display.finish()
      for file in files { try Console.print(file.path + (file.wasThere ? " (was here)" : "")) }
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
