/// Penalty rows as comma-separated values (RFC 4180), one row per line, numbers in full precision.
public enum PenaltyTable {
  /// Names of the columns, in order. Either `fraction` or `count` is empty, and so are the test losses if test images were not evaluated.
  public static let columns = [
    "seed", "step", "layers", "fraction", "count", "scorer", "propagated", "mean_at", "retrain_steps", "removed", "loss_before",
    "loss_after", "penalty", "test_loss_before", "test_loss_after",
  ]

  /// Returns the header and the rows, each ended by a line feed.
  public static func text(_ rows: [PenaltyRow]) -> String {
    ([columns] + rows.map(cells)).map { $0.map(quoted).joined(separator: ",") + "\n" }.joined()
  }

  /// Parses a text written by ``text(_:)``; the penalty is recomputed from the losses.
  ///
  /// - Parameter place: the name of the text for error messages, e.g. its path.
  /// - Throws: ``PenaltyTableError`` with the line at fault.
  public static func rows(in text: String, place: String) throws -> [PenaltyRow] {
    let lines = text.split(whereSeparator: \.isNewline)
    guard let header = lines.first, fields(of: header) == columns else {
      throw PenaltyTableError(
        place: place, line: 1, problem: "is no table of penalties: its columns must be \(columns.joined(separator: ","))")
    }
    return try lines.enumerated().dropFirst().map { number, line in
      func failure(_ problem: String) -> PenaltyTableError { PenaltyTableError(place: place, line: number + 1, problem: problem) }
      let cells = fields(of: line)
      guard cells.count == columns.count else { throw failure("has \(cells.count) cells, not \(columns.count)") }
      func cell<Value>(_ column: Int, _ parse: (String) -> Value?) throws -> Value {
        guard let value = parse(cells[column]) else {
          throw failure("\(columns[column]) cannot be \(String(cells[column].prefix(40)).debugDescription)")
        }
        return value
      }
      func count(_ column: Int) throws -> Int { try cell(column) { Int($0).flatMap { $0 >= 0 ? $0 : nil } } }
      let amount: PenaltyAmount =
        cells[3].isEmpty ? .count(try count(4)) : .fraction(try cell(3) { Double($0) })
      return PenaltyRow(
        seed: try cell(0) { UInt64($0) }, step: try count(1), layers: cells[2], amount: amount, scorer: cells[5],
        propagated: try cell(6) { Bool($0) }, meanAt: cells[7], retrainSteps: try count(8), removed: try count(9),
        lossBefore: try cell(10) { Double($0) }, lossAfter: try cell(11) { Double($0) },
        testLossBefore: cells[13].isEmpty ? nil : try cell(13) { Double($0) },
        testLossAfter: cells[14].isEmpty ? nil : try cell(14) { Double($0) })
    }
  }

  private static func cells(of row: PenaltyRow) -> [String] {
    var (fraction, count) = ("", "")
    switch row.amount {
    case .fraction(let value): fraction = "\(value)"
    case .count(let value): count = "\(value)"
    }
    return [
      "\(row.seed)", "\(row.step)", row.layers, fraction, count, row.scorer, "\(row.propagated)", row.meanAt, "\(row.retrainSteps)",
      "\(row.removed)", "\(row.lossBefore)", "\(row.lossAfter)", "\(row.penalty)", row.testLossBefore.map { "\($0)" } ?? "",
      row.testLossAfter.map { "\($0)" } ?? "",
    ]
  }

  private static func quoted(_ cell: String) -> String {
    guard cell.contains(where: { $0 == "," || $0 == "\"" }) else { return cell }
    return "\"" + cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }

  /// Splits a line into its cells; a quotation mark within quotation marks is doubled.
  private static func fields(of line: Substring) -> [String] {
    var cells = [""]
    var isQuoted = false
    var previous: Character?
    for character in line {
      if character == "\"" {
        // The second of two consecutive marks stands for itself, and the cell goes on.
        if !isQuoted, previous == "\"" { cells[cells.count - 1].append(character) }
        isQuoted.toggle()
      } else if character == ",", !isQuoted {
        cells.append("")
      } else {
        cells[cells.count - 1].append(character)
      }
      previous = character
    }
    return cells
  }
}

/// The error of a text that is not a table of penalties.
public struct PenaltyTableError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Name of the text, usually its path.
  public var place: String
  /// Number of the line at fault, from 1.
  public var line: Int
  /// What is wrong with the line.
  public var problem: String

  /// Creates an error; every parameter sets the property of the same name.
  public init(place: String, line: Int, problem: String) {
    self.place = place
    self.line = line
    self.problem = problem
  }

  /// The message in one line, `place:line: problem`.
  public var description: String { "\(place):\(line): \(problem)" }
}
