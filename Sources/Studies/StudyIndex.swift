internal import Files
internal import Foundation
internal import GRDB
internal import Results

/// An SQLite index of the runs of all studies below a root, made anew from their folders whenever it is asked.
///
/// Table `runs` has a row for each run with every quantity of its row; table `evaluations` the validation results in the course of each run;
/// table `places` its place on each axis, by study; and for each study there is a view of its name, with its axes as columns before those of
/// `runs`.
public struct StudyIndex {
  private let queue: DatabaseQueue
  /// Path of the root.
  public let root: String

  /// Names of the tables, which no study can have.
  static let tables = ["runs", "evaluations", "places"]

  private static let texts = ["key", "state", "failure", "network", "dataset", "method", "seed", "command"]

  /// Makes the index of a root, in `index.sqlite` there.
  ///
  /// - Throws: ``StoreError`` for studies that are damaged, or a folder that cannot be written to.
  public init(_ root: String) throws {
    self.root = root
    let path = root + "/index.sqlite"
    let studies: [(name: String, folder: StudyFolder)]
    do {
      studies = try Folder.names(in: root).compactMap { name in
        FileManager.default.fileExists(atPath: "\(root)/\(name)/study.json") ? (name, try StudyFolder("\(root)/\(name)")) : nil
      }
    } catch let error as FileError { throw StoreError("\(error)") }
    guard !studies.isEmpty else {
      throw StoreError("\(root) holds no studies; \"espalier study run RECIPE --into \(root)\" makes one", isMissing: true)
    }
    func made() throws -> DatabaseQueue {
      var configuration = Configuration()
      configuration.busyMode = .timeout(30)
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      try queue.write { database in
        try Self.clear(database)
        for study in studies { try Self.add(study.name, study.folder.result(), to: database) }
      }
      return queue
    }
    do {
      do { queue = try made() } catch let error as DatabaseError where [.SQLITE_NOTADB, .SQLITE_CORRUPT].contains(error.resultCode) {
        // All that it held is in the folders.
        try FileManager.default.removeItem(atPath: path)
        queue = try made()
      }
    } catch let error as DatabaseError { throw StoreError("\(path): \(error.message ?? "SQLite error \(error.resultCode)")") }
  }

  private static func clear(_ database: Database) throws {
    for row in try Row.fetchAll(
      database, sql: "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'")
    {
      let (type, name): (String, String) = (row["type"], row["name"])
      try database.execute(sql: "DROP \(type.uppercased()) IF EXISTS \(quoted(name))")
    }
    let columns = texts.map { "\(quoted($0)) TEXT" } + RowQuantity.all.map { "\(quoted(column($0))) REAL" }
    try database.execute(sql: "CREATE TABLE runs (\(columns.joined(separator: ", ")), PRIMARY KEY (key))")
    try database.execute(sql: "CREATE TABLE evaluations (key TEXT, training INTEGER, step INTEGER, epoch REAL, accuracy REAL, loss REAL)")
    try database.execute(sql: "CREATE TABLE places (study TEXT, number INTEGER, key TEXT, axis TEXT, place TEXT)")
  }

  private static func add(_ name: String, _ study: StudyResult, to database: Database) throws {
    let columns = texts + RowQuantity.all.map(column)
    let insert =
      "INSERT OR IGNORE INTO runs (\(columns.map(quoted).joined(separator: ", "))) VALUES (\(columns.map { _ in "?" }.joined(separator: ", ")))"
    for (number, run) in study.runs.enumerated() {
      let row = run.row
      let texts: [String?] = [
        run.key, run.state.rawValue, run.failure, row?.network, row?.data?.name, row?.method, row.map { "\($0.seed)" },
        run.command.joined(separator: " "),
      ]
      let numbers: [Double?] = RowQuantity.all.map { quantity in row.flatMap(quantity.value) }
      try database.execute(sql: insert, arguments: StatementArguments(texts) + StatementArguments(numbers))
      // A run that was there before, at another place or in another study, has its evaluations.
      for point in database.changesCount > 0 ? row?.evaluations ?? [] : [] {
        try database.execute(
          sql: "INSERT INTO evaluations VALUES (?, ?, ?, ?, ?, ?)",
          arguments: [run.key, point.training, point.step, point.epoch, point.accuracy, point.loss])
      }
      for (axis, place) in run.place {
        try database.execute(sql: "INSERT INTO places VALUES (?, ?, ?, ?, ?)", arguments: [name, number, run.key, axis, place])
      }
    }
    // An axis may have the name of a column: the axis is what is asked for.
    let axes = study.axes.map(\.name)
    let chosen =
      axes.map { "max(CASE WHEN axis = \(literal($0)) THEN place END) AS \(quoted($0))" }
      + columns.filter { !axes.contains($0) }.map { "runs.\(quoted($0))" }
    try database.execute(
      sql: "CREATE VIEW \(quoted(name)) AS SELECT \(chosen.joined(separator: ", ")) FROM places JOIN runs USING (key) "
        + "WHERE study = \(literal(name)) GROUP BY number")
  }

  private static func column(_ quantity: RowQuantity) -> String { quantity.name.replacing("-", with: "_") }
  private static func quoted(_ name: String) -> String { "\"\(name.replacing("\"", with: "\"\""))\"" }
  private static func literal(_ text: String) -> String { "'\(text.replacing("'", with: "''"))'" }

  /// The answer to a query.
  public struct Answer: Hashable, Sendable {
    /// Names of the columns.
    public var columns: [String]
    /// The rows; nil for NULL.
    public var rows: [[String?]]
  }

  /// Answers a query; nothing can be changed by it.
  ///
  /// - Throws: ``QueryError`` with SQLite's words for a query that is not possible.
  public func answer(_ sql: String) throws -> Answer {
    do {
      return try queue.read { database in
        let statement = try database.makeStatement(sql: sql)
        let columns = statement.columnNames
        // Such as ATTACH, which would create a file.
        guard !columns.isEmpty else { throw QueryError(description: "the query asks for nothing: begin with SELECT") }
        let rows = try Row.fetchAll(statement).map { row in
          columns.indices.map { index -> String? in
            switch (row[index] as DatabaseValue).storage {
            case .null: nil
            case .int64(let value): "\(value)"
            case .double(let value): "\(value)"
            case .string(let value): value
            case .blob(let value): "\(value.count) bytes"
            }
          }
        }
        return Answer(columns: columns, rows: rows)
      }
    } catch let error as DatabaseError {
      if error.resultCode == .SQLITE_MISUSE { throw QueryError(description: "a query is one statement without parameters") }
      throw QueryError(description: "the query is not possible: \(error.message ?? "SQLite error \(error.resultCode)")")
    }
  }
}

/// The error of a query that cannot be answered.
public struct QueryError: Error, CustomStringConvertible, Hashable {
  /// The message in one line.
  public let description: String
}

extension StudyIndex.Answer {
  /// The answer as comma-separated values, quoted as RFC 4180 does.
  public var csv: String {
    ([columns] + rows.map { $0.map { $0 ?? "" } }).map { $0.map(Self.cell).joined(separator: ",") + "\n" }.joined()
  }

  private static func cell(_ text: String) -> String {
    text.contains { ",\"\r\n".contains($0) || $0 == "\r\n" } ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
  }

  /// The answer as an aligned table.
  public var text: String {
    var table = TextTable(alignments: columns.map { _ in .left }, header: columns)
    for row in rows { table.append(row.map { $0 ?? "" }) }
    return table.text
  }
}
