internal import ArgumentParser
internal import Datasets
internal import Foundation
internal import Results

/// `espalier data`: the group of commands for data sets.
struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data",
    abstract: "List, fetch and verify data sets.",
    discussion: """
      espalier data list
      espalier data fetch mnist cifar-10
      espalier data verify cifar-10 --data-dir DIR

      Files are in --data-dir, or else in ESPALIER_DATA_DIR, or else in the
      folder espalier of XDG_DATA_HOME or ~/.local/share. digits is built in.
      """,
    subcommands: [List.self, DataFetchCommand.self, DataVerifyCommand.self])

  /// The option for the folder of the data sets.
  struct Location: ParsableArguments {
    @Option(help: ArgumentHelp("The folder that holds the data sets.", valueName: "folder"), completion: .directory)
    var dataDir: String?

    var directory: String { dataDir ?? Dataset.defaultDirectory() }
  }

  /// `espalier data list`.
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Show all data sets, and where their files are.")

    @OptionGroup var location: Location

    @Flag(help: "Print JSON.")
    var json = false

    struct Row: Encodable {
      var name: String
      var title: String
      var shape: [Int]
      var classes: Int
      var training: Int
      var test: Int
      var licence: String
      var source: String
      /// Folder of the files; nil if they are missing, empty for a built-in data set.
      var location: String?
    }

    private static var own: TextTable {
      var table = TextTable(alignments: [.left, .left], header: ["name", "examples"])
      for kind in OwnData.all { table.append([kind.pattern, kind.summary]) }
      return table
    }

    private func folders() -> TextTable {
      var table = TextTable(alignments: [.left, .left, .left, .left], header: ["name", "examples", "licence", "where"])
      for folder in PublishedFolder.all {
        table.append([folder.name, folder.title, folder.licence, folder.path(in: location.directory) ?? "not here"])
      }
      return table
    }

    func run() throws {
      let rows = Dataset.all.map { set in
        Row(
          name: set.name, title: set.title, shape: [set.channels, set.height, set.width], classes: set.classes, training: set.trainingCount,
          test: set.testCount, licence: set.licence, source: set.source, location: Dataset.location(of: set, in: location.directory))
      }
      guard !json else {
        return try Console.print(Format.json(rows))
      }
      var table = TextTable(
        alignments: [.left, .left, .right, .right, .right, .left, .left],
        header: ["name", "images", "classes", "training", "test", "licence", "where"])
      for row in rows {
        let place = row.location.map { $0.isEmpty ? "built in" : $0 } ?? "not here"
        table.append([
          row.name, Format.shape(row.shape), Format.count(row.classes), Format.count(row.training), Format.count(row.test), row.licence,
          place,
        ])
      }
      try Console.print(
        table.text + "\nCounts are those published. \"espalier data fetch NAME\" downloads a data set to \(location.directory)\n\n"
          + "Folders of files:\n" + folders().text + "\nYour own:\n" + Self.own.text)
    }
  }
}
