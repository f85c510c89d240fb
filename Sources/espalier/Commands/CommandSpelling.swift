internal import ArgumentParser
internal import Words

/// Suggests the intended command for a mistyped one, which ArgumentParser does for options only.
enum CommandSpelling {
  /// Returns the words of the command line that name a command, e.g. `espalier data fetch`.
  static func path(of arguments: [String]) -> [String] { walk(arguments).path }

  /// Returns the command that a command line names, and the words after its name.
  static func command(of arguments: [String]) -> (command: any ParsableCommand.Type, rest: ArraySlice<String>) {
    let found = walk(arguments)
    return (found.command, found.rest)
  }

  /// Checks that the words in place of a command's name are commands.
  ///
  /// - Throws: ``UnknownCommand`` otherwise.
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
}

/// The error for a command that does not exist.
struct UnknownCommand: ReportedError, CustomStringConvertible {
  let given: String
  let path: [String]
  let known: [String]
  var exitStatus: ExitStatus { .usage }

  var description: String {
    let suggestion = nearest(to: given, among: known)
    let name = given.count > 40 ? given.prefix(37) + "..." : given[...]
    let words = (path.dropFirst() + [String(name)]).joined(separator: " ")
    return "unknown command \(words.debugDescription)"
      + (suggestion.map { "; did you mean \($0)?" } ?? "; choose one of \(known.joined(separator: ", "))")
  }
}
