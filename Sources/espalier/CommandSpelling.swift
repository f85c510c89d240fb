internal import ArgumentParser

/// Finds what a mistyped command was probably meant to be, which ArgumentParser does for options only.
enum CommandSpelling {
  /// The words of the command line that name a command, e.g. `espalier data fetch`.
  static func path(of arguments: [String]) -> [String] { walk(arguments).path }

  /// - Throws: ``UnknownCommand`` if a word stands where a command's name belongs and is none.
  static func check(_ arguments: [String]) throws {
    let (path, command, rest) = walk(arguments)
    let names = command.configuration.subcommands.map { $0._commandName }
    guard !names.isEmpty, command.configuration.defaultSubcommand == nil, let word = rest.first, !word.hasPrefix("-"), word != "help" else {
      return
    }
    throw UnknownCommand(given: word, path: path, known: names)
  }

  private static func walk(_ arguments: [String]) -> (path: [String], command: any ParsableCommand.Type, rest: ArraySlice<String>) {
    var command: any ParsableCommand.Type = Espalier.self
    var path = [Espalier._commandName]
    var rest = arguments[...]
    while let word = rest.first, let next = command.configuration.subcommands.first(where: { $0._commandName == word }) {
      command = next
      path.append(word)
      rest = rest.dropFirst()
    }
    return (path, command, rest)
  }

  /// The candidate with the fewest insertions, deletions, substitutions and swaps from `word`, if they are few; the first of equals.
  static func nearest(to word: String, among candidates: [String]) -> String? {
    guard word.count <= 40 else { return nil }
    let measured = candidates.map { (name: $0, distance: distance(Array(word.lowercased()), Array($0))) }
    guard let best = measured.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= max(1, best.name.count / 3) ? best.name : nil
  }

  private static func distance(_ a: [Character], _ b: [Character]) -> Int {
    var rows = [Array(0...b.count)]
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}

/// A command that does not exist.
struct UnknownCommand: ReportedError, CustomStringConvertible {
  let given: String
  let path: [String]
  let known: [String]
  var exitStatus: ExitStatus { .usage }

  var description: String {
    let suggestion = CommandSpelling.nearest(to: given, among: known)
    let name = given.count > 40 ? given.prefix(37) + "..." : given[...]
    let words = (path.dropFirst() + [String(name)]).joined(separator: " ")
    return "unknown command \(words.debugDescription)"
      + (suggestion.map { "; did you mean \($0)?" } ?? "; known: \(known.joined(separator: ", "))")
  }
}
