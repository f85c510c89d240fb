internal import ArgumentParser
internal import Experiments
internal import Foundation
internal import Pruning
internal import Results
internal import Training

/// A command with so many options that `--help` shows only the usual ones.
protocol BrieflyHelped: ParsableCommand {
  /// The arguments and options in the short help, e.g. `<model>`, `--sparsity`.
  static var usualOptions: Set<String> { get }
}

/// The help of commands with many options: `--help` shows the usual ones, `--help-all` all, and `help prune METHOD` those of a method.
/// ArgumentParser provides all other help.
enum HelpPage {
  /// Returns the help that the arguments ask for; nil if there is none, or ArgumentParser provides it.
  ///
  /// - Throws: `UnknownCommand` and `UnknownMethod` for words that name neither.
  static func text(for arguments: [String], columns: Int) throws -> String? {
    let asked = Set(arguments.prefix { $0 != "--" })
    if arguments.first == "help" {
      let words = Array(arguments.dropFirst())
      try CommandSpelling.check(words)
      let (command, rest) = CommandSpelling.command(of: words)
      if rest.contains("--help-all") { return Espalier.helpMessage(for: command, columns: columns) }
      guard let command = command as? any BrieflyHelped.Type else { return nil }
      guard let name = rest.first(where: { !$0.hasPrefix("-") }) else { return brief(command, columns) }
      return page(of: try PruningMethod.named(name), columns)
    }
    let (command, _) = CommandSpelling.command(of: arguments)
    if asked.contains("--help-all") { return Espalier.helpMessage(for: command, columns: columns) }
    guard asked.contains("--help") || asked.contains("-h"), let command = command as? any BrieflyHelped.Type else { return nil }
    return brief(command, columns)
  }

  private static func brief(_ command: any BrieflyHelped.Type, _ columns: Int) -> String {
    let all = Espalier.helpMessage(for: command, columns: columns)
    let name = "espalier " + command._commandName
    let sections = Section.all(in: all).compactMap { section -> String? in
      guard !section.entries.isEmpty else { return section.title }
      let entries = section.entries.filter { !$0.names.isDisjoint(with: command.usualOptions) }
      return entries.isEmpty ? nil : ([section.title] + entries.map(\.text)).joined(separator: "\n")
    }
    let count = Section.all(in: all).reduce(0) { $0 + $1.entries.count }
    return sections.joined(separator: "\n\n") + """


      Most runs need only these options. To see all \(count):
        \(name) --help-all
      The defaults of a method and its own options, e.g. those of rigl:
        espalier help prune rigl

      """
  }

  /// Returns the page of a method of `prune`: its paper, its defaults, and the options of its own.
  private static func page(of method: PruningMethod, _ columns: Int) -> String {
    let own = Set(MethodFaces.options(of: method.name))
    let entries = Section.all(in: Espalier.helpMessage(for: PruneCommand.self, columns: columns)).flatMap(\.entries)
      .filter { !$0.names.isDisjoint(with: own) }
    let source = ["ours", "control"].contains { method.paper.hasPrefix($0) } ? "" : " (\(method.paper))"
    let width = max(columns - 4, 30)
    let facts = method.defaults.map { name, words in
      let lines = TextTable.wrapped(words, width: max(width - 16, 30)).split(separator: "\n")
      return "  " + name.padding(toLength: 16, withPad: " ", startingAt: 0)
        + lines.joined(separator: "\n" + String(repeating: " ", count: 18))
    }
    let options = entries.isEmpty ? "" : "\nITS OWN OPTIONS:\n" + entries.map(\.text).joined(separator: "\n") + "\n"
    return TextTable.wrapped("\(method.name): \(method.summary)\(source).", width: width)
      + """


        espalier prune --network lenet-300-100 \(method.exampleData) --method \(method.name) \(method.example)

      DEFAULTS:
      \(facts.joined(separator: "\n"))
      \(options)
      All other options: espalier prune --help-all

      """
  }

  /// A part of a help text: a title, and the arguments or options below it, if any.
  private struct Section {
    struct Entry {
      var names: Set<String>
      var text: String
    }
    var title: String
    var entries: [Entry]

    static func all(in help: String) -> [Section] {
      var sections: [Section] = []
      for block in help.components(separatedBy: "\n\n") {
        let lines = block.components(separatedBy: "\n")
        guard lines.count > 1, lines[1].hasPrefix("  -") || lines[1].hasPrefix("  <") else {
          sections.append(Section(title: block.trimmingCharacters(in: .newlines), entries: []))
          continue
        }
        var entries: [Entry] = []
        for line in lines.dropFirst() where !line.isEmpty {
          if line.hasPrefix("  -") || line.hasPrefix("  <") {
            let names = line.dropFirst(2).split { " ,/".contains($0) }.prefix { $0.hasPrefix("-") || $0.hasPrefix("<") }
            entries.append(Entry(names: Set(names.map(String.init)), text: line))
          } else if !entries.isEmpty {
            entries[entries.count - 1].text += "\n" + line
          }
        }
        sections.append(Section(title: lines[0], entries: entries))
      }
      return sections
    }
  }
}

extension PruningMethod {
  /// The method's defaults, as names and words.
  fileprivate var defaults: [(name: String, words: String)] {
    var facts = timing == .everyStep ? [] : [("--criterion", criterion)]
    if granularity != .weight { facts.append(("removed", "\(granularity.plural), unless --granularity says otherwise")) }
    facts.append(("--scope", "\(allocation)"))
    switch timing {
    case .rounds: facts.append(("removals", "in --rounds, between trainings"))
    case .atStart(let count): facts.append(("removals", count == 1 ? "one, before the first step" : "\(count), before the first step"))
    case .during(let removals, let share):
      facts.append(
        (
          "removals",
          removals == 1
            ? "one during training, after \(Format.percent(share, digits: 0)) of the steps"
            : "\(removals) during training, until \(Format.percent(share, digits: 0)) of the steps"
        ))
    case .everyStep where gates != nil: facts.append(("removals", "one after training, of what its gates have closed"))
    case .everyStep: facts.append(("removals", "selected anew at every step, by scores that are trained instead of the weights"))
    }
    if case .during(let removals, _) = timing, removals > 1 { facts.append(("--schedule", schedule.rawValue)) }
    if let words = regrowth?.words, !words.isEmpty { facts.append(("regrowth", words)) }
    if let training {
      facts.append(
        (
          "training",
          "sgd, learning rate \(training.learningRate), weight decay \(training.weightDecay), "
            + "initialization \(training.initialization.rawValue)"
        ))
    }
    if recoveryRate != 1 { facts.append(("recovery", "at \(Format.ratio(recoveryRate)) the learning rate of the training before")) }
    if rescalesDropout { facts.append(("dropout", "rescaled after each removal")) }
    return facts
  }
}
