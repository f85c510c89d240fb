internal import Words

/// A table of text cells, printed in aligned columns for a fixed-width font.
public struct TextTable: Hashable, Sendable {
  /// The side on which a column's cells are aligned.
  public enum Alignment: Hashable, Sendable {
    /// Left for text, right for numbers.
    case left, right
  }
  /// Alignment of each column.
  public var alignments: [Alignment]
  /// Cells of the header line; nil for a table without one.
  public var header: [String]?
  /// The rows below the header; missing cells are empty, and an empty row is a blank line.
  public private(set) var rows: [[String]] = []

  /// Creates a table without rows.
  public init(alignments: [Alignment], header: [String]? = nil) {
    self.alignments = alignments
    self.header = header
  }

  /// Appends a row; cells beyond the last column are not printed.
  public mutating func append(_ row: [String]) { rows.append(row) }

  /// The most characters of a cell that are printed.
  private static let longestCell = 1000

  /// The printed table: two spaces between columns, no trailing spaces.
  public var text: String {
    // A cell is one readable line, whatever characters a name in it contains.
    let all = ((header.map { [$0] } ?? []) + rows).map { $0.map { $0.shortened(to: Self.longestCell).printable() } }
    var widths = [Int](repeating: 0, count: alignments.count)
    for row in all {
      for (column, cell) in row.enumerated() where column < widths.count { widths[column] = max(widths[column], cell.count) }
    }
    return all.map { row in
      // Padding is written only when something follows it: one long cell must not lengthen every row.
      var (line, gap) = ("", 0)
      for (column, cell) in row.prefix(widths.count).enumerated() {
        let padding = widths[column] - cell.count
        gap += (column == 0 ? 0 : 2) + (alignments[column] == .left ? 0 : padding)
        if !cell.isEmpty {
          line += String(repeating: " ", count: gap) + cell
          gap = 0
        }
        gap += alignments[column] == .left ? padding : 0
      }
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }

  /// Returns facts as lines of label and words, the words wrapped beside the label; an empty label continues the fact above.
  public static func facts(_ facts: [(label: String, words: String)], width: Int) -> String {
    let indent = (facts.map(\.label.count).max() ?? 0) + 2
    return facts.map { label, words in
      let lines = wrapped(words, width: max(width - indent, 20)).split(separator: "\n")
      let margin = String(repeating: " ", count: indent)
      return label + String(repeating: " ", count: indent - label.count) + lines.joined(separator: "\n" + margin) + "\n"
    }.joined()
  }

  /// Returns text broken into lines of at most `width` characters; lines after the first are indented by `indent` spaces.
  public static func wrapped(_ text: String, width: Int, indent: Int = 0) -> String {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ", omittingEmptySubsequences: true).map({ String($0).shortened(to: longestCell).printable() }) {
      let margin = lines.isEmpty ? 0 : indent
      if !line.isEmpty, margin + line.count + 1 + word.count > width {
        lines.append(String(repeating: " ", count: margin) + line)
        line = word
      } else {
        line += (line.isEmpty ? "" : " ") + word
      }
    }
    lines.append(String(repeating: " ", count: lines.isEmpty ? 0 : indent) + line)
    return lines.joined(separator: "\n")
  }
}
