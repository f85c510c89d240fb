/// Text from outside (names in files, arguments, paths, libraries' error messages), made safe to print on a terminal.
extension String {
  /// Returns the text with every character that controls a terminal, changes the text direction or is invisible replaced by its JSON
  /// escape (`\u001b`), so that JSON stays JSON with the same values.
  ///
  /// - Parameter keepsLines: whether line feeds stay, as in a table; a single name must not begin a line of its own.
  public func printable(keepsLines: Bool = false) -> String {
    if utf8.allSatisfy({ ($0 >= 0x20 && $0 < 0x7F) || ($0 == 0x0A && keepsLines) }) { return self }
    var result = ""
    for scalar in unicodeScalars {
      if scalar.isVisible || (scalar == "\n" && keepsLines) {
        result.unicodeScalars.append(scalar)
      } else {
        result += scalar.escaped
      }
    }
    return result
  }

  /// The text in quotation marks, printable, on one line and cut to 80 characters.
  public var quoted: String {
    let shown = unicodeScalars.count > 80 ? String(unicodeScalars.prefix(77)) + "..." : self
    return "\"" + shown.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").printable() + "\""
  }

  /// Returns the first `length` characters of the text, of which the last three are dots if something was cut.
  public func shortened(to length: Int) -> String {
    guard utf8.count > length, unicodeScalars.count > length else { return self }
    return String(unicodeScalars.prefix(max(length - 3, 0))) + "..."
  }

  /// The text as part of a line: printable and cut to 80 characters.
  public var inLine: String { shortened(to: 80).printable() }

  /// The text unless it is long; otherwise the last characters of a path or the first of anything else, 80 with the dots.
  ///
  /// Paths stay whole up to 160 characters, two lines of a terminal, because they are still useful to copy.
  public var shortened: String {
    let isPath = contains("/")
    guard unicodeScalars.count > (isPath ? 160 : 80) else { return self }
    return isPath ? "..." + String(unicodeScalars.suffix(77)) : String(unicodeScalars.prefix(77)) + "..."
  }

  /// Returns a message with the given parts and every long word shortened; the full text of these was typed or read elsewhere.
  public func shortening(_ parts: [String]) -> String {
    var result = self
    for part in Set(parts).sorted(by: { ($1.utf8.count, $0) < ($0.utf8.count, $1) }) where part.shortened != part {
      result = result.replacing(part, with: part.shortened)
    }
    guard result.unicodeScalars.count > 80 else { return result }
    return result.split(separator: " ", omittingEmptySubsequences: false).map { word in
      // Quotation marks and punctuation around a word are ours.
      let core = word.drop { "\"'([".contains($0) }
      let tail = core.reversed().prefix { "\"')],;:.?".contains($0) }.count
      return word.prefix(word.count - core.count) + String(core.dropLast(tail)).shortened + core.suffix(tail)
    }.joined(separator: " ")
  }
}

extension Unicode.Scalar {
  /// Whether a terminal shows the character without any other effect.
  public var isVisible: Bool {
    if value >= 0x20, value < 0x7F { return true }
    return switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
    default: true
    }
  }

  /// The character's JSON escape.
  fileprivate var escaped: String {
    switch self {
    case "\n": return "\\n"
    case "\r": return "\\r"
    case "\t": return "\\t"
    default:
      return String(self).utf16.map { unit in
        let digits = String(unit, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }.joined()
    }
  }
}
