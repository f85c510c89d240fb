internal import Words

/// A table that pages, Markdown and LaTeX show alike.
public struct ReportTable: Hashable, Sendable {
  /// A column's heading and kind.
  struct Column: Hashable, Sendable {
    var title: String
    var isNumber = true
    /// Whether its cells hold sentences.
    var isWide = false
  }

  /// One cell.
  struct Cell: Hashable, Sendable {
    /// The judgement that colours a cell.
    enum Tone: String, Hashable, Sendable { case best, good, bad, open }
    var text: String
    /// What it is sorted by; nil for text.
    var value: Double?
    var tone: Tone?
    /// The share, 0 to 1, that colours it.
    var shade: Double?
    /// What a page draws below its text.
    var range: Range?

    /// An interval around a value, beside a number that it is compared with.
    struct Range: Hashable, Sendable {
      var lower: Double
      var value: Double
      var upper: Double
      var mark: Double
    }

    init(_ text: String?, _ value: Double? = nil, tone: Tone? = nil, shade: Double? = nil) {
      self.text = text ?? "–"
      (self.value, self.tone, self.shade) = (value, tone, shade)
    }
  }

  /// Name in file names and links.
  public var id: String
  /// What the table shows, in a sentence.
  public var caption: String
  var columns: [Column]
  var rows: [[Cell]] = []

  init(id: String, caption: String, columns: [Column]) { (self.id, self.caption, self.columns) = (id, caption, columns) }
}

extension ReportTable {
  /// The table in GitHub's Markdown, its caption above.
  public var markdown: String {
    func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }
    let body = rows.map { row in
      line(row.map { $0.tone == .best ? "**\(Markdown.escaped($0.text))**" : Markdown.escaped($0.text) })
    }
    return Markdown.escaped(caption) + "\n\n" + line(columns.map { Markdown.escaped($0.title) })
      + line(columns.map { $0.isNumber ? "---:" : "---" }) + body.joined()
  }

  /// The table in LaTeX, with the rules of `booktabs`.
  public var latex: String {
    func line(_ cells: [String]) -> String { "    " + cells.joined(separator: " & ") + " \\\\\n" }
    let body = rows.map { row in line(row.map { $0.tone == .best ? "\\textbf{\(LaTeX.escaped($0.text))}" : LaTeX.escaped($0.text) }) }
    return "\\begin{table}\n  \\centering\n  \\caption{\(LaTeX.escaped(caption))}\n  \\label{tab:\(id)}\n"
      + "  \\begin{tabular}{\(columns.map { $0.isNumber ? "r" : "l" }.joined())}\n    \\toprule\n"
      + line(columns.map { LaTeX.escaped($0.title) }) + "    \\midrule\n" + body.joined()
      + "    \\bottomrule\n  \\end{tabular}\n\\end{table}\n"
  }
}

/// Text as Markdown.
enum Markdown {
  /// Returns text of which nothing is taken for markup.
  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text.printable() {
      switch character {
      case "\\", "`", "*", "_", "[", "]", "|", "#", "~": result += "\\\(character)"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "&": result += "&amp;"
      default: result.append(character)
      }
    }
    return result
  }
}

/// Text as LaTeX.
enum LaTeX {
  private static let symbols: [Character: String] = [
    "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "$": "\\$", "&": "\\&", "#": "\\#", "%": "\\%", "_": "\\_",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}", "±": "$\\pm$", "×": "$\\times$", "−": "$-$", "–": "--",
    "µ": "\\textmu{}", "→": "$\\to$", "≈": "$\\approx$", "·": "$\\cdot$", "≥": "$\\ge$", "≤": "$\\le$", "…": "\\ldots{}",
  ]

  /// Returns text of which nothing is taken for a command.
  static func escaped(_ text: String) -> String { text.printable().map { symbols[$0] ?? String($0) }.joined() }
}
