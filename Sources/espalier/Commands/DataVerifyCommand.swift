internal import ArgumentParser
internal import Datasets
internal import Files
internal import Results

/// `espalier data verify`: compares files with the published checksums.
struct DataVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check data sets against their published checksums.",
    discussion: """
      espalier data verify mnist
      espalier data verify --data-dir DIR

      If a checksum is not published, or differs, the whole file is parsed.
      Exit status: 0 all usable, 65 a file is damaged, 66 a file is missing.
      """)

  @Argument(help: ArgumentHelp("Data sets to check; by default all that are here.", valueName: "name"))
  var names: [String] = []

  @OptionGroup var location: DataCommand.Location

  @Flag(help: "Print JSON.")
  var json = false

  /// The result for one file.
  struct Row: Encodable {
    var dataset: String
    var file: String
    var state: String
    var detail: String?
    var path: String?

    init(_ report: FileReport, of set: DatasetDescription) {
      dataset = set.name
      file = report.name
      path = report.path
      switch report.state {
      case .ok: state = "ok"
      case .missing: state = "missing"
      case .readable(let reason):
        state = "readable"
        detail = reason
      case .corrupt(let reason):
        state = "damaged"
        detail = reason
      }
    }
  }

  func run() throws {
    if let folder = location.dataDir { _ = try Folder.names(in: folder) }
    let sets =
      names.isEmpty
      ? Dataset.all.filter { Dataset.location(of: $0, in: location.directory)?.isEmpty == false } : try names.map { try Dataset.named($0) }
    let rows = try sets.flatMap { set in try Dataset.verify(set, in: location.directory).map { Row($0, of: set) } }
    if json {
      try Console.print(Format.json(rows))
    } else {
      var table = TextTable(alignments: [.left, .left, .left, .left], header: ["data set", "file", "state", ""])
      for set in sets where set.downloads.isEmpty { table.append([set.name, "", "ok", "built in"]) }
      for row in rows { table.append([row.dataset, row.path ?? row.file, row.state, row.detail ?? ""]) }
      try Console.print(sets.isEmpty ? "there are no data sets in \(location.directory)" : table.text)
    }
    if rows.contains(where: { $0.state == "damaged" }) { throw ExitCode(ExitStatus.dataError.rawValue) }
    if rows.contains(where: { $0.state == "missing" }) { throw ExitCode(ExitStatus.noInput.rawValue) }
  }
}
