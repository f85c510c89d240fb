/// Text that others wrote, made fit for a line of a terminal: names and texts in files, arguments, paths, what libraries say of errors.
extension String {
  /// The text without characters that steer a terminal, turn the direction of what follows or cannot be seen: each is spelled as JSON spells
  /// it (`\u001b`), so that JSON stays JSON with the same values.
  ///
  /// - Parameter keepsLines: whether line feeds stay, as in a table; a single name must not make a line of its own.
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

  /// In quotation marks on one line, printable, and not longer than 80.
  public var quoted: String {
    let shown = unicodeScalars.count > 80 ? String(unicodeScalars.prefix(77)) + "..." : self
    return "\"" + shown.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").printable() + "\""
  }

  /// So many characters of it at most, the last three then being dots.
  public func shortened(to length: Int) -> String {
    guard utf8.count > length, unicodeScalars.count > length else { return self }
    return String(unicodeScalars.prefix(max(length - 3, 0))) + "..."
  }

  /// A name among other words: on their line, and not longer than 80.
  public var inLine: String { shortened(to: 80).printable() }

  /// The text if it is not long; else the last 80 characters of a path, or the first of anything else.
  ///
  /// Paths of two lines of a terminal are still of use to whoever copies them.
  public var shortened: String {
    let isPath = contains("/")
    guard unicodeScalars.count > (isPath ? 160 : 80) else { return self }
    return isPath ? "..." + String(unicodeScalars.suffix(77)) : String(unicodeScalars.prefix(77)) + "..."
  }

  /// The text with these parts of it and every word shortened: a message is read, and what is too long in it was typed or read elsewhere.
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
  /// Whether a terminal shows it, and nothing else happens.
  public var isVisible: Bool {
    if value >= 0x20, value < 0x7F { return true }
    return switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
    default: true
    }
  }

  /// As JSON spells it.
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
